/**
 * The arithmetic of the figures: convolution, pooling, a whole network, and the preparation of a drawing.
 *
 * Maps are flat arrays in the order of Keras: rows, then columns, then channels.
 *
 * @typedef {{data: Float32Array, height: number, width: number, channels: number}} Maps
 * @typedef {number | "valid" | "same"} Padding zeros on each side, none, or enough for size / stride outputs, rounded up
 * @typedef {{stride?: number, padding?: Padding, dilation?: number}} Geometry
 * @typedef {{name: string, kind: string, filters?: number, kernel_size?: number, pool_size?: number, strides?: number,
 *   padding?: "valid" | "same", dilation_rate?: number, activation?: string, use_bias?: boolean}} Layer
 *   a layer of a trained network's record: its class and its settings as Keras calls them
 */

/**
 * Pixels of padding before and after an image along one axis. Where "same" needs an odd number, Keras puts the extra
 * one after the image.
 *
 * @param {number} size pixels of the image
 * @param {number} kernel pixels of the kernel
 * @param {Geometry} geometry
 * @returns {[number, number]}
 */
export function padWidth(size, kernel, { stride = 1, padding = 0, dilation = 1 }) {
  if (padding === "valid") return [0, 0];
  if (padding !== "same") return [padding, padding];
  const lastStart = Math.floor((size - 1) / stride) * stride;
  const total = Math.max(lastStart + dilation * (kernel - 1) + 1 - size, 0);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

/**
 * Positions of a kernel along one axis: floor((i + p - d(k - 1) - 1) / s) + 1, with p pixels of padding in all
 * (Dumoulin & Visin 2016).
 *
 * @param {number} size pixels of the image
 * @param {number} kernel pixels of the kernel
 * @param {Geometry} geometry
 * @returns {number} 0 or less where the kernel does not fit
 */
export function outputSize(size, kernel, { stride = 1, padding = 0, dilation = 1 } = {}) {
  const [before, after] = padWidth(size, kernel, { stride, padding, dilation });
  return Math.floor((size + before + after - dilation * (kernel - 1) - 1) / stride) + 1;
}

/**
 * Cross-correlate, as frameworks do under the name of convolution.
 *
 * @param {Maps} input
 * @param {{data: ArrayLike<number>, height: number, width: number, channels: number}} filters of shape
 *   (height, width, channels of the input, channels)
 * @param {ArrayLike<number>} bias one for each channel of the output
 * @param {Geometry} geometry
 * @returns {Maps} before any activation
 */
export function convolve(input, filters, bias, { stride = 1, padding = 0, dilation = 1 } = {}) {
  const geometry = { stride, padding, dilation };
  const height = outputSize(input.height, filters.height, geometry);
  const width = outputSize(input.width, filters.width, geometry);
  if (height < 1 || width < 1) {
    throw new RangeError("the kernel does not fit into the padded image");
  }
  const [top] = padWidth(input.height, filters.height, geometry);
  const [left] = padWidth(input.width, filters.width, geometry);
  const channels = filters.channels;
  const data = new Float32Array(height * width * channels);
  const sums = new Float64Array(channels);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      for (let c = 0; c < channels; c++) sums[c] = bias[c];
      for (let i = 0; i < filters.height; i++) {
        const y = row * stride + i * dilation - top;
        if (y < 0 || y >= input.height) continue; // padding is zero and adds nothing
        for (let j = 0; j < filters.width; j++) {
          const x = column * stride + j * dilation - left;
          if (x < 0 || x >= input.width) continue;
          const pixel = (y * input.width + x) * input.channels;
          let weight = (i * filters.width + j) * input.channels * channels;
          for (let channel = 0; channel < input.channels; channel++) {
            const value = input.data[pixel + channel];
            if (value === 0) {
              weight += channels; // after a ReLU most values are
              continue;
            }
            for (let c = 0; c < channels; c++) sums[c] += value * filters.data[weight++];
          }
        }
      }
      data.set(sums, (row * width + column) * channels);
    }
  }
  return { data, height, width, channels };
}

