/**
 * Numbers as pictures: arrays from Python, colour scales, canvases, frames on them.
 *
 * @typedef {import("./convolution.js").Maps} Maps
 * @typedef {{shape: number[], dtype: string, data: DataView}} Packed
 */
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
  return numbers.length === others.length && Array.from(numbers).every((v, i) => Math.fround(v) === Math.fround(others[i]));
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

// Colours at equal steps, between which a scale is straight. viridis by S. van der Walt and N. Smith, PuOr by C. Brewer.
const SCALES = {
  gray: ["000000", "ffffff"],
  viridis: ["440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725"],
  signed: ["7f3b08", "b35806", "e08214", "fdb863", "fee0b6", "f7f7f7", "d8daeb", "b2abd2", "8073ac", "542788", "2d004b"],
};

/** @type {Record<string, Uint8ClampedArray>} 256 colours, 3 numbers each, for every scale */
const TABLES = Object.fromEntries(
  Object.entries(SCALES).map(([name, colours]) => {
    const stops = colours.map((colour) => [0, 2, 4].map((at) => parseInt(colour.slice(at, at + 2), 16)));
    const table = new Uint8ClampedArray(256 * 3);
    for (let i = 0; i < 256; i++) {
      const at = (i / 255) * (stops.length - 1);
      const below = Math.min(Math.floor(at), stops.length - 2);
      for (let c = 0; c < 3; c++) {
        table[3 * i + c] = stops[below][c] + (at - below) * (stops[below + 1][c] - stops[below][c]);
      }
    }
    return [name, table];
  }),
);

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
 * Paint maps on a canvas, one beside the other in rows, with a gap of one pixel. One pixel for one value: the page
 * scales the canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Maps} maps
 * @param {{scale?: string, limits?: [number, number], columns?: number}} options without limits, all maps share a range
 */
export function paint(canvas, maps, { scale = "gray", limits = range(maps.data, scale), columns = 1 } = {}) {
  const { data, height, width, channels } = maps;
  const gap = channels > 1 ? 1 : 0;
  const rows = Math.ceil(channels / columns);
  const wide = columns * (width + gap) - gap;
  const high = rows * (height + gap) - gap;
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const picture = context.createImageData(wide, high);
  const table = TABLES[scale];
  const steps = 255 / (limits[1] - limits[0]);
  for (let c = 0; c < channels; c++) {
    const top = Math.floor(c / columns) * (height + gap);
    const left = (c % columns) * (width + gap);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const value = data[(y * width + x) * channels + c];
        const colour = 3 * Math.min(Math.max(Math.round((value - limits[0]) * steps), 0), 255);
        const pixel = 4 * ((top + y) * wide + left + x);
        picture.data[pixel] = table[colour];
        picture.data[pixel + 1] = table[colour + 1];
        picture.data[pixel + 2] = table[colour + 2];
        picture.data[pixel + 3] = 255;
      }
    }
  }
  context.putImageData(picture, 0, 0);
}

/**
 * Paint the maps of a layer in two rows, wider where the maps are larger.
 *
 * @param {ReturnType<typeof picture>} figure
 * @param {Maps} maps
 */
export function paintLayer(figure, maps) {
  const columns = Math.ceil(maps.channels / 2);
  paint(figure.canvas, maps, { scale: "viridis", columns });
  // By the root, or the last layers would be too small to point at.
  figure.style.setProperty("--share", String(Math.min(1, Math.sqrt((maps.width * columns) / 200))));
}

/**
 * A picture: a canvas with a title above it, and a frame over it.
 *
 * @param {string} title
 * @param {string} alt what the canvas shows, for those who do not see it
 * @returns {HTMLElement & {canvas: HTMLCanvasElement, stage: HTMLElement, say(text: string): void,
 *   frame(place: {top: number, left: number, height: number, width: number} | null): void}}
 */
export function picture(title, alt = title) {
  const canvas = element("canvas", { role: "img", "aria-label": alt });
  const frame = element("div", { class: "frame", hidden: true });
  const stage = element("div", { class: "stage" }, canvas, frame);
  const caption = element("figcaption", {}, title);
  const whole = element("figure", { class: "picture" }, caption, stage);
  return Object.assign(whole, {
    canvas,
    stage,
    say(/** @type {string} */ text) {
      caption.textContent = text;
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
