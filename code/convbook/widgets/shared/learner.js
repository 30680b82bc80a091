/**
 * A network that learns: the layers of a record, Adam and the moving statistics, all as in Keras.
 *
 * Nothing here needs a page: it runs in a worker and in Node. Weights go in and out as one row of numbers, in the order
 * and the shapes of Keras's `get_weights`; images are 784 numbers from 0 to 255 each.
 *
 * @typedef {import("./learner_layers.js").Layer} Layer
 * @typedef {import("./learner_layers.js").Mode} Mode
 * @typedef {import("./learner_layers.js").Step} Step
 * @typedef {import("./learner_layers.js").Tensor} Tensor
 * @typedef {import("./convolution.js").Maps} Maps
 */
import { inFours, place, sizeOf } from "./learner_layers.js";
import { randomNumbers, scrambled } from "./random.js";

const SIDE = 28;
const PIXELS = SIDE * SIDE;
const PAGE = 65_536; // bytes by which the memory grows
const BETA1 = 0.9; // Adam (Kingma & Ba 2015) with Keras's settings
const BETA2 = 0.999;
const EPSILON = 1e-7;
const LEAST = 1e-7; // Keras takes no logarithm of a smaller probability

export class Learner {
  /**
   * Build a network with fresh weights.
   *
   * @param {BufferSource} bytes of learner.wasm
   * @param {Layer[]} layers as in a record
   * @param {{batchSize: number, seed: number}} settings the most images at a time; the seed of weights and dropout
   */
  constructor(bytes, layers, { batchSize, seed }) {
    if (typeof WebAssembly === "undefined" || !WebAssembly.validate(bytes)) {
      throw new RangeError("This browser is too old to train a network: it has no WebAssembly with SIMD.");
    }
    /** @type {any} */
    this.kernel = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
    this.free = this.kernel.heap();
    this.batchSize = batchSize;
    this.labels = new Uint8Array(batchSize);
    /** @type {number | undefined} */
    this.momentum = undefined;
    this.updates = 0;

    const numbers = randomNumbers(seed);
    this.random = this.room(4);
    const state = new Uint32Array(this.kernel.memory.buffer, this.random, 4);
    for (let lane = 0; lane < 4; lane++) state[lane] = scrambled(numbers() * 2 ** 24);

    this.image = { height: SIDE, width: SIDE, channels: 1, lanes: 1, place: this.room(batchSize * PIXELS) };
    /** @type {Step[]} */
    this.steps = [];
    for (const layer of layers) this.steps.push(place(layer, this.steps.at(-1)?.output ?? this.image, this));
    if (layers.at(-1)?.kind !== "Softmax") throw new RangeError("the last layer of a network that learns is a Softmax");
    this.last = this.steps[this.steps.length - 1];
    const largest = Math.max(...this.steps.map(({ output }) => sizeOf(output)));
    this.changes = [this.room(largest * batchSize), this.room(largest * batchSize)];

    this.tensors = this.steps.flatMap((step) => step.tensors);
    this.trainable = this.tensors
      .filter(({ trainable }) => trainable)
      .map(({ place, change, length }) => {
        return { place, change, length, first: new Float32Array(length), second: new Float32Array(length) };
      });
    const first = this.tensors.map(({ positions, start }) => Array.from(positions, () => start(numbers)));
    this.load(Float32Array.from(first.flat()));
  }

  // What the layers use; see Memory in learner_layers.js.

  /** @param {number} count */
  room(count) {
    const at = this.free;
    this.free += inFours(count) * Float32Array.BYTES_PER_ELEMENT;
    const missing = this.free - this.kernel.memory.buffer.byteLength;
    try {
      if (missing > 0) this.kernel.memory.grow(Math.ceil(missing / PAGE));
    } catch {
      throw new RangeError("There is not enough memory for this: close other tabs, or choose a smaller batch.");
    }
    return at;
  }

  /** @param {number} place @param {number} count */
  floats(place, count) {
    return new Float32Array(this.kernel.memory.buffer, place, count);
  }

