/** The twenty epochs of a run: its curves, its kernels, and what it said to a digit at the end of each epoch. */
import { cutWeights, forward } from "./shared/network.js";
import { chart } from "./shared/chart.js";
import { button, change, choice, element, fill, follow, player, slider, status } from "./shared/elements.js";
import { imageAt, paint, paintLayer, picture, unpack } from "./shared/pictures.js";

const PACE = 900; // milliseconds from epoch to epoch

/** @param {{model: import("./shared/elements.js").Model, el: HTMLElement}} place */
function render({ model, el }) {
  /** @type {import("./shared/network.js").Layer[]} */
  const layers = model.get("layers");
  /** @type {{accuracy: number, val_accuracy: number}[]} */
  const history = model.get("history");
  /** @type {string[]} */
  const shown = model.get("shown");
  const epochs = history.length;
  const weights = unpack(model.get("weights"));
  const size = weights.shape[1];
  const pieces = Array.from({ length: epochs }, (_, e) => cutWeights(layers, weights.data.subarray(e * size, (e + 1) * size)));
  const digits = unpack(model.get("digits"));
  /** @type {number[]} */
  const labels = model.get("labels");
  const images = labels.map((_, i) => imageAt(digits, i));

  const { name: first, filters: count = 0, kernel_size: side = 0 } = layers[0];
  const curves = chart("Training and validation accuracy of every epoch");
  const kernels = picture(`The first layer's ${count} kernels`, `The ${count} kernels of the first layer, vermilion below 0 and blue above`);
  const maps = shown.map((name) => {
    const { kind } = /** @type {import("./shared/network.js").Layer} */ (layers.find((layer) => layer.name === name));
    return picture(`Maps of ${name}, after its ${kind === "MaxPooling2D" ? "pooling" : "ReLU"}`);
  });
  const said = status();
  const epoch = slider({ label: "Epoch", min: 1, max: epochs, input: (value) => change(model, { epoch: value }) });
  const digit = choice({
    label: "Digit",
    options: Object.fromEntries(labels.map((label, i) => [i, `${i + 1}: a ${label}`])),
    input: (value) => change(model, { digit: Number(value) }),
  });
  const cards = images.map((image, i) => {
    const canvas = element("canvas", { "aria-hidden": "true" });
    paint(canvas, image, { limits: [0, 1] });
    const words = element("span", {});
    const card = button("", () => change(model, { digit: i }));
    card.append(canvas, words);
    return { card, words };
  });

  const play = player(PACE, () => change(model, { epoch: (model.get("epoch") % epochs) + 1 }));

  const read = (/** @type {number} */ e, /** @type {number} */ i) => {
    const outputs = forward(layers, pieces[e], images[i]);
    const result = outputs[layers[layers.length - 1].name].data;
    const best = result.indexOf(Math.max(...result));
    return { outputs, best, share: result[best] };
  };
  /** @type {number[][]} what every epoch says to every digit, once it was shown */
  const verdicts = [];
  const draw = () => {
    const e = Math.min(Math.max(model.get("epoch"), 1), epochs) - 1;
    const chosen = Math.min(Math.max(model.get("digit"), 0), labels.length - 1);
    epoch.show(e + 1);
    digit.show(String(chosen));
    const line = (/** @type {"accuracy" | "val_accuracy"} */ key) =>
      history.map((row, i) => /** @type {[number, number]} */ ([i + 1, row[key]]));
    const lines = [
      { name: "validation", points: line("val_accuracy") },
      { name: "training", points: line("accuracy") },
    ];
    const low = Math.min(...history.flatMap((row) => [row.accuracy, row.val_accuracy]));
    curves.draw({ x: [1, Math.max(epochs, 2)], y: [Math.floor(50 * low) / 50, 1], xName: "epoch", yName: "accuracy", lines, at: e + 1 });
    const [filters] = pieces[e][first];
    paint(kernels.canvas, { data: filters, height: side, width: side, channels: count }, { scale: "signed", columns: 8 });
    const { outputs, best, share } = read(e, chosen);
    shown.forEach((name, i) => paintLayer(maps[i], outputs[name]));
    let wrong = 0;
    verdicts[e] ??= images.map((_, i) => read(e, i).best);
    cards.forEach(({ card, words }, i) => {
      const said = verdicts[e][i];
      const right = said === labels[i];
      wrong += Number(!right);
      words.textContent = right ? `✓ ${said}` : `✗ ${said}`;
      card.classList.toggle("wrong", !right);
      card.setAttribute("aria-pressed", String(i === chosen));
      card.setAttribute("aria-label", `Digit ${i + 1}, a ${labels[i]}: the network says ${said}`);
    });
    said.show(
      `After epoch ${e + 1} the network is right on ${(100 * history[e].val_accuracy).toFixed(2)} % of the test digits and wrong on ` +
        `${wrong} of these ${labels.length}. It takes the chosen ${labels[chosen]} for a ${best}, with ${(100 * share).toFixed(1)} %.`,
    );
  };

  fill(
    el,
    element("div", { class: "controls" }, epoch, digit),
    element("div", { class: "buttons" }, play),
    said,
    curves,
    kernels,
    element("div", { class: "layers" }, ...maps),
    element("div", { class: "shelf cards", role: "group", "aria-label": "Hard digits; press one to choose it" }, ...cards.map(({ card }) => card)),
  );
  const stop = follow(model, ["epoch", "digit"], draw);
  return () => {
    play.pause();
    stop();
  };
}

export default { render };
