/**
 * The layers of a network that learns: where each lies in the kernel's memory, and what it does there and back.
 *
 * What is done for every number of the maps is in learner_kernel.ts, compiled to learner.wasm; here is what is done once
 * for each channel. A place is an address in the memory, in bytes. An image has one number for each pixel; the maps of a
 * layer have their channels rounded up to a multiple of 4, and so have the weights that make them.
 *
 * @typedef {import("./network.js").Layer & {epsilon?: number, momentum?: number, rate?: number}} Layer
 *
 * @typedef {object} Output of a layer, or the images
 * @property {number} height
 * @property {number} width
 * @property {number} channels
 * @property {number} lanes numbers for each pixel: the channels, rounded up
 * @property {number} place
 *
 * @typedef {object} Tensor weights of one kind of one layer
 * @property {string} name as the package calls them: "conv1_kernel"
 * @property {number[]} shape in Keras
 * @property {boolean} trainable
 * @property {(random: () => number) => number} start draws one of the first weights
 * @property {number} length numbers that they take, with those that are added
 * @property {Uint32Array} positions of the weights of Keras among them
 * @property {number} place
 * @property {number} change the place of their gradient
 *
 * @typedef {"training" | "latest" | "moving"} Mode "training": with dropout and the statistics of the batch; "latest":
 *   without dropout and with the statistics of the latest batch; "moving": as in Keras's `predict`
 *
 * @typedef {object} Step a layer in its place
 * @property {string} name
 * @property {Output} output
 * @property {Tensor[]} tensors
 * @property {(images: number, mode: Mode) => void} forward
 * @property {(images: number, change: number) => number} back takes the gradient at its output, whose place is
 *   `change`, to its input, and returns the place of that; adds to the gradients of its tensors
 *
 * @typedef {object} Memory
 * @property {any} kernel the functions of learner_kernel.ts
 * @property {number} batchSize the most images at a time
 * @property {number} random the place of the state of the random numbers
 * @property {Uint8Array} labels of the images
 * @property {number | undefined} momentum of the moving statistics; that of the layers if there is none
 * @property {(count: number) => number} room reserves so many numbers, all 0, and returns their place
 * @property {(place: number, count: number) => Float32Array} floats the numbers at a place
 * @property {(change: number, count: number) => number} cleared another place for a gradient, with so many zeros
 */
import { outputSize, padWidth } from "./convolution.js";

/** @param {number} count */
export const inFours = (count) => 4 * Math.ceil(count / 4);

/** @param {Output} output */
const pixelsOf = ({ height, width }) => height * width;

/** Numbers in the maps of one image. @param {Output} output */
export const sizeOf = (output) => pixelsOf(output) * output.lanes;

/**
 * Put a layer into its place after another.
 *
 * @param {Layer} layer
 * @param {Output} input
 * @param {Memory} memory
 * @returns {Step}
 */
export function place(layer, input, memory) {
  const { kernel } = memory;
  /** A layer without weights. @type {(output: Output, forward: Step["forward"], back: Step["back"]) => Step} */
  const plain = (output, forward, back) => ({ name: layer.name, tensors: [], output, forward, back });
  switch (layer.kind) {
    case "Conv2D":
      return convolution(layer, input, memory);
    case "BatchNormalization":
      return normalisation(layer, input, memory);
    case "MaxPooling2D": {
      const { output, geometry } = windowed(layer, layer.pool_size ?? 0, input, input.channels, memory);
      const found = memory.room(sizeOf(output) * memory.batchSize);
      return plain(
        output,
        (images) => kernel.maxPool(input.place, geometry, output.place, found, images * pixelsOf(output)),
        (images, change) => {
          const inputChange = memory.cleared(change, images * sizeOf(input));
          kernel.maxPoolBack(change, found, inputChange, images * pixelsOf(output), output.lanes);
          return inputChange;
        },
      );
    }
    case "ReLU":
      return plain(
        input, // it changes the maps where they are
        (images) => kernel.relu(input.place, images * sizeOf(input)),
        (images, change) => (kernel.reluBack(input.place, change, images * sizeOf(input)), change),
      );
    case "Dropout":
      return dropout(layer, input, memory);
    case "GlobalAveragePooling2D": {
      const output = roomFor({ ...input, height: 1, width: 1 }, memory);
      const pixels = pixelsOf(input);
      return plain(
        output,
        (images) => kernel.average(input.place, output.place, images, pixels, input.lanes),
        (images, change) => {
          const inputChange = memory.cleared(change, images * sizeOf(input));
          kernel.averageBack(change, inputChange, images, pixels, input.lanes);
          return inputChange;
        },
      );
    }
    case "Flatten":
      if (pixelsOf(input) > 1) throw new RangeError(`layer '${layer.name}' must follow maps of a single pixel`);
      return plain(
        input,
        () => {},
        (_, change) => change,
      );
    case "Softmax":
      return softmax(layer, input, memory);
    default:
      throw new RangeError(`layer '${layer.name}' is a ${layer.kind}, which cannot be trained in a page`);
  }
}

