/** The twenty epochs of a run: its curves, its kernels, and what it said to a digit at the end of each epoch. */
import { cutWeights, forward } from "./shared/network.js";
import { chart } from "./shared/chart.js";
import { button, change, element, fill, follow, player, slider, status } from "./shared/elements.js";
import { withArticle } from "./shared/numbers.js";
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
  const curves = chart("Training and validation errors of every epoch, on a logarithmic axis", {
    height: 170,
    drag: (x) => change(model, { epoch: Math.min(Math.max(Math.round(x), 1), epochs) }),
  });
  const kernels = picture(`${first}: its ${count} kernels`, `The ${count} kernels of the first layer, orange below 0 and blue above`);
  kernels.classList.add("kernel-row");
  const maps = shown.map((name) => {
    const { kind } = /** @type {import("./shared/network.js").Layer} */ (layers.find((layer) => layer.name === name));
    return picture(kind === "MaxPooling2D" ? name : `${name} · after ReLU`, `The feature maps of ${name}`);
  });
  const sentence = (/** @type {{epoch: number, right: number, wrong: number, label: number, verdict: number, share: number}} */ its) =>
    `After epoch ${its.epoch} the network is right on ${(100 * its.right).toFixed(2)} % of the test digits and wrong on ` +
    `${its.wrong} of these ${labels.length}. It takes the chosen ${its.label} for ${withArticle(its.verdict)}, with ${(100 * its.share).toFixed(1)} %.`;
  const said = status(sentence({ epoch: epochs, right: 1, wrong: labels.length, label: 8, verdict: 8, share: 1 }));
  const epoch = slider({ label: "Epoch", min: 1, max: epochs, input: (value) => change(model, { epoch: value }) });
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
    const line = (/** @type {"accuracy" | "val_accuracy"} */ key) =>
      history.map((row, i) => /** @type {[number, number]} */ ([i + 1, 100 * (1 - row[key])]));
    const lines = [
      { name: "training", points: line("accuracy") },
      { name: "validation", points: line("val_accuracy") },
    ];
    const shares = lines.flatMap(({ points }) => points.map(([, share]) => share)).filter((share) => share > 0);
    const y = /** @type {[number, number]} */ ([Math.min(...shares) / 1.3, Math.max(...shares) * 1.3]);
    curves.draw({ x: [0.5, epochs + 0.5], y, log: true, xName: "epoch", yName: "errors, %", lines, at: e + 1 });
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
      card.setAttribute("aria-label", `Digit ${i + 1}, ${withArticle(labels[i])}: the network says ${said}`);
    });
    said.show(sentence({ epoch: e + 1, right: history[e].val_accuracy, wrong, label: labels[chosen], verdict: best, share }));
  };

  fill(
    el,
    element("div", { class: "line timeline" }, epoch, play),
    curves,
    said,
    element("div", { class: "cards", role: "group", "aria-label": "Hard digits; press one to choose it" }, ...cards.map(({ card }) => card)),
    element("p", { class: "title" }, "What the network makes of the chosen digit after this epoch"),
    element("div", { class: "layers compact" }, kernels, ...maps),
  );
  const stop = follow(model, ["epoch", "digit"], draw);
  return () => {
    play.pause();
    stop();
  };
}

export default { render };
