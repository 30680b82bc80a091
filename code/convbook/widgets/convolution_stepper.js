/** A kernel steps over a digit: the window, the products and the sum in numbers. */
import { convolve, outputSize } from "./shared/convolution.js";
import { digitPicker } from "./shared/digits.js";
import { button, change, choice, element, fill, follow, numberGrid, operator, player, pointable, slider, status } from "./shared/elements.js";
import { kernelPicker } from "./shared/kernels.js";
import { signed } from "./shared/numbers.js";
import { pack, paint, picture, range, unpack } from "./shared/pictures.js";

const PACE = 250; // milliseconds from step to step

/** @param {{model: import("./shared/elements.js").Model, el: HTMLElement}} place */
function render({ model, el }) {
  const input = picture("Image, with its padding");
  const output = picture("Feature map");
  const pin = { held: false }; // a place is held in both pictures
  const formula = element("p", { class: "formula" });
  const said = status();
  const read = () => {
    const { data, shape } = unpack(model.get("image"));
    const kernel = unpack(model.get("kernel"));
    const [stride, padding, dilation] = ["stride", "padding", "dilation"].map((name) => model.get(name));
    const image = { data, height: shape[0], width: shape[1], channels: 1 };
    const size = kernel.shape[0];
    const across = outputSize(image.width, size, { stride, padding, dilation });
    const down = outputSize(image.height, size, { stride, padding, dilation });
    return { image, kernel: kernel.data, size, stride, padding, dilation, across, down };
  };
  const walk = (/** @type {number} */ steps) => {
    const { across, down } = read();
    const count = Math.max(across * down, 1);
    change(model, { position: (Math.min(model.get("position"), count - 1) + steps + count) % count });
  };
  const place = () => {
    const { across, down } = read();
    const position = Math.min(model.get("position"), Math.max(across * down, 1) - 1);
    return /** @type {[number, number]} */ (across < 1 ? [0, 0] : [Math.floor(position / across), position % across]);
  };
  /** The pixel of the image, counted without its padding, under the middle of the window. */
  const middle = () => {
    const { stride, padding, dilation, size } = read();
    const half = Math.floor((dilation * (size - 1) + 1) / 2);
    return place().map((value) => value * stride + half - padding);
  };
  /** Put the middle of the window on a pixel of the image, or as near to it as the stride and the border allow. */
  const moveTo = (/** @type {number} */ y, /** @type {number} */ x) => {
    const { stride, padding, dilation, size, across, down } = read();
    if (across < 1 || down < 1) return;
    const half = Math.floor((dilation * (size - 1) + 1) / 2);
    const near = (/** @type {number} */ value, /** @type {number} */ end) =>
      Math.min(Math.max(Math.round((value + padding - half) / stride), 0), end - 1);
    change(model, { position: near(y, down) * across + near(x, across) });
  };
  /** Change the geometry; the window stays where it is on the image. */
  const set = (/** @type {Record<string, any>} */ traits) => {
    const [y, x] = middle();
    change(model, traits);
    moveTo(y, x);
  };
  const setKernel = (/** @type {ArrayLike<number>} */ values, /** @type {number} */ size) =>
    set({ kernel: pack(values, [size, size]) });

  const limits = model.get("limits");
  const sizes = Array.from({ length: limits.kernel.max }, (_, i) => i + 1);
  const grid = numberGrid({ label: "Kernel", title: "Pixel × weight = product", input: setKernel });
  const preset = kernelPicker(model.get("presets"), setKernel);
  const side = choice({
    label: "Kernel size",
    options: Object.fromEntries(sizes.map((size) => [size, `${size} × ${size}`])),
    input: (value) => {
      const { kernel, size } = read();
      const wanted = Number(value);
      const cut = Array.from({ length: wanted ** 2 }, (_, i) => {
        const [row, column] = [Math.floor(i / wanted), i % wanted];
        return row < size && column < size ? kernel[row * size + column] : 0;
      });
      setKernel(cut, wanted);
    },
  });
  const stride = slider({ label: "Stride", ...limits.stride, input: (value) => set({ stride: value }) });
  const padding = slider({ label: "Padding", ...limits.padding, input: (value) => set({ padding: value }) });
  const dilation = slider({ label: "Dilation", ...limits.dilation, input: (value) => set({ dilation: value }) });

  const play = player(PACE, () => walk(1));
  const step = (/** @type {number} */ by) => () => {
    play.pause();
    walk(by);
  };
  const size = () => /** @type {[number, number]} */ ([Math.max(read().down, 1), Math.max(read().across, 1)]);
  pointable(output.stage, {
    label: "Position in the feature map",
    pin,
    size,
    place,
    move: (row, column) => {
      play.pause();
      change(model, { position: row * Math.max(read().across, 1) + column });
    },
  });

  pointable(input.stage, {
    label: "Position of the kernel on the image",
    pin,
    size: () => {
      const { image, padding } = read();
      return [image.height + 2 * padding, image.width + 2 * padding];
    },
    place: () => /** @type {[number, number]} */ (middle().map((value) => value + model.get("padding"))),
    move: (y, x) => {
      play.pause();
      moveTo(y - model.get("padding"), x - model.get("padding"));
    },
  });

  const draw = () => {
    const { image, kernel, size, stride: s, padding: p, dilation: d, across, down } = read();
    stride.show(s);
    padding.show(p);
    dilation.show(d);
    side.show(String(size));
    preset.show(kernel);
    paint(input.canvas, padded(image, p), { limits: [0, 1] });
    const span = d * (size - 1) + 1;
    const wide = image.width + 2 * p;
    const fits = across > 0 && down > 0;
    for (const part of [output, formula]) part.hidden = !fits;
    if (!fits) {
      grid.show(kernel, size);
      input.frame(null);
      const why = `The kernel spans ${span} pixels, but the padded image has only ${wide}.`;
      return said.show(`${why} Use less dilation or more padding.`);
    }
    formula.textContent = `Size: ⌊(${image.width} + 2 · ${p} − ${d} · (${size} − 1) − 1) / ${s}⌋ + 1 = ${across}`;
    const [row, column] = place();
    const map = convolve(image, { data: kernel, height: size, width: size, channels: 1 }, [0], {
      stride: s,
      padding: p,
      dilation: d,
    });
    paint(output.canvas, map, { scale: "signed" });
    input.frame({ top: row * s, left: column * s, height: span, width: span });
    output.frame({ top: row, left: column, height: 1, width: 1 });
    output.say(`Feature map, ${down} × ${across}`);
    output.ramp(range(map.data, "signed")[1].toFixed(2));

    const values = Array.from(kernel, (_, k) => {
      const [y, x] = [row * s + Math.floor(k / size) * d - p, column * s + (k % size) * d - p];
      const inside = y >= 0 && x >= 0 && y < image.height && x < image.width;
      return inside ? image.data[y * image.width + x] : 0;
    });
    grid.show(kernel, size, {
      above: values.map((value) => `${value.toFixed(2)} ×`),
      below: values.map((value, k) => `= ${signed(value * kernel[k])}`),
    });
    const total = map.data[row * across + column];
    said.show(`Row ${row}, column ${column}: the ${size * size} products add up to ${signed(total)}.`);
  };

  const steps = element("div", { class: "buttons" }, button("Step back", step(-1)), play, button("Step", step(1)));
  const trio = element("div", { class: "trio" }, input, operator("⊛"), grid, operator("="), output);
  fill(
    el,
    trio,
    element("div", { class: "line" }, said, steps),
    element("div", { class: "controls three" }, stride, padding, dilation),
    formula,
    element("div", { class: "controls" }, preset, side, digitPicker(model)),
    element("p", { class: "hint" }, "Point at a picture to move the window. Press to hold it there, and press again to let go."),
  );
  const stop = follow(model, ["image", "kernel", "stride", "padding", "dilation", "position"], draw);
  return () => {
    play.pause();
    stop();
  };
}

/**
 * @param {import("./shared/convolution.js").Maps} image
 * @param {number} padding
 */
function padded(image, padding) {
  const unit = { data: Float32Array.of(1), height: 1, width: 1, channels: 1 };
  return convolve(image, unit, [0], { padding });
}

export default { render };