/** @param {Omit<Output, "place">} shape @param {Memory} memory @returns {Output} */
function roomFor(shape, memory) {
  const { height, width, lanes } = shape;
  return { ...shape, place: memory.room(height * width * lanes * memory.batchSize) };
}

/**
 * The output of a layer that looks at windows, and the place of the windows' geometry, as learner_kernel.ts reads it.
 *
 * @param {Layer} layer
 * @param {number} size of a window
 * @param {Output} input
 * @param {number} channels of the output
 * @param {Memory} memory
 */
function windowed({ name, strides = 1, padding = "valid", dilation_rate = 1 }, size, input, channels, memory) {
  if (dilation_rate !== 1) throw new RangeError(`layer '${name}' is dilated, which cannot be trained in a page`);
  const steps = { stride: strides, padding };
  const [height, width] = [input.height, input.width].map((side) => outputSize(side, size, steps));
  if (!(height >= 1 && width >= 1)) throw new RangeError(`the windows of layer '${name}' do not fit into its input`);
  const [top, left] = [input.height, input.width].map((side) => padWidth(side, size, steps)[0]);
  const numbers = [input.height, input.width, input.lanes, size, strides, top, left, height, width];
  const geometry = memory.room(numbers.length);
  new Int32Array(memory.kernel.memory.buffer, geometry).set(numbers);
  return { output: roomFor({ height, width, channels, lanes: inFours(channels) }, memory), geometry };
}

/**
 * Reserve room for weights and their gradient.
 *
 * @param {Memory} memory
 * @param {string} name
 * @param {number[]} shape in Keras
 * @param {number} inputs the last axis but one, with the channels that are added
 * @param {Tensor["start"]} start
 * @param {boolean} trainable
 * @returns {Tensor}
 */
function tensorOf(memory, name, shape, inputs, start, trainable = true) {
  const filters = shape[shape.length - 1];
  const before = shape[shape.length - 2] ?? 1;
  const count = shape.reduce((a, b) => a * b);
  const positions = Uint32Array.from({ length: count }, (_, i) => {
    const [row, filter] = [Math.floor(i / filters), i % filters];
    return (Math.floor(row / before) * inputs + (row % before)) * inFours(filters) + filter;
  });
  const length = (count / before / filters) * inputs * inFours(filters);
  return { name, shape, trainable, start, length, positions, place: memory.room(length), change: memory.room(length) };
}