  /** @param {number} change @param {number} count */
  cleared(change, count) {
    const other = this.changes[Number(change === this.changes[0])];
    this.floats(other, count).fill(0);
    return other;
  }

  // Learning.

  /**
   * Learn from some digits: forwards, backwards, one update of the weights.
   *
   * @param {Uint8Array} images
   * @param {Uint8Array} labels
   * @param {number} rate
   * @returns {{loss: number, right: number}} as `score` does, before the update and with dropout, as in Keras
   */
  step(images, labels, rate) {
    this.forward(images, "training");
    const scored = this.score(labels);
    this.backward(labels);
    this.update(rate);
    return scored;
  }

  /**
   * Compute the outputs of all layers. They stay in the kernel's memory.
   *
   * @param {Uint8Array} images at most a batch
   * @param {Mode} mode
   * @param {(step: Step) => void} after is called after each layer
   */
  forward(images, mode, after = () => {}) {
    const count = images.length / PIXELS;
    if (!(count <= this.batchSize)) throw new RangeError(`at most ${this.batchSize} images at a time, not ${count}`);
    const pixels = this.floats(this.image.place, images.length);
    for (let i = 0; i < images.length; i++) pixels[i] = images[i] / 255;
    for (const step of this.steps) {
      step.forward(count, mode);
      after(step);
    }
  }

  /**
   * Compare the probabilities of the images that went forward with their labels.
   *
   * @param {Uint8Array} labels
   * @returns {{loss: number, right: number}} the mean cross-entropy in nats, and how many answers are right
   */
  score(labels) {
    const { data, channels } = this.read(this.last, labels.length);
    let [loss, right] = [0, 0];
    labels.forEach((label, n) => {
      const answers = data.subarray(n * channels, (n + 1) * channels);
      loss -= Math.log(Math.max(answers[label], LEAST)) / labels.length;
      right += Number(answers.indexOf(Math.max(...answers)) === label);
    });
    return { loss, right };
  }

  /**
   * Compute the gradients of the images that went forward.
   *
   * @param {Uint8Array} labels
   */
  backward(labels) {
    this.labels.set(labels);
    for (const { change, length } of this.trainable) this.floats(change, length).fill(0);
    this.steps.reduceRight((change, step) => step.back(labels.length, change), 0);
  }

  /**
   * Update the weights by Adam.
   *
   * @param {number} rate
   */
  update(rate) {
    this.updates++;
    const step = (rate * Math.sqrt(1 - BETA2 ** this.updates)) / (1 - BETA1 ** this.updates);
    for (const { place, change, length, first, second } of this.trainable) {
      const [values, changes] = [this.floats(place, length), this.floats(change, length)];
      for (let i = 0; i < length; i++) {
        first[i] += (1 - BETA1) * (changes[i] - first[i]);
        second[i] += (1 - BETA2) * (changes[i] ** 2 - second[i]);
        values[i] -= (step * first[i]) / (Math.sqrt(second[i]) + EPSILON);
      }
    }
  }

  /**
   * Estimate the moving statistics anew: the means over several batches, with the present weights and as in training
   * (Ioffe & Szegedy 2015, Batch Normalization, Algorithm 2). In a run of few steps they would lag behind: with Keras's
   * momentum they take a few hundred steps to follow the weights.
   *
   * @param {Uint8Array} images one batch
   * @param {number} n how many batches came before it
   */
  estimate(images, n) {
    this.momentum = n / (n + 1); // with this, the moving mean is the mean of all so far
    this.forward(images, "training");
    this.momentum = undefined;
  }

  // What the network says.

  /**
   * Compute the probabilities of any number of images: ten each.
   *
   * @param {Uint8Array} images
   * @param {Mode} mode
   */
  predict(images, mode) {
    const batches = Math.ceil(images.length / PIXELS / this.batchSize);
    const rows = Array.from({ length: batches }, (_, n) => {
      const batch = batchOf(images, PIXELS, n, this.batchSize);
      this.forward(batch, mode);
      return Array.from(this.read(this.last, batch.length / PIXELS).data);
    });
    return Float32Array.from(rows.flat());
  }

