/**
 * The address of what a strip shows: "conv5/3/4,7;network=compact_20k;digit=3;shift=2,-1;off=conv1,conv5/3". Whatever is as
 * the figure begins is left out.
 *
 * @typedef {import("./anatomy.js").Column} Column
 * @typedef {{relus: Set<string>, channels: import("./network.js").Off}} Off what is turned off: the layers with the ReLUs by
 *   name, and the maps of a layer
 */

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const STEPS = DIGITS.length - 1; // of grey in a drawing

/**
 * Round a drawing to the greys that an address can hold.
 *
 * @param {Float32Array} image
 */
export function rounded(image) {
  return image.map((value) => Math.round(STEPS * value) / STEPS);
}

/**
 * Write a rounded drawing: a letter for a pixel, and for pixels without ink a dot and a letter for how many they are.
 *
 * @param {Float32Array} image
 */
export function packDrawing(image) {
  const letters = Array.from(image, (value) => DIGITS[Math.round(STEPS * value)]).join("");
  return letters.replace(/A{3,63}/g, (run) => `.${DIGITS[run.length]}`);
}

/**
 * Read what `packDrawing` has written.
 *
 * @param {string} text
 * @param {number} pixels
 * @returns {Float32Array | null} null where it is no drawing of so many pixels
 */
export function unpackDrawing(text, pixels) {
  const letters = text.replace(/\.([\w-])/g, (_, letter) => "A".repeat(DIGITS.indexOf(letter)));
  if (letters.length !== pixels || !/^[\w-]*$/.test(letters)) return null;
  return Float32Array.from(letters, (letter) => DIGITS.indexOf(letter) / STEPS);
}

/**
 * Divide an address into its parts by name; the place, which has no name, is "place".
 *
 * @param {string} text
 * @returns {Record<string, string>}
 */
export function partsOf(text) {
  return Object.fromEntries(text.split(";").map((part) => (part.includes("=") ? part.split("=", 2) : ["place", part])));
}

/**
 * Join the parts of an address; those that are empty are left out.
 *
 * @param {Record<string, string>} parts
 */
export function joined({ place, ...parts }) {
  const named = Object.entries(parts).flatMap(([name, value]) => (value ? [`${name}=${value}`] : []));
  return [...(place ? [place] : []), ...named].join(";");
}

/**
 * Write what is turned off: the layer for its ReLU, layer/map for a map.
 *
 * @param {Off} off
 * @param {Column[]} columns
 */
export function offAddress(off, columns) {
  const maps = (/** @type {Column} */ { name, shown }) => [...(off.channels[shown] ?? [])].map((channel) => `${name}/${channel}`);
  return columns.flatMap((column) => [...(off.relus.has(column.relu) ? [column.name] : []), ...maps(column)]).join();
}

/**
 * Read what `offAddress` has written; what the network does not have is passed over.
 *
 * @param {string} text
 * @param {Column[]} columns
 * @returns {Off}
 */
export function offOf(text, columns) {
  /** @type {Off} */
  const off = { relus: new Set(), channels: {} };
  for (const part of text.split(",")) {
    const [name, channel] = part.split("/");
    const column = columns.find((each) => each.name === name);
    if (column?.relu && channel === undefined) off.relus.add(column.relu);
    if (column && /^\d+$/.test(channel ?? "") && Number(channel) < column.channels) (off.channels[column.shown] ??= new Set()).add(Number(channel));
  }
  return off;
}