/** @param {Layer} layer @param {Output} input @param {Memory} memory @returns {Step} */
function convolution(layer, input, memory) {
  const { name, filters = 0, kernel_size: size = 0, use_bias, activation } = layer;
  if (activation !== "relu" && activation !== "linear") {
    throw new RangeError(`layer '${name}' has the activation ${activation}: only relu and linear are known`);
  }
  if (!(Number.isInteger(filters) && filters >= 1 && filters <= 64)) {
    throw new RangeError(`layer '${name}' must have from 1 to 64 filters, not ${filters}`);
  }
  const { kernel } = memory;
  const { output, geometry } = windowed(layer, size, input, filters, memory);
  const lanes = output.lanes;
  const depth = size * size * input.lanes; // numbers in a window
  const windows = memory.room(kernel.windowsAtATime() * depth);
  const limit = Math.sqrt(6 / (size * size * (input.channels + filters))); // Glorot & Bengio 2010, as in Keras
  const draw = (/** @type {() => number} */ random) => limit * (2 * random() - 1);
  const weights = tensorOf(memory, `${name}_kernel`, [size, size, input.channels, filters], input.lanes, draw);
  const transposed = memory.room(depth * lanes);
  const bias = use_bias ? tensorOf(memory, `${name}_bias`, [filters], 1, () => 0) : undefined;
  return {
    name,
    output,
    tensors: bias ? [weights, bias] : [weights],
    forward(images) {
      const pixels = images * pixelsOf(output);
      kernel.convolve(input.place, geometry, weights.place, output.place, pixels, lanes, windows);
      if (bias) kernel.addBias(output.place, bias.place, pixels, lanes);
      if (activation === "relu") kernel.relu(output.place, pixels * lanes);
    },
    back(images, change) {
      const pixels = images * pixelsOf(output);
      if (activation === "relu") kernel.reluBack(output.place, change, pixels * lanes);
      if (bias) kernel.addBiasBack(change, bias.change, images, pixelsOf(output), lanes);
      const inputChange = input.lanes > 1 ? memory.cleared(change, images * sizeOf(input)) : 0; // 0: none for the image
      kernel.transpose(weights.place, depth, lanes, transposed);
      const places = [input.place, geometry, transposed, change, weights.change, inputChange];
      kernel.convolveBack(...places, pixels, lanes, windows);
      return inputChange;
    },
  };
}

/**
 * Batch normalisation (Ioffe & Szegedy 2015, Batch Normalization).
 *
 * @param {Layer} layer @param {Output} input @param {Memory} memory @returns {Step}
 */
function normalisation({ name, epsilon = 0, momentum = 0 }, input, memory) {
  const { kernel } = memory;
  const { channels, lanes } = input;
  const output = roomFor(input, memory);
  const tensor = (/** @type {string} */ part, /** @type {number} */ start, trainable = true) =>
    tensorOf(memory, `${name}_${part}`, [channels], 1, () => start, trainable);
  const tensors = [
    tensor("gamma", 1),
    tensor("beta", 0),
    tensor("moving_mean", 0, false),
    tensor("moving_variance", 1, false),
  ];
  const [gamma, beta, movingMean, movingVariance] = tensors;
  const [mean, variance, first, second, third, sums] = [1, 1, 1, 1, 1, 4].map((times) => memory.room(times * lanes));
  const read = (/** @type {number[]} */ ...places) => places.map((at) => memory.floats(at, lanes));
  const measured = () => new Float64Array(kernel.memory.buffer, sums, 2 * lanes);

  /** @param {number} images */
  function measure(images) {
    const pixels = pixelsOf(input);
    // The differences from a number near the mean are small, so that little is lost when their squares are added up.
    kernel.sums(input.place, input.place, movingMean.place, images, pixels, lanes, sums);
    const [total, count] = [measured(), images * pixels];
    const [means, variances, moving, movingSquare] = read(mean, variance, movingMean.place, movingVariance.place);
    const kept = memory.momentum ?? momentum;
    for (let c = 0; c < channels; c++) {
      const middle = total[c] / count;
      means[c] = middle;
      variances[c] = Math.max(0, total[lanes + c] / count - middle * (middle - moving[c]));
      moving[c] = kept * moving[c] + (1 - kept) * means[c];
      movingSquare[c] = kept * movingSquare[c] + (1 - kept) * variances[c];
    }
  }

  return {
    name,
    output,
    tensors,
    forward(images, mode) {
      if (mode === "training") measure(images);
      const statistics = mode === "moving" ? [movingMean.place, movingVariance.place] : [mean, variance];
      const [means, variances, scales, shifts] = read(...statistics, gamma.place, beta.place);
      const [factors, offsets] = read(first, second);
      for (let c = 0; c < channels; c++) {
        factors[c] = scales[c] / Math.sqrt(variances[c] + epsilon);
        offsets[c] = shifts[c] - factors[c] * means[c];
      }
      kernel.normalise(input.place, first, second, output.place, images * pixelsOf(input), lanes);
    },
    /**
     * With x̂ = (x - mean) / s and s² = variance + epsilon, the gradient at x is
     * gamma / s · (change - mean of change - x̂ · mean of change · x̂), which is p · change + q · x + r.
     */
    back(images, change) {
      const pixels = pixelsOf(input);
      kernel.sums(change, input.place, mean, images, pixels, lanes, sums);
      const [total, count] = [measured(), images * pixels];
      const [means, variances, scales] = read(mean, variance, gamma.place);
      const [gammaChange, betaChange, p, q, r] = read(gamma.change, beta.change, first, second, third);
      for (let c = 0; c < channels; c++) {
        const s = Math.sqrt(variances[c] + epsilon);
        betaChange[c] += total[c];
        gammaChange[c] += total[lanes + c] / s;
        p[c] = scales[c] / s;
        q[c] = (-p[c] * total[lanes + c]) / (s * s * count);
        r[c] = (-p[c] * total[c]) / count - q[c] * means[c];
      }
      kernel.normaliseBack(input.place, change, first, second, third, images * pixels, lanes);
      return change;
    },
  };
}

