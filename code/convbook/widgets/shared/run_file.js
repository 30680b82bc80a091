/**
 * A trained network on its way to a file and back.
 *
 * @typedef {import("./network.js").Layer} Layer
 * @typedef {import("./learner_worker.js").HistoryRow} HistoryRow
 * @typedef {import("./address.js").Settings} Settings
 * @typedef {import("./address.js").Range} Range
 * @typedef {{settings: Settings, history: HistoryRow[], weights: Float32Array}} Trained
 */
import { settingOf } from "./address.js";
import { element } from "./elements.js";

const FORMAT = "Seeing Convolutions, trained network, 1";
const MOST = 4_000_000; // bytes of a file; those of this figure have a tenth

/**
 * @param {Trained} trained
 * @returns {string} the content of a file
 */
function fileOf({ settings, history, weights }) {
  const bytes = new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength);
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return JSON.stringify({ format: FORMAT, settings, history, weights: btoa(text) }, null, 1);
}

/**
 * Let the browser keep a network as a file.
 *
 * @param {Trained} trained
 * @param {string} name of the file
 */
export function download(trained, name) {
  const url = URL.createObjectURL(new Blob([fileOf(trained)], { type: "application/json" }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/**
 * Read a file that `download` has written.
 *
 * @param {Blob} file
 * @param {Record<string, Range>} ranges
 * @param {(settings: Settings) => Layer[]} layersOf
 * @returns {Promise<Trained>}
 * @throws {RangeError} with a sentence for the reader
 */
export async function readRun(file, ranges, layersOf) {
  if (file.size > MOST) throw new RangeError("This file is too large for a network that was saved here.");
  let content;
  try {
    content = JSON.parse(await file.text());
  } catch {
    throw new RangeError("This file is not one that was saved here: it is no JSON.");
  }
  if (content?.format !== FORMAT) throw new RangeError("This file is not one that was saved here.");
  const damaged = new RangeError("This file was saved here, but it is damaged. Save the network again, if you still have it.");
  /** @type {Settings} */
  const settings = {};
  for (const [name, range] of Object.entries(ranges)) {
    const found = settingOf(range, content.settings?.[name]);
    if (found === undefined) throw damaged;
    settings[name] = found;
  }
  const names = ["epoch", "learning_rate", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"];
  const history = Array.isArray(content.history) ? content.history.slice(0, 100) : [];
  if (!history.length || !history.every((/** @type {any} */ row) => names.every((name) => Number.isFinite(row?.[name])))) throw damaged;
  let bytes;
  try {
    bytes = Uint8Array.from(atob(content.weights), (character) => character.charCodeAt(0));
  } catch {
    throw damaged;
  }
  if (bytes.length !== 4 * countWeights(layersOf(settings))) throw damaged;
  const weights = new Float32Array(bytes.buffer);
  if (!weights.every(Number.isFinite)) throw damaged;
  return { settings, history, weights };
}

/**
 * How many numbers Keras's `get_weights` has.
 *
 * @param {Layer[]} layers
 */
function countWeights(layers) {
  let [channels, sum] = [1, 0];
  for (const { kind, kernel_size = 1, filters = 0, use_bias } of layers) {
    if (kind === "Conv2D") {
      sum += kernel_size ** 2 * channels * filters + (use_bias ? filters : 0);
      channels = filters;
    }
    if (kind === "BatchNormalization") sum += 4 * channels;
  }
  return sum;
}
