/**
 * A network of one layer with ten outputs, trained by plain gradient descent: the loop of chapter 8.
 *
 * @typedef {{labels: Uint8Array, starts: Uint32Array, inputs: Uint16Array, values: Float64Array}} Inked digits by their
 *   pixels with ink: those of digit n are in `inputs` from starts[n] to starts[n + 1]; each digit ends with the input
 *   that is always 1
 * @typedef {{rates: number[], batch_size: number, order: string}} Settings a rate for every epoch; the order of the digits is
 *   "shuffled" anew in every epoch, as "given", or "sorted" by class
 * @typedef {[number, number]} Point
 * @typedef {{batches: Point[], training: number[], validation: number[]}} Losses of the training and validation digits
 *   before the first epoch and after each; those of batches before their step, or the mean of several, over a place in
 *   epochs
 */
import { randomNumbers, shuffled } from "./random.js";

const PIXELS = 784; // of a digit
const INPUTS = PIXELS + 1;
const CLASSES = 10;
const PIECE = 100; // digits that are worked on at once
const POINTS = 16; // of the losses of batches, in an epoch at most; also in softmax_training.py
const SEED = 0; // of the orders

/**
 * Keep the pixels with ink, about a fifth of all: a weight that is multiplied by 0 has no part in anything. Like all that
 * takes long here, it stops after each small piece of work, so that the page can do other things.
 *
 * @param {{labels: Uint8Array, images: Uint8Array}} digits 784 bytes for the image of each
 * @returns {Generator<void, Inked>}
 */
export function* inked({ labels, images }) {
  const starts = new Uint32Array(labels.length + 1);
  const [inputs, values] = [new Uint16Array(labels.length * INPUTS), new Float64Array(labels.length * INPUTS)];
  let at = 0;
  for (let n = 0; n < labels.length; n++) {
    for (let i = 0; i < PIXELS; i++) {
      const value = images[n * PIXELS + i];
      if (value === 0) continue;
      inputs[at] = i;
      values[at++] = value / 255;
    }
    inputs[at] = PIXELS; // for the biases
    values[at++] = 1;
    starts[n + 1] = at;
    if (n % PIECE === 0) yield;
  }
  return { labels, starts, inputs: inputs.slice(0, at), values: values.slice(0, at) };
}

/**
 * Train with weights that start at 0, and write into `losses` as it goes.
 *
 * @param {{training: Inked, validation: Inked}} digits
 * @param {Settings} settings
 * @param {Losses} losses
 * @returns {Generator<void, void>}
 */
export function* descent({ training, validation }, { rates, batch_size, order }, losses) {
  const count = training.labels.length;
  const weights = new Float64Array(INPUTS * CLASSES);
  const excess = new Float64Array(count * CLASSES);
  const steps = Math.ceil(count / batch_size);
  const together = Math.ceil(steps / POINTS);
  losses.training.push(yield* meanLoss(weights, training, excess));
  losses.validation.push(yield* meanLoss(weights, validation, excess));
  for (let epoch = 0; epoch < rates.length; epoch++) {
    const chosen = orderOf(order, training.labels, epoch);
    let sum = 0;
    let first = 0;
    for (let step = 0; step < steps; step++) {
      const batch = chosen.subarray(step * batch_size, (step + 1) * batch_size);
      let loss = 0;
      // All of a batch meets the same weights, so the first change comes after the last reading.
      for (let from = 0; from < batch.length; from += PIECE) {
        loss += read(weights, training, batch.subarray(from, from + PIECE), excess.subarray(from * CLASSES));
        yield;
      }
      for (let from = 0; from < batch.length; from += PIECE) {
        const piece = batch.subarray(from, from + PIECE);
        change(weights, training, piece, excess.subarray(from * CLASSES), rates[epoch] / batch.length);
        yield;
      }
      sum += loss / batch.length;
      if (step + 1 - first === together || step + 1 === steps) {
        losses.batches.push([epoch + (first + step) / 2 / steps, sum / (step + 1 - first)]);
        [sum, first] = [0, step + 1];
      }
    }
    losses.training.push(yield* meanLoss(weights, training, excess));
    losses.validation.push(yield* meanLoss(weights, validation, excess));
  }
}

/**
 * @param {string} order
 * @param {Uint8Array} labels
 * @param {number} epoch
 */
function orderOf(order, labels, epoch) {
  if (order === "shuffled") return shuffled(labels.length, randomNumbers(SEED, epoch));
  const given = Uint32Array.from(labels.keys());
  return order === "sorted" ? given.sort((a, b) => labels[a] - labels[b] || a - b) : given;
}

/**
 * Read digits.
 *
 * @param {Float64Array} weights (input, class)
 * @param {Inked} digits
 * @param {Uint32Array} chosen which
 * @param {Float64Array} excess gets the probabilities, less 1 at the right class
 * @returns the sum of their losses
 */
function read(weights, { labels, starts, inputs, values }, chosen, excess) {
  let loss = 0;
  for (let n = 0; n < chosen.length; n++) {
    const digit = chosen[n];
    const logits = excess.subarray(n * CLASSES, (n + 1) * CLASSES).fill(0);
    for (let at = starts[digit]; at < starts[digit + 1]; at++) {
      const row = inputs[at] * CLASSES;
      const value = values[at];
      for (let k = 0; k < CLASSES; k++) logits[k] += value * weights[row + k];
    }
    let largest = -Infinity;
    for (let k = 0; k < CLASSES; k++) largest = Math.max(largest, logits[k]);
    let sum = 0;
    const right = logits[labels[digit]] - largest;
    for (let k = 0; k < CLASSES; k++) sum += logits[k] = Math.exp(logits[k] - largest);
    for (let k = 0; k < CLASSES; k++) logits[k] /= sum;
    logits[labels[digit]] -= 1;
    loss += Math.log(sum) - right;
  }
  return loss;
}

/**
 * Take the part of a step that some digits ask for.
 *
 * @param {Float64Array} weights
 * @param {Inked} digits
 * @param {Uint32Array} chosen which
 * @param {Float64Array} excess of each
 * @param {number} rate for a single digit
 */
function change(weights, { starts, inputs, values }, chosen, excess, rate) {
  for (let n = 0; n < chosen.length; n++) {
    for (let at = starts[chosen[n]]; at < starts[chosen[n] + 1]; at++) {
      const row = inputs[at] * CLASSES;
      const size = rate * values[at];
      for (let k = 0; k < CLASSES; k++) weights[row + k] -= size * excess[n * CLASSES + k];
    }
  }
}

/**
 * @param {Float64Array} weights
 * @param {Inked} digits
 * @param {Float64Array} excess room to compute in
 * @returns {Generator<void, number>} the mean loss of all digits
 */
function* meanLoss(weights, digits, excess) {
  const all = Uint32Array.from(digits.labels.keys());
  let loss = 0;
  for (let from = 0; from < all.length; from += PIECE) {
    loss += read(weights, digits, all.subarray(from, from + PIECE), excess);
    yield;
  }
  return loss / all.length;
}
