/**
 * The strip on its canvas: maps, frames, connections.
 *
 * @typedef {import("./convolution.js").Maps} Maps
 * @typedef {import("./scene.js").Tile} Tile
 * @typedef {{tile: Tile, top: number, left: number, height: number, width: number}} Frame in rows and columns of a tile
 * @typedef {{from: Frame, to: Frame, share: number}} Wire between two frames, from -1 to 1 of the strongest
 * @typedef {Record<"ink" | "night" | "day" | "paper" | "surface" | "quiet" | "line" | "action" | "positive" | "negative" | "point" | "halo", string>} Colours
 *   those of the tokens, and the darker of ink and paper, which makes a yellow frame stand out
 */
import { colourOf, rgb, word } from "./colours.js";

const NAMES = /** @type {(keyof Colours)[]} */ ([
  ...["ink", "night", "day", "paper", "surface", "quiet", "line", "action", "positive", "negative", "point"],
]);

/**
 * The colours of the page, each as #rrggbb.
 *
 * @returns {Colours}
 */
export function coloursOf() {
  const colours = Object.fromEntries(NAMES.map((name) => [name, colourOf(name)]));
  const light = (/** @type {string} */ text) => rgb(text).reduce((a, b) => a + b);
  const halo = light(colours.ink) < light(colours.paper) ? colours.ink : colours.paper;
  return /** @type {Colours} */ ({ ...colours, halo });
}

/**
 * Paint maps one below the other, a pixel for a value: from dark to light, or, where they have signs, from negative over the
 * ground to positive.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Maps} maps
 * @param {Colours} colours
 * @param {boolean} signed whether they have signs; those with a value below 0 have them anyway
 * @param {Float32Array} [others] values that the colours have to reach too, so that two pictures can be compared
 */
export function paintSprite(canvas, { data, height, width, channels }, colours, signed, others = data) {
  if (canvas.width !== width || canvas.height !== height * channels) [canvas.width, canvas.height] = [width, height * channels];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const picture = context.createImageData(width, height * channels);
  let most = 0;
  for (let i = 0; i < data.length; i++) {
    if (data[i] < 0) signed = true;
    most = Math.max(most, Math.abs(data[i]), Math.abs(others[i]));
  }
  const pixels = new Uint32Array(picture.data.buffer);
  const shade = scaleOf(colours, signed);
  const steps = most > 0 ? 255 / most : 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let i = channel, pixel = channel * height * width; i < data.length; i += channels, pixel++) {
      pixels[pixel] = shade[255 + Math.round(steps * data[i])];
    }
  }
  context.putImageData(picture, 0, 0);
}

/** @type {WeakMap<Colours, Record<string, Uint32Array>>} the scales of every set of colours */
const scales = new WeakMap();

/**
 * The colours of a scale, as the four bytes of a pixel: from -255, the most negative, to 255.
 *
 * @param {Colours} colours
 * @param {boolean} signed
 */
function scaleOf(colours, signed) {
  const made = scales.get(colours) ?? {};
  scales.set(colours, made);
  const [above, under, dark, light] = [colours.positive, colours.negative, colours.night, colours.day].map(rgb);
  return (made[String(signed)] ??= Uint32Array.from({ length: 511 }, (_, i) => {
    const size = Math.abs(i - 255);
    if (signed) return word(i < 255 ? under : above, size);
    return word(/** @type {[number, number, number]} */ (dark.map((from, c) => Math.round(from + (size / 255) * (light[c] - from)))), 255);
  }));
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Tile & {opacity?: number}} tile
 * @param {HTMLCanvasElement | undefined} sprite
 * @param {{colours: Colours, strong?: boolean, off?: boolean}} look
 */
export function paintTile(context, { x, y, side, channel, size, opacity = 1 }, sprite, { colours, strong, off }) {
  context.globalAlpha = opacity;
  context.fillStyle = colours.paper;
  context.fillRect(x, y, side, side);
  context.imageSmoothingEnabled = false;
  if (sprite) context.drawImage(sprite, 0, channel * size, size, size, x, y, side, side);
  context.strokeStyle = strong ? colours.action : colours.line;
  context.lineWidth = strong ? 2 : 1;
  context.strokeRect(x - 0.5, y - 0.5, side + 1, side + 1);
  if (off) {
    context.strokeStyle = colours.quiet;
    context.beginPath();
    context.moveTo(x, y + side);
    context.lineTo(x + side, y);
    context.stroke();
  }
  context.globalAlpha = 1;
}

