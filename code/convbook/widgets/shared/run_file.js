/**
 * A trained network on its way to a file and back, and its settings on their way to an address and back.
 *
 * @typedef {import("./network.js").Layer} Layer
 * @typedef {import("./learner_worker.js").HistoryRow} HistoryRow
 * @typedef {Record<string, number | string | boolean>} Settings by the names of the figure's traits
 * @typedef {{values?: (number | string)[], min?: number, max?: number, flag?: boolean}} Range what a setting may be
 * @typedef {{settings: Settings, history: HistoryRow[], weights: Float32Array}} Trained
 */
const FORMAT = "Seeing Convolutions, trained network, 1";
const MOST = 4_000_000; // bytes of a file; those of this figure have a tenth

/**
 * Read a setting that came from outside.
 *
 * @param {Range} range
 * @param {any} value a text where it comes from an address
 * @returns {number | string | boolean | undefined} nothing if the setting cannot have the value
 */
function settingOf({ values, min = 0, max = 0, flag }, value) {
  if (flag) return { true: true, false: false }[String(value)];
  if (values) return values.find((each) => String(each) === String(value));
  const number = typeof value === "number" || /^\d{1,9}$/.test(value) ? Number(value) : NaN;
  return Number.isInteger(number) && number >= min && number <= max ? number : undefined;
}

/** @param {Range} range */
function wordsOf({ values, min, max, flag }) {
  return flag ? "true or false" : values ? `one of ${values.join(", ")}` : `a whole number from ${min} to ${max}`;
}

/**
 * Take the settings out of an address, and say what was wrong with the others.
 *
 * @param {string} text as `addressOf` writes it
 * @param {Record<string, Range>} ranges
 * @returns {{settings: Settings, problems: string[]}}
 */
export function settingsFrom(text, ranges) {
  /** @type {Settings} */
  const settings = {};
  const problems = [];
  for (const [name, value] of new URLSearchParams(text)) {
    const found = Object.hasOwn(ranges, name) ? settingOf(ranges[name], value) : undefined;
    if (found !== undefined) settings[name] = found;
    else if (!Object.hasOwn(ranges, name)) problems.push(`there is no setting “${name.slice(0, 30)}”`);
    else problems.push(`${name} must be ${wordsOf(ranges[name])}, not “${value.slice(0, 30)}”`);
  }
  return { settings, problems };
}

/** @param {Settings} settings */
export function settingsText(settings) {
  return new URLSearchParams(Object.entries(settings).map(([name, value]) => [name, String(value)])).toString();
}

/**
 * @param {Trained} trained
 * @returns {string} the content of a file
 */
export function fileOf({ settings, history, weights }) {
  const bytes = new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength);
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return JSON.stringify({ format: FORMAT, settings, history, weights: btoa(text) }, null, 1);
}

/**
 * Read a file that `fileOf` has written.
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