  /**
   * Judge the network by some digits, without dropout and with the moving statistics.
   *
   * @param {Uint8Array} images at most a batch
   * @param {Uint8Array} labels
   */
  judge(images, labels) {
    this.forward(images, "moving");
    return this.score(labels);
  }

  /**
   * Look at the maps of a single digit.
   *
   * @param {Uint8Array} image
   * @param {string[]} names of the layers
   * @param {Mode} mode
   * @returns {{maps: Record<string, Maps>, probabilities: Float32Array}} the maps by the layers' names
   */
  look(image, names, mode) {
    /** @type {Record<string, Maps>} */
    const maps = {};
    this.forward(image, mode, (step) => {
      if (names.includes(step.name)) maps[step.name] = this.read(step, 1); // now: a later layer may change them
    });
    return { maps, probabilities: this.read(this.last, 1).data };
  }

  /**
   * Copy a layer's output, without the channels that were added.
   *
   * @param {Step} step
   * @param {number} images
   * @returns {Maps} of one image, or of several one after the other
   */
  read({ output }, images) {
    const { height, width, channels, lanes, place } = output;
    const data = new Float32Array(images * height * width * channels);
    const numbers = this.floats(place, images * sizeOf(output));
    for (let from = 0, to = 0; to < data.length; from += lanes, to += channels) {
      data.set(numbers.subarray(from, from + channels), to);
    }
    return { data, height, width, channels };
  }

  // Weights.

  /** All weights in one row. */
  weights() {
    return this.gather(({ place }) => place);
  }

  /** The gradients in one row like the weights; 0 for the moving statistics. */
  gradients() {
    return this.gather(({ change }) => change);
  }

  /**
   * The kernels of convolutions.
   *
   * @param {string[]} names of layers; those that have no kernel are left out
   * @returns {Record<string, Maps>} by the layers' names: (k, k · inputs, filters)
   */
  kernels(names) {
    const chosen = this.steps.filter(({ name }) => names.includes(name));
    const convolutions = chosen.filter(({ tensors: [kernel] }) => kernel?.shape.length === 4);
    return Object.fromEntries(
      convolutions.map(({ name, tensors: [kernel] }) => {
        const [height, width, inputs, channels] = kernel.shape;
        return [name, { data: this.compact(kernel, kernel.place), height, width: width * inputs, channels }];
      }),
    );
  }

  /** @param {(tensor: Tensor) => number} where */
  gather(where) {
    return Float32Array.from(this.tensors.flatMap((tensor) => Array.from(this.compact(tensor, where(tensor)))));
  }

  /**
   * Copy weights or their gradients, without the numbers that were added.
   *
   * @param {Tensor} tensor
   * @param {number} place
   */
  compact({ positions, length }, place) {
    const numbers = this.floats(place, length);
    return Float32Array.from(positions, (at) => numbers[at]);
  }

  /**
   * Take other weights; Adam starts anew.
   *
   * @param {Float32Array} weights as `weights` returns them
   */
  load(weights) {
    const wanted = this.tensors.reduce((sum, { positions }) => sum + positions.length, 0);
    if (weights.length !== wanted) throw new RangeError(`the network takes ${wanted} weights, got ${weights.length}`);
    let start = 0;
    for (const { positions, place, length } of this.tensors) {
      const numbers = this.floats(place, length);
      positions.forEach((at, i) => (numbers[at] = weights[start + i]));
      start += positions.length;
    }
    for (const { first, second } of this.trainable) {
      first.fill(0);
      second.fill(0);
    }
    this.updates = 0;
  }
}

/**
 * One batch of a row of images or labels.
 *
 * @param {Uint8Array} row
 * @param {number} each numbers of an image or a label
 * @param {number} n which batch, from 0
 * @param {number} batchSize
 */
function batchOf(row, each, n, batchSize) {
  return row.subarray(n * batchSize * each, (n + 1) * batchSize * each);
}
