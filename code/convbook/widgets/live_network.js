/** The trained network at work: draw a digit and see every feature map of every layer, and the ten probabilities. */
import { cutWeights, forward, stagesOf } from "./shared/network.js";
import { digitPicker } from "./shared/digits.js";
import { element, fill, follow, pointable, short, status } from "./shared/elements.js";
import { paint, paintLayer, picture, unpack } from "./shared/pictures.js";

/** @param {{model: import("./shared/elements.js").Model, el: HTMLElement}} place */
function render({ model, el }) {
  /** @type {import("./shared/network.js").Layer[]} */
  const layers = model.get("layers");
  const pieces = cutWeights(layers, unpack(model.get("weights")).data);
  const stages = stagesOf(layers, 28);
  const shown = layers.filter(({ kind }) => kind === "Conv2D" || kind === "MaxPooling2D").slice(0, -1); // the last has the scores

  const digit = picture("What the network sees", "The digit as the network sees it, 28 by 28 pixels");
  const said = status();
  const about = status();
  const bars = Array.from({ length: 10 }, (_, k) => {
    const bar = element("span", { class: "bar" });
    const share = element("span", { class: "share" });
    const row = element("li", {}, element("span", {}, String(k)), element("span", { class: "rail" }, bar), share);
    return { bar, share, row };
  });
  const probabilities = element("ol", { class: "bars", "aria-label": "Probability of each digit" }, ...bars.map(({ row }) => row));

  /** @type {Record<string, import("./shared/convolution.js").Maps>} */
  let outputs = {};
  let unit = { layer: "", y: 0, x: 0 }; // in pixels of the layer's picture
  const pictures = shown.map(({ name, kind, activation }) => {
    const index = layers.findIndex((layer) => layer.name === name);
    const { size } = stages[index];
    const channels = layers.slice(0, index + 1).reduce((n, layer) => layer.filters ?? n, 1);
    const what = kind === "MaxPooling2D" ? "pooled" : activation === "relu" ? "after the ReLU" : "before the ReLU";
    const maps = picture(`${name}: ${channels} maps of ${size} × ${size}, ${what}`, `The ${channels} feature maps of ${name}`);
    pointable(maps.stage, {
      label: `Units of ${name}: point at one to see its field`,
      size: () => [maps.canvas.height, maps.canvas.width],
      place: () => (unit.layer === name ? [unit.y, unit.x] : [0, 0]),
      move: (y, x) => {
        unit = { layer: name, y, x };
        mark();
      },
      hover: false,
    });
    return { maps, name, index };
  });

  const mark = () => {
    for (const { maps, name, index } of pictures) {
      maps.frame(null);
      if (name !== unit.layer) continue;
      const { size, field, jump, start } = stages[index];
      const step = size + 1; // the maps have a line between them
      const [row, column] = [Math.min(unit.y % step, size - 1), Math.min(unit.x % step, size - 1)];
      const columns = (maps.canvas.width + 1) / step;
      const channel = Math.floor(unit.y / step) * columns + Math.floor(unit.x / step);
      const value = outputs[name].data[(row * size + column) * outputs[name].channels + channel];
      const [top, left] = [unit.y - (unit.y % step) + row, unit.x - (unit.x % step) + column];
      maps.frame({ top, left, height: 1, width: 1 });
      digit.frame({ top: start + row * jump, left: start + column * jump, height: field, width: field });
      about.show(
        `${name}, map ${channel}, row ${row}, column ${column}: value ${short(value)}. The frame on the digit is what this unit sees, ` +
          `${field} × ${field} pixels.`,
      );
    }
  };
  const draw = () => {
    const { data } = unpack(model.get("image"));
    const image = { data, height: 28, width: 28, channels: 1 };
    outputs = forward(layers, pieces, image);
    paint(digit.canvas, image, { limits: [0, 1] });
    for (const { maps, name } of pictures) paintLayer(maps, outputs[name]);
    const result = Array.from(outputs[layers[layers.length - 1].name].data);
    const best = result.indexOf(Math.max(...result));
    bars.forEach(({ bar, share, row }, k) => {
      bar.style.width = `${100 * result[k]}%`;
      share.textContent = `${(100 * result[k]).toFixed(1)} %`;
      row.classList.toggle("best", k === best);
    });
    const empty = data.every((value) => value === 0);
    said.show(empty ? "Draw a digit: the pad is empty." : `The network says ${best}, with ${(100 * result[best]).toFixed(1)} %.`);
    mark();
  };

  fill(
    el,
    element("div", { class: "pictures" }, digitPicker(model, true), digit, probabilities),
    said,
    element("div", { class: "layers" }, ...pictures.map(({ maps }) => maps)),
    about,
  );
  return follow(model, ["image"], draw);
}

export default { render };
