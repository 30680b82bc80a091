/** The trained network layer by layer: point at a unit and see what it could see of the digit, and what it uses. */
import { backward, cutWeights, forward, stagesOf } from "./shared/network.js";
import { digitPicker } from "./shared/digits.js";
import { change, choice, element, fill, follow, pointable, short, slider, status } from "./shared/elements.js";
import { channelOf, paint, picture, unpack } from "./shared/pictures.js";

/** @param {{model: import("./shared/elements.js").Model, el: HTMLElement}} place */
function render({ model, el }) {
  /** @type {import("./shared/network.js").Layer[]} */
  const layers = model.get("layers");
  const pieces = cutWeights(layers, unpack(model.get("weights")).data);
  const stages = stagesOf(layers, 28);
  const shown = layers.filter(({ kind }) => kind === "Conv2D" || kind === "MaxPooling2D");
  const stageOf = (/** @type {string} */ name) => stages[layers.findIndex((layer) => layer.name === name)];

  const limits = model.get("limits");

  const digit = picture("Digit, and the unit's field");
  const used = picture("What it uses: its gradient, vermilion below 0, blue above");
  const said = status();
  const set = (/** @type {string} */ name) => (/** @type {number} */ value) => change(model, { [name]: value });
  const layer = choice({
    label: "Layer",
    options: Object.fromEntries(shown.map(({ name }) => [name, name])),
    input: (name) => change(model, { layer: name }),
  });
  const row = slider({ label: "Row", ...limits.row, input: set("row") });
  const column = slider({ label: "Column", ...limits.column, input: set("column") });
  const channel = slider({
    label: "Channel",
    ...limits.channel,
    words: (value) => (value < 0 ? "the strongest" : String(value)),
    input: set("channel"),
  });

  const maps = shown.map(({ name }) => {
    const { size } = stageOf(name);
    const map = picture(`${name}: ${size} × ${size}`, `A feature map of ${name}`);
    pointable(map.stage, {
      label: `Units of ${name}`,
      size: () => [size, size],
      place: () => [Math.min(model.get("row"), size - 1), Math.min(model.get("column"), size - 1)],
      move: (y, x) => change(model, { layer: name, row: y, column: x }),
    });
    return map;
  });

  const draw = () => {
    const image = { data: unpack(model.get("image")).data, height: 28, width: 28, channels: 1 };
    const outputs = forward(layers, pieces, image);
    const name = model.get("layer");
    const { size, field, jump, start } = stageOf(name);
    const channels = outputs[name].channels;
    const [y, x] = [Math.min(model.get("row"), size - 1), Math.min(model.get("column"), size - 1)];
    const values = outputs[name].data.subarray((y * size + x) * channels, (y * size + x + 1) * channels);
    const strongest = values.indexOf(Math.max(...values));
    const c = model.get("channel") < 0 ? strongest : Math.min(model.get("channel"), channels - 1);
    layer.show(name);
    row.limit(size - 1);
    row.show(y);
    column.limit(size - 1);
    column.show(x);
    channel.limit(channels - 1);
    channel.show(Math.min(model.get("channel"), channels - 1));
    shown.forEach(({ name: other }, i) => {
      const here = other === name;
      paint(maps[i].canvas, channelOf(outputs[other], here ? c : liveliest(outputs[other])));
      maps[i].frame(here ? { top: y, left: x, height: 1, width: 1 } : null);
      maps[i].classList.toggle("chosen", here);
    });
    const gradient = backward(layers, pieces, image, outputs, name, { row: y, column: x, channel: c });
    const box = { top: start + y * jump, left: start + x * jump, height: field, width: field };
    paint(digit.canvas, image, { limits: [0, 1] });
    paint(used.canvas, gradient, { scale: "signed" });
    digit.frame(box);
    used.frame(box);
    const reached = gradient.data.filter((value) => value !== 0).length;
    const sizes = gradient.data.map(Math.abs).sort().reverse();
    const total = sizes.reduce((a, b) => a + b, 0);
    let half = 0;
    for (let sum = 0; total > 0 && sum < total / 2; half++) sum += sizes[half];
    const unit = `${name}, row ${y}, column ${x}, channel ${c}, has the value ${short(values[c])}. It can see ${field} × ${field} pixels`;
    said.show(
      reached
        ? `${unit}; ${half} of these ${field * field} carry half of its gradient.`
        : `${unit}, but here none of them changes it: its ReLU, or one before it, gives 0.`,
    );
  };

  fill(
    el,
    element("div", { class: "pictures" }, digit, used),
    said,
    element("div", { class: "controls" }, layer, row, column, channel, digitPicker(model)),
    element("div", { class: "maps" }, ...maps),
  );
  return follow(model, ["image", "layer", "row", "column", "channel"], draw);
}

/**
 * The channel that goes highest.
 *
 * @param {import("./shared/convolution.js").Maps} maps
 */
function liveliest({ data, channels }) {
  return data.indexOf(data.reduce((most, value) => Math.max(most, value))) % channels;
}

export default { render };
