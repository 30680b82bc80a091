/**
 * The arithmetic of the figures: convolution, pooling, a whole network, and the preparation of a drawing.
 *
 * Maps are flat arrays in the order of Keras: rows, then columns, then channels.
 *
 * @typedef {{data: Float32Array, height: number, width: number, channels: number}} Maps
 * @typedef {{stride?: number, padding?: number, dilation?: number}} Geometry
 * @typedef {{name: string, kind: "conv" | "norm" | "pool" | "softmax", kernel?: number, channels?: number,
 *   relu?: boolean}} Layer
 */

/**
 * Positions of a kernel along one axis: floor((i + 2p - d(k - 1) - 1) / s) + 1 (Dumoulin & Visin 2016).
 *
 * @param {number} size pixels of the image
 * @param {number} kernel pixels of the kernel
 * @param {Geometry} geometry
 * @returns {number} 0 or less where the kernel does not fit
 */
export function outputSize(size, kernel, { stride = 1, padding = 0, dilation = 1 } = {}) {
  return Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
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
  const channels = filters.channels;
  const data = new Float32Array(height * width * channels);
  const sums = new Float64Array(channels);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      for (let c = 0; c < channels; c++) sums[c] = bias[c];
      for (let i = 0; i < filters.height; i++) {
        const y = row * stride + i * dilation - padding;
        if (y < 0 || y >= input.height) continue; // padding is zero and adds nothing
        for (let j = 0; j < filters.width; j++) {
          const x = column * stride + j * dilation - padding;
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
 * Keep the largest value of every window of kernel x kernel values; rows and columns that fill no window are left out.
 *
 * @param {Maps} input
 * @param {number} kernel
 * @returns {Maps}
 */
export function maxPool({ data: values, height: rows, width: columns, channels }, kernel) {
  const height = Math.floor(rows / kernel);
  const width = Math.floor(columns / kernel);
  const data = new Float32Array(height * width * channels).fill(-Infinity);
  for (let y = 0; y < height * kernel; y++) {
    for (let x = 0; x < width * kernel; x++) {
      const from = (y * columns + x) * channels;
      const to = (Math.floor(y / kernel) * width + Math.floor(x / kernel)) * channels;
      for (let c = 0; c < channels; c++) {
        if (values[from + c] > data[to + c]) data[to + c] = values[from + c];
      }
    }
  }
  return { data, height, width, channels };
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
  for (const { name, kind, kernel = 1, channels: outputs = channels } of layers) {
    if (kind === "conv") pieces[name] = [take(kernel * kernel * channels * outputs), take(outputs)];
    if (kind === "norm") pieces[name] = [take(channels), take(channels)];
    channels = outputs;
  }
  if (start !== weights.length) throw new RangeError(`the network takes ${start} weights, got ${weights.length}`);
  return pieces;
}

/**
 * Send one image through a network.
 *
 * @param {Layer[]} layers
 * @param {Record<string, Float32Array[]>} pieces what `cutWeights` returns
 * @param {Maps} image
 * @returns {Record<string, Maps>} what every layer answers, by its name
 */
export function forward(layers, pieces, image) {
  /** @type {Record<string, Maps>} */
  const answers = {};
  let maps = image;
  for (const { name, kind, kernel = 1, channels = maps.channels, relu } of layers) {
    if (kind === "conv") {
      const [data, bias] = pieces[name];
      maps = convolve(maps, { data, height: kernel, width: kernel, channels }, bias);
      if (relu) maps.data.forEach((value, i) => value < 0 && (maps.data[i] = 0));
    } else if (kind === "norm") {
      const [scale, shift] = pieces[name];
      const data = maps.data.map((value, i) => value * scale[i % scale.length] + shift[i % scale.length]);
      maps = { ...maps, data };
    } else if (kind === "pool") {
      maps = maxPool(maps, kernel);
    } else {
      maps = { ...maps, data: softmax(maps.data) };
    }
    answers[name] = maps;
  }
  return answers;
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
 * @param {Record<string, Maps>} answers what `forward` returns for the image
 * @param {string} name of a convolution, normalisation or pool
 * @param {{row: number, column: number, channel: number}} unit
 * @returns {Maps} the gradient, of the image's shape
 */
export function backward(layers, pieces, image, answers, name, { row, column, channel }) {
  const last = layers.findIndex((layer) => layer.name === name);
  /** @type {Maps} */
  let gradient = { ...answers[name], data: new Float32Array(answers[name].data.length) };
  gradient.data[(row * gradient.width + column) * gradient.channels + channel] = 1;
  for (let i = last; i >= 0; i--) {
    const { name, kind, kernel = 1, relu } = layers[i];
    const input = i > 0 ? answers[layers[i - 1].name] : image;
    if (kind === "norm") {
      const [scale] = pieces[name];
      gradient = { ...gradient, data: gradient.data.map((value, k) => value * scale[k % scale.length]) };
    } else if (kind === "pool") {
      gradient = poolGradient(gradient, input, answers[name], kernel);
    } else {
      if (relu) gradient.data.forEach((_, k) => answers[name].data[k] > 0 || (gradient.data[k] = 0));
      gradient = convolutionGradient(gradient, input, pieces[name][0], kernel);
    }
  }
  return gradient;
}

/**
 * @param {Maps} gradient
 * @param {Maps} input
 * @param {Float32Array} filters
 * @param {number} kernel
 * @returns {Maps}
 */
function convolutionGradient(gradient, input, filters, kernel) {
  const data = new Float32Array(input.data.length);
  for (let at = 0; at < gradient.data.length; at++) {
    const value = gradient.data[at];
    if (value === 0) continue; // most are: a unit sees a part of the image
    const channel = at % gradient.channels;
    const place = (at - channel) / gradient.channels;
    const row = Math.floor(place / gradient.width);
    const column = place % gradient.width;
    for (let i = 0; i < kernel; i++) {
      for (let j = 0; j < kernel; j++) {
        const to = ((row + i) * input.width + column + j) * input.channels;
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
 * @param {number} kernel
 * @returns {Maps}
 */
function poolGradient(gradient, input, output, kernel) {
  const data = new Float32Array(input.data.length);
  const given = new Uint8Array(output.data.length);
  for (let y = 0; y < output.height * kernel; y++) {
    for (let x = 0; x < output.width * kernel; x++) {
      const from = (y * input.width + x) * input.channels;
      const to = (Math.floor(y / kernel) * output.width + Math.floor(x / kernel)) * output.channels;
      for (let c = 0; c < input.channels; c++) {
        if (given[to + c] || input.data[from + c] !== output.data[to + c]) continue;
        data[from + c] = gradient.data[to + c];
        given[to + c] = 1;
      }
    }
  }
  return { ...input, data };
}

/**
 * Follow an image through a stack of layers (Araujo, Norris & Sim 2019): a kernel widens the field by so many jumps, and
 * a stride lengthens the jump for the layers behind it.
 *
 * @param {{kernel: number, stride: number, dilation: number, padding: number}[]} stack
 * @param {number} size of the image
 * @returns {{size: number, jump: number, field: number, start: number}[]} one stage a layer; a size below 1 does not fit
 */
export function trace(stack, size) {
  let [jump, field, start] = [1, 1, 0];
  return stack.map(({ kernel, stride, dilation, padding }) => {
    size = outputSize(size, kernel, { stride, padding, dilation });
    start -= padding * jump;
    field += dilation * (kernel - 1) * jump;
    jump *= stride;
    return { size, jump, field, start };
  });
}

/**
 * The geometry of a network's layers, to be traced; a normalisation looks at single pixels.
 *
 * @param {Layer[]} layers
 * @returns {{kernel: number, stride: number, dilation: number, padding: number}[]}
 */
export function geometryOf(layers) {
  return layers.map(({ kind, kernel = 1 }) => ({ kernel, stride: kind === "pool" ? kernel : 1, dilation: 1, padding: 0 }));
}

/**
 * Convolve two kernels in full: the one kernel that answers as the two do, one after the other.
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
