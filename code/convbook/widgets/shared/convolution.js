/**
 * Convolution and pooling, forwards and backwards, and what a stack of them sees.
 *
 * Maps are flat arrays in the order of Keras: rows, then columns, then channels.
 *
 * @typedef {{data: Float32Array, height: number, width: number, channels: number}} Maps
 * @typedef {number | "valid" | "same"} Padding zeros on each side, none, or enough for size / stride outputs, rounded up
 * @typedef {{stride?: number, padding?: Padding, dilation?: number}} Geometry
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
  const [values, weights] = [input.data, filters.data];
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
            const value = values[pixel + channel];
            if (value === 0) {
              weight += channels; // after a ReLU most values are
              continue;
            }
            for (let c = 0; c < channels; c++) sums[c] += value * weights[weight++];
          }
        }
      }
      for (let c = 0, to = (row * width + column) * channels; c < channels; c++) data[to + c] = sums[c];
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
 * @param {Maps} gradient
 * @param {Maps} input
 * @param {Float32Array} filters
 * @param {number} kernel
 * @param {{stride: number, padding: Padding, dilation: number}} steps
 * @returns {Maps}
 */
export function convolutionGradient(gradient, input, filters, kernel, steps) {
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
export function poolGradient(gradient, input, output, size, steps) {
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
