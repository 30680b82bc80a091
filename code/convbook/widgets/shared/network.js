/**
 * A trained network, from its record: the output of every layer, and the gradient of one unit at the image.
 *
 * @typedef {import("./convolution.js").Maps} Maps
 * @typedef {import("./convolution.js").Padding} Padding
 * @typedef {{name: string, kind: string, filters?: number, kernel_size?: number, pool_size?: number, strides?: number,
 *   padding?: "valid" | "same", dilation_rate?: number, activation?: string, use_bias?: boolean}} Layer
 *   a layer of a trained network's record: its class and its settings as Keras calls them
 * @typedef {Record<string, Set<number>>} Off the channels of a layer's output that are set to 0, by the layer's name
 */
import { convolutionGradient, convolve, maxPool, poolGradient, trace } from "./convolution.js";

/**
 * Turn scores into probabilities.
 *
 * @param {ArrayLike<number>} scores
 * @returns {Float32Array}
 */
export function softmax(scores) {
  const highest = Math.max(...Array.from(scores));
  const powers = Array.from(scores, (score) => Math.exp(score - highest)); // never overflows
  const sum = powers.reduce((a, b) => a + b);
  return Float32Array.from(powers, (power) => power / sum);
}

/**
 * Cut the weights of a network into one piece for each array of each layer.
 *
 * @param {Layer[]} layers
 * @param {Float32Array} weights
 * @param {number} channels of the input
 * @returns {Record<string, Float32Array[]>} filters and bias of a convolution, scale and shift of a normalisation
 */
export function cutWeights(layers, weights, channels = 1) {
  /** @type {Record<string, Float32Array[]>} */
  const pieces = {};
  let start = 0;
  const take = (/** @type {number} */ count) => weights.subarray(start, (start += count));
  for (const { name, kind, kernel_size = 1, filters = 0, use_bias } of layers) {
    if (kind === "Conv2D") {
      const kernel = take(kernel_size ** 2 * channels * filters);
      pieces[name] = [kernel, use_bias ? take(filters) : new Float32Array(filters)];
      channels = filters;
    }
    if (kind === "BatchNormalization") pieces[name] = [take(channels), take(channels)];
  }
  if (start !== weights.length) throw new RangeError(`the network takes ${start} weights, got ${weights.length}`);
  return pieces;
}

/**
 * Reduce the four numbers of a normalised channel to two, scale and shift: the weights as `cutWeights` takes them.
 *
 * @param {(Layer & {epsilon?: number})[]} layers
 * @param {Float32Array} weights as Keras's `get_weights` has them, in one row
 * @param {number} channels of the input
 */
export function folded(layers, weights, channels = 1) {
  let start = 0;
  const take = (/** @type {number} */ count) => weights.subarray(start, (start += count));
  const pieces = layers.map(({ kind, kernel_size = 0, filters = 0, use_bias, epsilon = 0 }) => {
    if (kind === "Conv2D") {
      const piece = take(kernel_size ** 2 * channels * filters + (use_bias ? filters : 0));
      channels = filters;
      return Array.from(piece);
    }
    if (kind !== "BatchNormalization") return [];
    const [gamma, beta, mean, variance] = [0, 1, 2, 3].map(() => take(channels));
    const scale = Array.from(gamma, (factor, c) => factor / Math.sqrt(variance[c] + epsilon));
    return [...scale, ...scale.map((factor, c) => beta[c] - factor * mean[c])];
  });
  return Float32Array.from(pieces.flat());
}

/**
 * The geometry of a convolution or a pool of a record; any other layer looks at single pixels.
 *
 * @param {Layer} layer
 * @returns {{kernel: number, stride: number, padding: Padding, dilation: number}}
 */
function geometry({ kernel_size, pool_size, strides = 1, padding = "valid", dilation_rate = 1 }) {
  return { kernel: kernel_size ?? pool_size ?? 1, stride: strides, padding, dilation: dilation_rate };
}

/** @param {Layer} layer */
function hasRelu({ name, activation }) {
  if (activation !== "relu" && activation !== "linear") {
    throw new RangeError(`layer '${name}' has the activation ${activation}: only relu and linear are known`);
  }
  return activation === "relu";
}

/** @param {Layer} layer */
function unknown({ name, kind }) {
  return new RangeError(`layer '${name}' is a ${kind}, which the figures do not know`);
}

/**
 * Send one image through a network.
 *
 * @param {Layer[]} layers
 * @param {Record<string, Float32Array[]>} pieces what `cutWeights` returns
 * @param {Maps} image
 * @param {Off} off
 * @returns {Record<string, Maps>} the output of every layer, by its name
 */
export function forward(layers, pieces, image, off = {}) {
  return Object.fromEntries(outputsOf(layers, pieces, image, off));
}

/**
 * Send one image through a network, and stop after every layer.
 *
 * @param {Layer[]} layers
 * @param {Record<string, Float32Array[]>} pieces what `cutWeights` returns
 * @param {Maps} image
 * @param {Off} off
 * @returns {Generator<[string, Maps]>} the name of each layer, and its output
 */
export function* outputsOf(layers, pieces, image, off = {}) {
  let maps = image;
  for (const layer of layers) {
    maps = silenced(layerOutput(layer, pieces[layer.name], maps), off[layer.name]);
    yield [layer.name, maps];
  }
}

