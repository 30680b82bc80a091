/**
 * The address of what a strip shows: "conv5/3/4,7;network=compact_20k;digit=3;shift=2,-1;off=conv1,conv5/3". Whatever is as
 * the figure begins is left out.
 *
 * On the site it follows the anchor of the figure: "#fig-strip:conv5/3". Every step of the zoom is an entry of the browser's
 * history, with the place of each strip on the page. A step that is taken back leaves its entry there, which Back then passes
 * over. In a notebook the address is not ours. A strip inside another figure has no address, and one in a frame of another
 * page changes none.
 *
 * @typedef {import("./anatomy.js").Column} Column
 * @typedef {import("./anatomy.js").Off} Off
 * @typedef {import("./anatomy.js").Unit} Unit
 * @typedef {import("./strip_state.js").State} State
 */
import { hashText } from "./address.js";
import { addressOf, placeOf } from "./anatomy.js";
import { restart } from "./strip_state.js";

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const STEPS = DIGITS.length - 1; // of grey in a drawing
const REST = 200; // milliseconds before the address follows, as browsers refuse to change it all the time

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
function packDrawing(image) {
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
function unpackDrawing(text, pixels) {
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
function partsOf(text) {
  return Object.fromEntries(text.split(";").map((part) => (part.includes("=") ? part.split("=", 2) : ["place", part])));
}

/**
 * Join the parts of an address; those that are empty are left out.
 *
 * @param {Record<string, string>} parts
 */
function joined({ place, ...parts }) {
  const named = Object.entries(parts).flatMap(([name, value]) => (value ? [`${name}=${value}`] : []));
  return [...(place ? [place] : []), ...named].join(";");
}

/**
 * Write what is turned off: the layer for its ReLU, layer/map for a map.
 *
 * @param {Off} off
 * @param {Column[]} columns
 */
function offAddress(off, columns) {
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
function offOf(text, columns) {
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

/**
 * Let the address follow a strip, and the strip the address.
 *
 * @param {HTMLElement} el the strip's
 * @param {State} state
 * @param {{images: Float32Array[], find: (image: Float32Array) => number}} pad the digits of the test set, and which one an image is
 * @param {{name?: string}[]} networks
 * @param {{choose: (network: number) => Promise<void>, send: () => void,
 *   go: (level: number, unit: Unit, travelling: true) => void}} does `send` tells the model which digit is shown
 */
export function stripHistory(el, state, pad, networks, { choose, send, go }) {
  const alone = el.closest(".interactive") && !el.parentElement?.closest(".convbook-figure");
  const anchor = alone ? el.closest("figure")?.id : undefined;
  const first = pad.find(state.base.data);
  let entry = 0;
  let waiting = 0;

  const settle = () => {
    clearTimeout(waiting);
    waiting = 0;
  };
  /** What is as the figure begins is left out. */
  const address = () => {
    const { net, chosen, level, unit, base, moved, off } = state;
    const sample = pad.find(base.data);
    return joined({
      place: addressOf(level, unit, net.columns),
      network: chosen ? (networks[chosen].name ?? "") : "",
      digit: sample < 0 || sample === first ? "" : String(sample),
      drawn: sample < 0 ? packDrawing(base.data) : "",
      shift: moved.some(Boolean) ? moved.join() : "",
      off: offAddress(off, net.columns),
    });
  };
  const read = async () => {
    const [name, ...shown] = hashText().split(":");
    if (!anchor || name !== anchor) return;
    if (!shown.length) return remember(); // the link to the figure itself
    const parts = partsOf(shown.join(":"));
    const network = Math.max(networks.findIndex((each) => each.name === parts.network), 0);
    if (network !== state.chosen) await choose(network);
    const { net: { columns }, base, unit } = state;
    const data = unpackDrawing(parts.drawn ?? "", 784) ?? pad.images[Number(parts.digit ?? first)] ?? base.data;
    const way = /^(-?\d+),(-?\d+)$/.exec(parts.shift ?? "")?.slice(1).map(Number);
    restart(state, offOf(parts.off ?? "", columns), { ...base, data }, way);
    send();
    const { level, unit: at } = placeOf(parts.place ?? "", columns) ?? { level: 0, unit };
    go(level, at, true);
  };
  /** Write the address into the present entry of the history, or into a new one. */
  const write = (/** @type {0 | 1} */ more = 0) => {
    settle();
    if (!anchor || window !== parent) return;
    const { level, unit, net } = state;
    const { strips, ...others } = history.state ?? {};
    entry = (strips?.entry ?? 0) + more;
    const places = { ...strips?.places, [anchor]: addressOf(level, unit, net.columns) };
    const its = address();
    history[more ? "pushState" : "replaceState"]({ ...others, strips: { entry, places } }, "", `#${anchor}${its && ":"}${its}`);
  };
  const remember = () => {
    waiting ||= setTimeout(write, REST);
  };
  const travelled = () => {
    settle();
    const { strips } = history.state ?? {};
    const back = strips && strips.entry < entry;
    entry = strips?.entry ?? 0;
    if (!strips) return read(); // a link
    const place = strips.places[anchor ?? ""];
    if (place === undefined) return;
    const { level, unit } = state;
    const wanted = placeOf(place, state.net.columns) ?? { level: 0, unit };
    if (back && wanted.level >= level) return history.back();
    go(wanted.level, wanted.unit.layer === unit.layer && wanted.level < level ? unit : wanted.unit, true);
  };

  window.addEventListener("popstate", travelled);
  return {
    read,
    remember,
    write,
    stop() {
      settle();
      window.removeEventListener("popstate", travelled);
    },
  };
}
