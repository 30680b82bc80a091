/**
 * Runs of the strip's network: of one digit with parts turned off, one run minus another, the mean of many; and what a unit
 * of them uses of the digit.
 *
 * @typedef {import("./convolution.js").Maps} Maps
 * @typedef {import("./anatomy.js").Unit} Unit
 * @typedef {import("./anatomy.js").Off} Off
 * @typedef {ReturnType<typeof networkOf>} Net
 * @typedef {{image: Maps, off: Off, outputs: Record<string, Maps>, runs?: Run[]}} Run of the network, or the mean of several
 */
import { columnsOf, withoutRelus } from "./anatomy.js";
import { backward, cutWeights, forward, outputsOf } from "./network.js";
import { imageAt, unpack } from "./pictures.js";

/**
 * The network of a model, ready to compute.
 *
 * @param {import("./elements.js").Model} model
 */
export function networkOf(model) {
  /** @type {import("./network.js").Layer[]} */
  const layers = model.get("layers");
  const weights = unpack(model.get("weights")).data;
  const last = layers[layers.length - 1].name;
  const scores = layers[layers.length - 2].name;
  return { layers, pieces: cutWeights(layers, weights), columns: columnsOf(layers), last, scores };
}

/**
 * The digit of a model.
 *
 * @param {import("./elements.js").Model} model
 * @returns {Maps}
 */
export function imageOf(model) {
  return { data: unpack(model.get("image")).data, height: 28, width: 28, channels: 1 };
}

/**
 * Nothing that is turned off.
 *
 * @returns {Off}
 */
export function nothing() {
  return { relus: new Set(), channels: {} };
}

/**
 * Whether anything is turned off.
 *
 * @param {Off} off
 */
export function isAny({ relus, channels }) {
  return relus.size > 0 || Object.values(channels).some(({ size }) => size);
}

/**
 * Whether a map is turned off.
 *
 * @param {Off} off
 * @param {Net} net
 * @param {{layer: number, channel: number}} map
 */
export function isOff({ channels }, { columns }, { layer, channel }) {
  return !!channels[columns[layer].shown]?.has(channel);
}

/**
 * Send an image through the network.
 *
 * @param {Net} net
 * @param {Maps} image
 * @param {Off} off
 * @returns {Run}
 */
export function runOf({ layers, pieces }, image, off) {
  return { image, off, outputs: forward(withoutRelus(layers, off.relus), pieces, image, off.channels) };
}

/**
 * Compute what a strip shows first, a layer at a time: on a slow phone the page listens in between.
 *
 * @param {import("./elements.js").Model} model
 * @returns {Promise<Run>}
 */
export async function firstRun(model) {
  const { layers, pieces } = networkOf(model);
  const run = { image: imageOf(model), off: nothing(), outputs: /** @type {Record<string, Maps>} */ ({}) };
  for (const [name, maps] of outputsOf(layers, pieces, run.image)) {
    run.outputs[name] = maps;
    await pause();
  }
  return run;
}

/**
 * What a layer of the strip reads.
 *
 * @param {Net} net
 * @param {Run} run
 * @param {number} layer
 */
export function inputOf({ columns }, run, layer) {
  const { reads } = columns[layer];
  return reads ? run.outputs[reads] : run.image;
}

/**
 * The gradient of a unit at the digit.
 *
 * @param {Net} net
 * @param {Run} run
 * @param {Unit} unit
 */
export function gradientOf({ layers, pieces, columns }, { image, off, outputs }, unit) {
  return backward(withoutRelus(layers, off.relus), pieces, image, outputs, columns[unit.layer].shown, unit, off.channels);
}

/**
 * The gradients of the units of all maps at one place, run by run.
 *
 * @param {Net} net
 * @param {Run[]} runs
 * @param {Unit} unit
 */
export function* gradientsOf(net, runs, unit) {
  for (const run of runs) {
    for (let channel = 0; channel < net.columns[unit.layer].channels; channel++) yield gradientOf(net, run, { ...unit, channel });
  }
}

/**
 * One run minus another, number by number.
 *
 * @param {Run} run
 * @param {Run} other
 * @returns {Run}
 */
export function difference(run, other) {
  const less = (/** @type {Maps} */ a, /** @type {Maps} */ b) => ({ ...a, data: a.data.map((value, i) => value - b.data[i]) });
  const outputs = Object.entries(run.outputs).map(([name, maps]) => [name, less(maps, other.outputs[name])]);
  return { ...run, image: less(run.image, other.image), outputs: Object.fromEntries(outputs) };
}

/**
 * The mean of the runs of many digits; the page listens in between.
 *
 * @param {ReturnType<typeof unpack>} digits
 * @param {(image: Maps) => Run} run
 * @returns {Promise<Run>}
 */
export async function averageOf(digits, run) {
  const runs = [];
  for (let n = 0; n < digits.shape[0]; n++) {
    runs.push(run(imageAt(digits, n)));
    if (n % 10 === 9) await pause();
  }
  return meanOf(runs);
}

/**
 * @param {Run[]} runs
 * @returns {Run}
 */
function meanOf(runs) {
  const mean = (/** @type {Maps[]} */ all) => ({
    ...all[0],
    data: all[0].data.map((_, i) => all.reduce((sum, { data }) => sum + data[i], 0) / all.length),
  });
  const outputs = Object.keys(runs[0].outputs).map((name) => [name, mean(runs.map((run) => run.outputs[name]))]);
  return { ...runs[0], image: mean(runs.map(({ image }) => image)), outputs: Object.fromEntries(outputs), runs };
}

/** Let the page draw and listen. */
export function pause() {
  return new Promise((done) => setTimeout(done));
}