/**
 * Visit the pixels under every window of a pool, window by window; padding has no pixels.
 *
 * @param {Maps} input
 * @param {number} size side of a window
 * @param {Geometry} geometry
 * @param {(from: number, to: number) => void} visit gets a pixel's place in the input and its window's in the output, each
 *   the index of its first channel
 * @returns {{height: number, width: number, channels: number}} of the output
 */
function eachWindow(input, size, { stride = size, padding = 0 }, visit) {
  const geometry = { stride, padding };
  const height = outputSize(input.height, size, geometry);
  const width = outputSize(input.width, size, geometry);
  const [above] = padWidth(input.height, size, geometry);
  const [before] = padWidth(input.width, size, geometry);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [top, left] = [row * stride - above, column * stride - before];
      const to = (row * width + column) * input.channels;
      for (let y = Math.max(top, 0); y < Math.min(top + size, input.height); y++) {
        for (let x = Math.max(left, 0); x < Math.min(left + size, input.width); x++) {
          visit((y * input.width + x) * input.channels, to);
        }
      }
    }
  }
  return { height, width, channels: input.channels };
}

/**
 * Keep the largest value of every window; rows and columns that fill no window are left out.
 *
 * @param {Maps} input
 * @param {number} size side of a window
 * @param {Geometry} geometry by default the windows tile the input
 * @returns {Maps}
 */
export function maxPool(input, size, geometry = {}) {
  const { data: values, channels } = input;
  const data = new Float32Array(values.length).fill(-Infinity);
  const shape = eachWindow(input, size, geometry, (from, to) => {
    for (let c = 0; c < channels; c++) {
      if (values[from + c] > data[to + c]) data[to + c] = values[from + c];
    }
  });
  return { data: data.slice(0, shape.height * shape.width * channels), ...shape };
}

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
 * @returns {Record<string, Maps>} the output of every layer, by its name
 */
export function forward(layers, pieces, image) {
  /** @type {Record<string, Maps>} */
  const outputs = {};
  let maps = image;
  for (const layer of layers) maps = outputs[layer.name] = layerOutput(layer, pieces[layer.name], maps);
  return outputs;
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
 * Prepare a drawing as the digits of MNIST were (LeCun et al. 1998, section III.A): scale it into a box of 20 x 20
 * pixels, keeping its shape, and put its centre of mass into the middle of 28 x 28 pixels.
 *
 * @param {ArrayLike<number>} ink from 0 to 1
 * @param {number} width
 * @param {number} height
 * @returns {Float32Array | null} 28 x 28 values from 0 to 1; null where there is no ink
 */
export function prepareDigit(ink, width, height) {
  const faint = 0.05;
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!(ink[y * width + x] > faint)) continue;
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    }
  }
  if (right < 0) return null;
  const side = Math.max(right - left, bottom - top) + 1;
  const step = side / 20; // pixels of the drawing for one of the digit
  const across = Math.max(1, Math.round((right - left + 1) / step));
  const down = Math.max(1, Math.round((bottom - top + 1) / step));
  const scaled = new Float32Array(across * down);
  let [mass, massX, massY] = [0, 0, 0];
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      const value = areaMean(ink, width, height, left + x * step, top + y * step, step);
      scaled[y * across + x] = value;
      mass += value;
      massX += value * (x + 0.5);
      massY += value * (y + 0.5);
    }
  }
  const digit = new Float32Array(28 * 28);
  const offsetX = Math.round(14 - massX / mass);
  const offsetY = Math.round(14 - massY / mass);
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      const [toX, toY] = [x + offsetX, y + offsetY];
      if (toX >= 0 && toX < 28 && toY >= 0 && toY < 28) digit[toY * 28 + toX] = scaled[y * across + x];
    }
  }
  return digit;
}

/**
 * Mean of the pixels under a square, each weighted by the area it has in it; beyond the border there is no ink.
 *
 * @param {ArrayLike<number>} values
 * @param {number} width
 * @param {number} height
 * @param {number} left
 * @param {number} top
 * @param {number} side
 */