/**
 * Set the channels that are turned off to 0.
 *
 * @param {Maps} maps
 * @param {Set<number> | undefined} channels
 * @returns {Maps}
 */
function silenced(maps, channels) {
  if (!channels?.size) return maps;
  return { ...maps, data: maps.data.map((value, i) => (channels.has(i % maps.channels) ? 0 : value)) };
}

/**
 * @param {Layer} layer
 * @param {Float32Array[]} pieces
 * @param {Maps} maps
 * @returns {Maps}
 */
function layerOutput(layer, pieces, maps) {
  const { kernel, ...steps } = geometry(layer);
  switch (layer.kind) {
    case "Conv2D": {
      const filters = { data: pieces[0], height: kernel, width: kernel, channels: layer.filters ?? 0 };
      const output = convolve(maps, filters, pieces[1], steps);
      return hasRelu(layer) ? relu(output) : output;
    }
    case "MaxPooling2D":
      return maxPool(maps, kernel, steps);
    case "BatchNormalization": {
      const [scale, shift] = pieces;
      return { ...maps, data: maps.data.map((value, i) => value * scale[i % scale.length] + shift[i % scale.length]) };
    }
    case "ReLU":
      return relu(maps);
    case "GlobalAveragePooling2D": {
      const data = new Float32Array(maps.channels);
      maps.data.forEach((value, i) => (data[i % maps.channels] += value));
      return { data: data.map((sum) => sum / (maps.height * maps.width)), height: 1, width: 1, channels: maps.channels };
    }
    case "Flatten":
      return { data: maps.data, height: 1, width: 1, channels: maps.data.length };
    case "Softmax":
      if (maps.height * maps.width > 1) throw new RangeError(`layer '${layer.name}' must follow a vector, not maps`);
      return { ...maps, data: softmax(maps.data) };
    case "Dropout":
      return maps; // it does nothing once a network is trained
    default:
      throw unknown(layer);
  }
}

/**
 * @param {Maps} maps
 * @returns {Maps}
 */
function relu(maps) {
  return { ...maps, data: maps.data.map((value) => Math.max(value, 0)) };
}

/**
 * Take the gradient of one unit back to the pixels: how much each pixel would change it.
 *
 * As in TensorFlow, a ReLU passes nothing back where it gives 0, and a maximum passes all to the first of the largest.
 *
 * @param {Layer[]} layers
 * @param {Record<string, Float32Array[]>} pieces
 * @param {Maps} image
 * @param {Record<string, Maps>} outputs what `forward` returns for the image
 * @param {string} name of any layer up to the logits
 * @param {{row: number, column: number, channel: number}} unit
 * @param {Off} off as in `forward`
 * @returns {Maps} the gradient, of the image's shape
 */
export function backward(layers, pieces, image, outputs, name, { row, column, channel }, off = {}) {
  const last = layers.findIndex((layer) => layer.name === name);
  /** @type {Maps} */
  let gradient = { ...outputs[name], data: new Float32Array(outputs[name].data.length) };
  gradient.data[(row * gradient.width + column) * gradient.channels + channel] = 1;
  for (let i = last; i >= 0; i--) {
    const input = i > 0 ? outputs[layers[i - 1].name] : image;
    gradient = silenced(gradient, off[layers[i].name]);
    gradient = layerGradient(layers[i], pieces[layers[i].name], input, outputs[layers[i].name], gradient);
  }
  return gradient;
}

/**
 * Take a gradient from a layer's output back to its input.
 *
 * @param {Layer} layer
 * @param {Float32Array[]} pieces
 * @param {Maps} input
 * @param {Maps} output
 * @param {Maps} gradient
 * @returns {Maps}
 */
function layerGradient(layer, pieces, input, output, gradient) {
  const { kernel, ...steps } = geometry(layer);
  const masked = () => ({ ...gradient, data: gradient.data.map((value, k) => (output.data[k] > 0 ? value : 0)) });
  switch (layer.kind) {
    case "Conv2D":
      return convolutionGradient(hasRelu(layer) ? masked() : gradient, input, pieces[0], kernel, steps);
    case "MaxPooling2D":
      return poolGradient(gradient, input, output, kernel, steps);
    case "BatchNormalization": {
      const [scale] = pieces;
      return { ...gradient, data: gradient.data.map((value, k) => value * scale[k % scale.length]) };
    }
    case "ReLU":
      return masked();
    case "GlobalAveragePooling2D": {
      const places = input.height * input.width;
      return { ...input, data: input.data.map((_, k) => gradient.data[k % input.channels] / places) };
    }
    case "Flatten":
    case "Dropout":
      return { ...input, data: gradient.data };
    default:
      throw unknown(layer);
  }
}

/**
 * Follow an image through the layers of a network, one stage for each up to the first whose output is no map.
 *
 * @param {Layer[]} layers
 * @param {number} size of the image
 */
export function stagesOf(layers, size) {
  const end = layers.findIndex(({ kind }) => kind === "Flatten" || kind === "GlobalAveragePooling2D");
  return trace(layers.slice(0, end < 0 ? undefined : end).map(geometry), size);
}