/** @param {Layer} layer @param {Output} input @param {Memory} memory @returns {Step} */
function dropout({ name, rate = 0 }, input, memory) {
  if (!(rate >= 0 && rate < 1)) {
    throw new RangeError(`the rate of layer '${name}' must be from 0 to below 1, not ${rate}`);
  }
  const { kernel } = memory;
  const before = memory.room(4); // the random numbers of the way back are those of the way there
  return {
    name,
    output: input, // it changes the maps where they are
    tensors: [],
    forward(images, mode) {
      if (mode !== "training" || rate === 0) return;
      memory.floats(before, 4).set(memory.floats(memory.random, 4));
      kernel.dropout(input.place, images * sizeOf(input), rate, memory.random);
    },
    back(images, change) {
      if (rate > 0) kernel.dropout(change, images * sizeOf(input), rate, before);
      return change;
    },
  };
}

/**
 * Softmax, and on the way back its cross-entropy with the labels: the gradient of their mean over the images.
 *
 * @param {Layer} layer @param {Output} input @param {Memory} memory @returns {Step}
 */
function softmax({ name }, input, memory) {
  if (pixelsOf(input) > 1) throw new RangeError(`layer '${name}' must follow a vector, not maps`);
  const { channels, lanes } = input;
  const output = roomFor(input, memory);
  return {
    name,
    output,
    tensors: [],
    forward(images) {
      const [scores, probabilities] = [input, output].map(({ place }) => memory.floats(place, images * lanes));
      for (let at = 0; at < images * lanes; at += lanes) {
        let [highest, sum] = [-Infinity, 0];
        for (let c = 0; c < channels; c++) highest = Math.max(highest, scores[at + c]);
        for (let c = 0; c < channels; c++) sum += probabilities[at + c] = Math.exp(scores[at + c] - highest);
        for (let c = 0; c < channels; c++) probabilities[at + c] /= sum;
      }
    },
    back(images, change) {
      const inputChange = memory.cleared(change, images * lanes);
      const [changes, probabilities] = [inputChange, output.place].map((at) => memory.floats(at, images * lanes));
      for (let n = 0; n < images; n++) {
        for (let c = 0; c < channels; c++) {
          changes[n * lanes + c] = (probabilities[n * lanes + c] - Number(c === memory.labels[n])) / images;
        }
      }
      return inputChange;
    },
  };
}