/**
 * Where a frame is on the canvas; never smaller than can be seen.
 *
 * @param {Frame} frame
 */
function boxOf({ tile, top, left, height, width }) {
  const scale = tile.side / tile.size;
  const cut = (/** @type {number} */ at) => Math.min(Math.max(at, 0), tile.size) * scale;
  const [x, y] = [tile.x + cut(left), tile.y + cut(top)];
  const [wide, high] = [cut(left + width) - cut(left), cut(top + height) - cut(top)];
  const grow = (/** @type {number} */ length) => Math.max(0, 4 - length);
  return { x: x - grow(wide) / 2, y: y - grow(high) / 2, wide: Math.max(wide, 4), high: Math.max(high, 4) };
}

/**
 * A frame in the colour of where one points, with ink around it, so that it can be seen on any ground.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Frame} frame
 * @param {Colours} colours
 */
export function paintFrame(context, frame, colours) {
  const { x, y, wide, high } = boxOf(frame);
  context.lineJoin = "round";
  context.strokeStyle = colours.halo;
  context.lineWidth = 4;
  context.strokeRect(x, y, wide, high);
  context.strokeStyle = colours.point;
  context.lineWidth = 2;
  context.strokeRect(x, y, wide, high);
}

/**
 * A connection: blue where it adds to the unit and orange where it takes away, wider where it does so more.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Wire} wire
 * @param {Colours} colours
 */
export function paintWire(context, { from, to, share }, colours) {
  const [start, end] = [boxOf(from), boxOf(to)];
  const beside = end.x > start.x + start.wide; // else it is below
  const [x1, y1] = beside ? [start.x + start.wide, start.y + start.high / 2] : [start.x + start.wide / 2, start.y + start.high];
  const [x2, y2] = beside ? [end.x, end.y + end.high / 2] : [end.x + end.wide / 2, end.y];
  context.strokeStyle = share < 0 ? colours.negative : colours.positive;
  context.globalAlpha = 0.25 + 0.65 * Math.abs(share);
  context.lineWidth = 0.6 + 2.6 * Math.abs(share);
  context.beginPath();
  context.moveTo(x1, y1);
  if (beside) context.bezierCurveTo((x1 + x2) / 2, y1, (x1 + x2) / 2, y2, x2, y2);
  else context.bezierCurveTo(x1, (y1 + y2) / 2, x2, (y1 + y2) / 2, x2, y2);
  context.stroke();
  context.globalAlpha = 1;
}

const AROUND = 5; // of the ribbon around the maps

/**
 * A line around the maps of a layer.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {{x: number, y: number, width: number, height: number}} box
 * @param {string} colour
 */
export function paintOutline(context, { x, y, width, height }, colour) {
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.beginPath();
  context.roundRect(x - AROUND, y - AROUND, width + 2 * AROUND, height + 2 * AROUND, 4);
  context.stroke();
}

/**
 * The ground of the strip: one ribbon behind all layers, narrowing between them.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {{x: number, y: number, width: number, height: number}[]} boxes from left to right
 * @param {string} colour
 */
export function paintRibbon(context, boxes, colour) {
  const out = AROUND;
  context.fillStyle = colour;
  context.globalAlpha = 0.5;
  context.beginPath();
  boxes.forEach(({ x, y, width, height }, i) => {
    const next = boxes[i + 1];
    context.roundRect(x - out, y - out, width + 2 * out, height + 2 * out, 4);
    if (!next || next.x < x) return; // the next one is in another row
    const [start, end] = [x + width + out, next.x - out];
    context.moveTo(start, y);
    context.lineTo(end, next.y);
    context.lineTo(end, next.y + next.height);
    context.lineTo(start, y + height);
    context.closePath();
  });
  context.fill();
  context.globalAlpha = 1;
}