function areaMean(values, width, height, left, top, side) {
  let sum = 0;
  for (let y = Math.floor(top); y < Math.min(top + side, height); y++) {
    const tall = Math.min(y + 1, top + side) - Math.max(y, top);
    for (let x = Math.floor(left); x < Math.min(left + side, width); x++) {
      const wide = Math.min(x + 1, left + side) - Math.max(x, left);
      sum += values[y * width + x] * tall * wide;
    }
  }
  return sum / (side * side);
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
 * @returns {Maps} the gradient, of the image's shape
 */
export function backward(layers, pieces, image, outputs, name, { row, column, channel }) {
  const last = layers.findIndex((layer) => layer.name === name);
  /** @type {Maps} */
  let gradient = { ...outputs[name], data: new Float32Array(outputs[name].data.length) };
  gradient.data[(row * gradient.width + column) * gradient.channels + channel] = 1;
  for (let i = last; i >= 0; i--) {
    const input = i > 0 ? outputs[layers[i - 1].name] : image;
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
 * @param {Maps} gradient
 * @param {Maps} input
 * @param {Float32Array} filters
 * @param {number} kernel
 * @param {{stride: number, padding: Padding, dilation: number}} steps
 * @returns {Maps}
 */
function convolutionGradient(gradient, input, filters, kernel, steps) {
  const [above] = padWidth(input.height, kernel, steps);
  const [before] = padWidth(input.width, kernel, steps);
  const data = new Float32Array(input.data.length);
  for (let at = 0; at < gradient.data.length; at++) {
    const value = gradient.data[at];
    if (value === 0) continue; // most are: a unit sees a part of the image
    const channel = at % gradient.channels;
    const place = (at - channel) / gradient.channels;
    const top = Math.floor(place / gradient.width) * steps.stride - above;
    const left = (place % gradient.width) * steps.stride - before;
    for (let i = 0; i < kernel; i++) {
      const y = top + i * steps.dilation;
      if (y < 0 || y >= input.height) continue;
      for (let j = 0; j < kernel; j++) {
        const x = left + j * steps.dilation;
        if (x < 0 || x >= input.width) continue;
        const to = (y * input.width + x) * input.channels;
        const from = (i * kernel + j) * input.channels;
        for (let c = 0; c < input.channels; c++) data[to + c] += value * filters[(from + c) * gradient.channels + channel];
      }
    }
  }
  return { ...input, data };
}

/**
 * @param {Maps} gradient
 * @param {Maps} input
 * @param {Maps} output
 * @param {number} size side of a window
 * @param {Geometry} steps
 * @returns {Maps}
 */
function poolGradient(gradient, input, output, size, steps) {
  const data = new Float32Array(input.data.length);
  const given = new Uint8Array(output.data.length);
  eachWindow(input, size, steps, (from, to) => {
    for (let c = 0; c < input.channels; c++) {
      if (given[to + c] || input.data[from + c] !== output.data[to + c]) continue;
      data[from + c] += gradient.data[to + c];
      given[to + c] = 1;
    }
  });
  return { ...input, data };
}

/**
 * Follow an image through a stack of layers (Araujo, Norris & Sim 2019): a kernel widens the field by its width less one,
 * in jumps, and a stride lengthens the jump for the layers after it.
 *
 * @param {{kernel: number, stride: number, dilation: number, padding: Padding}[]} stack
 * @param {number} size of the image
 * @returns {{size: number, jump: number, field: number, start: number}[]} one stage a layer; a size below 1 does not fit
 */
export function trace(stack, size) {
  let [jump, field, start] = [1, 1, 0];
  return stack.map(({ kernel, ...steps }) => {
    start -= padWidth(size, kernel, steps)[0] * jump;
    size = outputSize(size, kernel, steps);
    field += steps.dilation * (kernel - 1) * jump;
    jump *= steps.stride;
    return { size, jump, field, start };
  });
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

/**
 * Convolve two kernels in full: the one kernel that gives what the two give one after the other.
 *
 * @param {{data: ArrayLike<number>, size: number}} first
 * @param {{data: ArrayLike<number>, size: number}} second
 * @returns {{data: Float32Array, size: number}}
 */
export function composed(first, second) {
  const size = first.size + second.size - 1;
  const data = new Float32Array(size * size);
  for (let i = 0; i < first.data.length; i++) {
    for (let j = 0; j < second.data.length; j++) {
      const row = Math.floor(i / first.size) + Math.floor(j / second.size);
      data[row * size + (i % first.size) + (j % second.size)] += first.data[i] * second.data[j];
    }
  }
  return { data, size };
}
