/**
 * Numbers as pictures: arrays from Python, colour scales, canvases, frames on them.
 *
 * @typedef {import("./convolution.js").Maps} Maps
 * @typedef {{shape: number[], dtype: string, data: DataView}} Packed
 */
import { colourOf, onTurn, rgb, word } from "./colours.js";
import { element } from "./elements.js";

/**
 * Unpack an array of Python.
 *
 * @param {Packed} packed
 * @returns {{data: Float32Array, shape: number[]}}
 */
export function unpack({ shape, dtype, data }) {
  const length = shape.reduce((a, b) => a * b, 1);
  const read = {
    float32: (/** @type {number} */ i) => data.getFloat32(4 * i, true),
    uint8: (/** @type {number} */ i) => data.getUint8(i),
  }[dtype];
  if (!read) throw new TypeError(`arrays of ${dtype} are not read here`);
  return { data: Float32Array.from({ length }, (_, i) => read(i)), shape };
}

/**
 * The bytes of an array from Python, which other arrays may share their memory with.
 *
 * @param {Packed} packed
 */
export function bytesOf({ data }) {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}

/**
 * Pack an array for Python.
 *
 * @param {ArrayLike<number>} values
 * @param {number[]} shape
 * @returns {Packed}
 */
export function pack(values, shape) {
  return { shape, dtype: "float32", data: new DataView(Float32Array.from(values).buffer) };
}

/**
 * Say whether two rows of numbers are the same, in the precision that both sides of the wire have.
 *
 * @param {ArrayLike<number>} numbers
 * @param {ArrayLike<number>} others
 */
export function same(numbers, others) {
  if (numbers.length !== others.length) return false;
  for (let i = 0; i < numbers.length; i++) if (Math.fround(numbers[i]) !== Math.fround(others[i])) return false;
  return true;
}

/**
 * One image out of several.
 *
 * @param {{data: Float32Array, shape: number[]}} images of shape (images, rows, columns), from 0 to 255
 * @param {number} index
 * @returns {Maps} from 0 to 1
 */
export function imageAt({ data, shape: [, height, width] }, index) {
  const pixels = data.slice(index * height * width, (index + 1) * height * width);
  return { data: pixels.map((value) => value / 255), height, width, channels: 1 };
}

/**
 * One map as an image of its own.
 *
 * @param {Maps} maps
 * @param {number} channel
 * @returns {Maps}
 */
export function channelOf({ data, height, width, channels }, channel) {
  const values = Float32Array.from({ length: height * width }, (_, i) => data[i * channels + channel]);
  return { data: values, height, width, channels: 1 };
}

/**
 * The colours of the page's theme, read once for each theme.
 *
 * @type {Record<string, string>}
 */
let colours = {};

/** @type {WeakMap<HTMLCanvasElement, () => void>} what paints a canvas again */
const painters = new WeakMap();

/**
 * A colour of the tokens, for a canvas that is drawn on by other means than `paint`.
 *
 * @param {string} name
 */
export function ink(name) {
  return (colours[name] ??= colourOf(name));
}

/**
 * Paint a canvas, and again whenever the page turns light or dark.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {() => void} draw
 */
export function inTheme(canvas, draw) {
  painters.set(canvas, draw);
  draw();
}

onTurn(() => {
  const before = colours.ink;
  colours = {};
  if (before === ink("ink")) return;
  for (const canvas of document.querySelectorAll("canvas")) painters.get(canvas)?.();
});

/**
 * The range that a scale shows: around 0 for signed values, from 0 up for others.
 *
 * @param {ArrayLike<number>} values
 * @param {string} scale
 * @returns {[number, number]}
 */
export function range(values, scale) {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  most ||= 1;
  return scale === "signed" ? [-most, most] : [0, most];
}

/**
 * Paint maps on a canvas, one beside the other in rows, with a line of one pixel between them. One pixel for one value:
 * the page scales the canvas. Where a signed map is 0 the ground of the page shows.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Maps} maps
 * @param {{scale?: string, limits?: [number, number], columns?: number}} options the scale "signed" goes
 *   from negative over the ground to positive, "bright" from dark to light; without limits, all maps share a range
 */
export function paint(canvas, maps, { scale = "bright", limits = range(maps.data, scale), columns = 1 } = {}) {
  inTheme(canvas, () => {
    const { data, height, width, channels } = maps;
    const gap = channels > 1 ? 1 : 0;
    const rows = Math.ceil(channels / columns);
    const wide = columns * (width + gap) - gap;
    const high = rows * (height + gap) - gap;
    if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const picture = context.createImageData(wide, high);
    const pixels = new Uint32Array(picture.data.buffer).fill(gap && word(rgb(ink("line")), 255));
    const [zero, most] = scale === "signed" ? [0, limits[1]] : limits;
    const steps = 255 / (most - zero);
    const [above, below] = [word(rgb(ink("positive"))), word(rgb(ink("negative")))];
    const [night, day] = [rgb(ink("night")), rgb(ink("day"))];
    const shade = (/** @type {number} */ share) => {
      const size = Math.min(Math.round(Math.abs(share)), 255);
      if (scale === "signed") return (share > 0 ? above : below) + size * 2 ** 24;
      const mixed = night.map((dark, i) => Math.round(dark + (share > 0 ? size / 255 : 0) * (day[i] - dark)));
      return word(/** @type {[number, number, number]} */ (mixed), 255);
    };
    for (let c = 0; c < channels; c++) {
      const top = Math.floor(c / columns) * (height + gap);
      const left = (c % columns) * (width + gap);
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          pixels[(top + y) * wide + left + x] = shade((data[(y * width + x) * channels + c] - zero) * steps);
        }
      }
    }
    context.putImageData(picture, 0, 0);
  });
}

/**
 * Paint the maps of a layer in two rows, wider where the maps are larger.
 *
 * @param {ReturnType<typeof picture>} figure
 * @param {Maps} maps
 */
export function paintLayer(figure, maps) {
  const columns = Math.ceil(maps.channels / 2);
  paint(figure.canvas, maps, { columns });
  // By the root, or the last layers would be too small to point at.
  figure.style.setProperty("--share", String(Math.min(1, Math.sqrt((maps.width * columns) / 200))));
}

/**
 * A picture: a canvas with a title above it, and a frame over it.
 *
 * @param {string} title
 * @param {string} alt what the canvas shows, for those who do not see it
 * @returns {HTMLElement & {canvas: HTMLCanvasElement, stage: HTMLElement, say(text: string): void,
 *   ramp(most: string): void, frame(place: {top: number, left: number, height: number, width: number} | null): void}}
 */
export function picture(title, alt = title) {
  const canvas = element("canvas", { role: "img", "aria-label": alt });
  const frame = element("div", { class: "frame", hidden: true });
  const stage = element("div", { class: "stage" }, canvas, frame);
  const caption = element("figcaption", {}, title);
  const whole = element("figure", { class: "picture" }, caption, stage);
  const ends = [element("span", {}), element("span", {})];
  const ramp = element("div", { class: "ramp" }, ends[0], element("i", {}), ends[1]);
  return Object.assign(whole, {
    canvas,
    stage,
    say(/** @type {string} */ text) {
      caption.textContent = text;
    },
    /** Show the colours of the signed scale under the picture, up to their largest value. */
    ramp(/** @type {string} */ most) {
      if (!ramp.isConnected) whole.append(ramp);
      ends[0].textContent = `−${most}`;
      ends[1].textContent = most;
    },
    frame(/** @type {any} */ place) {
      frame.hidden = !place;
      if (!place) return;
      const { style } = frame;
      style.top = `${(100 * place.top) / canvas.height}%`;
      style.left = `${(100 * place.left) / canvas.width}%`;
      style.height = `${(100 * place.height) / canvas.height}%`;
      style.width = `${(100 * place.width) / canvas.width}%`;
    },
  });
}
