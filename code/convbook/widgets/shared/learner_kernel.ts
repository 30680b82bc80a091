/**
 * What costs time when a network learns, in AssemblyScript: `make kernel` compiles it to learner.wasm.
 *
 * Maps are float32 (images, height, width, channels), as in Keras, but with the channels rounded up to a multiple of 4,
 * so that a v128 holds four neighbouring channels of one pixel. The channels that this adds are 0 and stay 0. A `usize`
 * is a place in the memory, in bytes; learner.js says what lies where, and which layer calls what.
 */

const FLOAT = 4; // bytes of a number
const FOUR = 16; // bytes of a v128

/** The first place that is free. */
export function heap(): usize {
  return __heap_base;
}

// Convolution: a product of matrices. Each window of the input is written out as a row, and each filter is a column of
// the kernel. Only so many windows are written out at a time as fit into the processor's fastest memory.

const WINDOWS = 32;

export function windowsAtATime(): i32 {
  return WINDOWS;
}

/** Where the windows of a layer lie. learner.js writes these numbers one after the other. */
@unmanaged
class Geometry {
  height: i32; // of the input
  width: i32;
  channels: i32;
  size: i32; // of a window
  stride: i32;
  top: i32; // padding above the input, and on its left
  left: i32;
  rows: i32; // of the output
  columns: i32;
}

/** Numbers in a window. */
function depthOf(geometry: Geometry): i32 {
  return geometry.size * geometry.size * geometry.channels;
}

/**
 * Compute the output (pixels, filters) of a convolution, without its bias.
 *
 * @param pixels of the output, in all images
 * @param windows room for so many windows
 */
export function convolve(
  input: usize, geometry: Geometry, kernel: usize, output: usize, pixels: i32, filters: i32, windows: usize,
): void {
  const depth = depthOf(geometry);
  for (let first = 0; first < pixels; first += WINDOWS) {
    const count = min(WINDOWS, pixels - first);
    writeOut(input, geometry, first, count, windows);
    multiply(windows, depth, 1, kernel, output + first * filters * FLOAT, count, depth, filters, false);
  }
}

/**
 * Take a gradient from a convolution's output back to its kernel and its input, and add it to theirs.
 *
 * @param transposed the kernel, (filters, depth)
 * @param change the gradient at the output
 * @param inputChange 0 where nobody needs it
 */
export function convolveBack(
  input: usize, geometry: Geometry, transposed: usize, change: usize, kernelChange: usize, inputChange: usize,
  pixels: i32, filters: i32, windows: usize,
): void {
  const depth = depthOf(geometry);
  for (let first = 0; first < pixels; first += WINDOWS) {
    const count = min(WINDOWS, pixels - first);
    const part = change + first * filters * FLOAT;
    writeOut(input, geometry, first, count, windows);
    multiply(windows, 1, depth, part, kernelChange, depth, count, filters, true);
    if (!inputChange) continue;
    multiply(part, filters, 1, transposed, windows, count, filters, depth, false);
    addBack(windows, geometry, first, count, inputChange);
  }
}

/** Write windows out, from that of the output's pixel `first`; outside of the image they are 0. */
function writeOut(input: usize, geometry: Geometry, first: i32, count: i32, windows: usize): void {
  const bytes = geometry.channels * FLOAT, size = geometry.size;
  for (let pixel = first; pixel < first + count; pixel++) {
    const top = topOf(geometry, pixel), left = leftOf(geometry, pixel), image = imageOf(geometry, pixel);
    const from = max(0, -left), to = min(size, geometry.width - left); // the columns inside of the image
    for (let i = top; i < top + size; i++, windows += size * bytes) {
      const inside = i >= 0 && i < geometry.height;
      if (!inside || to - from < size) memory.fill(windows, 0, size * bytes);
      if (!inside) continue;
      const at = (image * geometry.height + i) * geometry.width + left + from;
      copy(input + at * bytes, windows + from * bytes, (to - from) * bytes);
    }
  }
}

/** The reverse of `writeOut`: add the numbers of windows to the pixels that they came from. */
function addBack(windows: usize, geometry: Geometry, first: i32, count: i32, input: usize): void {
  const bytes = geometry.channels * FLOAT, size = geometry.size;
  for (let pixel = first; pixel < first + count; pixel++) {
    const top = topOf(geometry, pixel), left = leftOf(geometry, pixel), image = imageOf(geometry, pixel);
    const from = max(0, -left), to = min(size, geometry.width - left);
    for (let i = top; i < top + size; i++, windows += size * bytes) {
      if (i < 0 || i >= geometry.height) continue;
      const at = (image * geometry.height + i) * geometry.width + left + from;
      add(windows + from * bytes, input + at * bytes, (to - from) * bytes);
    }
  }
}

/** To which image a pixel of the output belongs. */
function imageOf(geometry: Geometry, pixel: i32): i32 {
  return pixel / (geometry.rows * geometry.columns);
}

/** The row of the input at which the window of a pixel begins; less than 0 in the padding. */
function topOf(geometry: Geometry, pixel: i32): i32 {
  return ((pixel / geometry.columns) % geometry.rows) * geometry.stride - geometry.top;
}

/** The column at which it begins. */
function leftOf(geometry: Geometry, pixel: i32): i32 {
  return (pixel % geometry.columns) * geometry.stride - geometry.left;
}

/** Copy numbers, four at a time where they come in fours. */
function copy(from: usize, to: usize, bytes: i32): void {
  if (bytes % FOUR) for (let at = 0; at < bytes; at += FLOAT) store<f32>(to + at, load<f32>(from + at));
  else for (let at = 0; at < bytes; at += FOUR) v128.store(to + at, v128.load(from + at));
}

/** Add numbers that come in fours to others. */
function add(from: usize, to: usize, bytes: i32): void {
  for (let at = 0; at < bytes; at += FOUR) {
    v128.store(to + at, f32x4.add(v128.load(to + at), v128.load(from + at)));
  }
}

/**
 * Multiply two matrices: c = a b, or c += a b.
 *
 * @param a (rows, inner); from one row to the next are `aRow` numbers, from one column to the next `aColumn`
 * @param b (inner, columns), row by row
 * @param c (rows, columns), row by row; the columns are a multiple of 4
 */
function multiply(
  a: usize, aRow: i32, aColumn: i32, b: usize, c: usize, rows: i32, inner: i32, columns: i32, adding: bool,
): void {
  const width = columns * FLOAT;
  let row = 0;
  for (; row + 4 <= rows; row += 4, a += 4 * aRow * FLOAT, c += 4 * width) {
    let at = 0;
    for (; at + 2 * FOUR <= width; at += 2 * FOUR) fourByEight(a, aRow, aColumn, b + at, c + at, width, inner, adding);
    if (at < width) fourByFour(a, aRow, aColumn, b + at, c + at, width, inner, adding);
  }
  for (; row < rows; row++, a += aRow * FLOAT, c += width) {
    for (let at = 0; at < width; at += FOUR) oneByFour(a, aColumn, b + at, c + at, width, inner, adding);
  }
}

/** A block of `multiply`, whose 32 sums stay in the processor's registers. `width` is a row of b and c, in bytes. */
function fourByEight(
  a: usize, aRow: i32, aColumn: i32, b: usize, c: usize, width: i32, inner: i32, adding: bool,
): void {
  const c1 = c + width, c2 = c1 + width, c3 = c2 + width;
  let sum00 = f32x4.splat(0), sum01 = f32x4.splat(0);
  let sum10 = f32x4.splat(0), sum11 = f32x4.splat(0);
  let sum20 = f32x4.splat(0), sum21 = f32x4.splat(0);
  let sum30 = f32x4.splat(0), sum31 = f32x4.splat(0);
  let a1 = a + aRow * FLOAT, a2 = a1 + aRow * FLOAT, a3 = a2 + aRow * FLOAT;
  const step = aColumn * FLOAT;
  for (; inner; inner--, a += step, a1 += step, a2 += step, a3 += step, b += width) {
    const b0 = v128.load(b), b1 = v128.load(b, FOUR);
    let factor = v128.load_splat<f32>(a);
    sum00 = f32x4.add(sum00, f32x4.mul(factor, b0));
    sum01 = f32x4.add(sum01, f32x4.mul(factor, b1));
    factor = v128.load_splat<f32>(a1);
    sum10 = f32x4.add(sum10, f32x4.mul(factor, b0));
    sum11 = f32x4.add(sum11, f32x4.mul(factor, b1));
    factor = v128.load_splat<f32>(a2);
    sum20 = f32x4.add(sum20, f32x4.mul(factor, b0));
    sum21 = f32x4.add(sum21, f32x4.mul(factor, b1));
    factor = v128.load_splat<f32>(a3);
    sum30 = f32x4.add(sum30, f32x4.mul(factor, b0));
    sum31 = f32x4.add(sum31, f32x4.mul(factor, b1));
  }
  finish(c, sum00, adding);
  finish(c + FOUR, sum01, adding);
  finish(c1, sum10, adding);
  finish(c1 + FOUR, sum11, adding);
  finish(c2, sum20, adding);
  finish(c2 + FOUR, sum21, adding);
  finish(c3, sum30, adding);
  finish(c3 + FOUR, sum31, adding);
}

/** A block of `multiply` for the last four columns. */
function fourByFour(
  a: usize, aRow: i32, aColumn: i32, b: usize, c: usize, width: i32, inner: i32, adding: bool,
): void {
  const c1 = c + width, c2 = c1 + width, c3 = c2 + width;
  let sum0 = f32x4.splat(0), sum1 = f32x4.splat(0), sum2 = f32x4.splat(0), sum3 = f32x4.splat(0);
  let a1 = a + aRow * FLOAT, a2 = a1 + aRow * FLOAT, a3 = a2 + aRow * FLOAT;
  const step = aColumn * FLOAT;
  for (; inner; inner--, a += step, a1 += step, a2 += step, a3 += step, b += width) {
    const b0 = v128.load(b);
    sum0 = f32x4.add(sum0, f32x4.mul(v128.load_splat<f32>(a), b0));
    sum1 = f32x4.add(sum1, f32x4.mul(v128.load_splat<f32>(a1), b0));
    sum2 = f32x4.add(sum2, f32x4.mul(v128.load_splat<f32>(a2), b0));
    sum3 = f32x4.add(sum3, f32x4.mul(v128.load_splat<f32>(a3), b0));
  }
  finish(c, sum0, adding);
  finish(c1, sum1, adding);
  finish(c2, sum2, adding);
  finish(c3, sum3, adding);
}

/** A block of `multiply` for the last rows, one by one. */
function oneByFour(a: usize, aColumn: i32, b: usize, c: usize, width: i32, inner: i32, adding: bool): void {
  let sum = f32x4.splat(0);
  for (; inner; inner--, a += aColumn * FLOAT, b += width) {
    sum = f32x4.add(sum, f32x4.mul(v128.load_splat<f32>(a), v128.load(b)));
  }
  finish(c, sum, adding);
}

/** Write four sums, or add them to what is there. So long sums are made of short ones, and lose less to rounding. */
function finish(at: usize, sum: v128, adding: bool): void {
  v128.store(at, adding ? f32x4.add(v128.load(at), sum) : sum);
}

/** Turn the rows of a matrix into columns. */
export function transpose(from: usize, rows: i32, columns: i32, to: usize): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, from += FLOAT) {
      store<f32>(to + (column * rows + row) * FLOAT, load<f32>(from));
    }
  }
}

/** Add one number for each channel to every pixel: the bias. */
export function addBias(maps: usize, bias: usize, pixels: i32, channels: i32): void {
  const bytes = channels * FLOAT;
  for (; pixels; pixels--, maps += bytes) add(bias, maps, bytes);
}

/** Add up all pixels, each channel by itself, first those of an image: the gradient of the bias. */
export function addBiasBack(change: usize, biasChange: usize, images: i32, pixels: i32, channels: i32): void {
  const bytes = channels * FLOAT;
  for (; images; images--, change += pixels * bytes) {
    for (let channel = 0; channel < bytes; channel += FOUR) {
      let sum = f32x4.splat(0);
      for (let pixel = 0; pixel < pixels; pixel++) {
        sum = f32x4.add(sum, v128.load(change + pixel * bytes + channel));
      }
      finish(biasChange + channel, sum, true);
    }
  }
}

// ReLU.

export function relu(maps: usize, count: i32): void {
  const end = maps + count * FLOAT;
  for (; maps < end; maps += FOUR) v128.store(maps, f32x4.pmax(f32x4.splat(0), v128.load(maps)));
}

/** Set the gradient to 0 where the output is 0. */
export function reluBack(output: usize, change: usize, count: i32): void {
  const end = output + count * FLOAT;
  for (; output < end; output += FOUR, change += FOUR) {
    const positive = f32x4.gt(v128.load(output), f32x4.splat(0));
    v128.store(change, v128.and(v128.load(change), positive));
  }
}

// Maximum of each window. Where it was found is kept for the way back; of several equal ones, the first.

export function maxPool(input: usize, geometry: Geometry, output: usize, found: usize, pixels: i32): void {
  const bytes = geometry.channels * FLOAT, size = geometry.size;
  for (let pixel = 0; pixel < pixels; pixel++, output += bytes, found += bytes) {
    const top = topOf(geometry, pixel), left = leftOf(geometry, pixel), image = imageOf(geometry, pixel);
    for (let channel = 0; channel < bytes; channel += FOUR) {
      let most = f32x4.splat(-Infinity), where = i32x4.splat(0);
      for (let i = max(0, top); i < min(geometry.height, top + size); i++) {
        for (let j = max(0, left); j < min(geometry.width, left + size); j++) {
          const at = (image * geometry.height + i) * geometry.width + j;
          const value = v128.load(input + at * bytes + channel);
          const more = f32x4.gt(value, most);
          most = v128.bitselect(value, most, more);
          where = v128.bitselect(i32x4.splat(at), where, more);
        }
      }
      v128.store(output + channel, most);
      v128.store(found + channel, where);
    }
  }
}

/** Add each number of the gradient to the input's at the place of the maximum. */
export function maxPoolBack(change: usize, found: usize, inputChange: usize, pixels: i32, channels: i32): void {
  for (; pixels; pixels--) {
    for (let channel = 0; channel < channels; channel++, change += FLOAT, found += FLOAT) {
      const at = inputChange + (load<i32>(found) * channels + channel) * FLOAT;
      store<f32>(at, load<f32>(at) + load<f32>(change));
    }
  }
}

// Mean of all pixels of an image.

export function average(input: usize, output: usize, images: i32, pixels: i32, channels: i32): void {
  const bytes = channels * FLOAT;
  for (; images; images--, output += bytes) {
    memory.fill(output, 0, bytes);
    for (let pixel = 0; pixel < pixels; pixel++, input += bytes) add(input, output, bytes);
    scale(output, 1 / <f32>pixels, bytes);
  }
}

export function averageBack(change: usize, inputChange: usize, images: i32, pixels: i32, channels: i32): void {
  const bytes = channels * FLOAT;
  for (; images; images--, change += bytes) {
    scale(change, 1 / <f32>pixels, bytes);
    for (let pixel = 0; pixel < pixels; pixel++, inputChange += bytes) copy(change, inputChange, bytes);
  }
}

function scale(at: usize, factor: f32, bytes: i32): void {
  const end = at + bytes;
  for (; at < end; at += FOUR) v128.store(at, f32x4.mul(v128.load(at), f32x4.splat(factor)));
}

// Batch normalisation. What is done once for each channel is in learner.js; here is what is done for each number.

/**
 * For each channel, add up a and a · (b - centre) over all pixels of all images.
 *
 * Each image is added up in single precision, and the images in double, so that nothing is lost in long sums.
 *
 * @param sums float64: room for both sums of each channel, which lie one after the other
 */
export function sums(
  a: usize, b: usize, centre: usize, images: i32, pixels: i32, channels: i32, sums: usize,
): void {
  const bytes = channels * FLOAT;
  memory.fill(sums, 0, 16 * channels);
  for (; images; images--, a += pixels * bytes, b += pixels * bytes) {
    for (let channel = 0; channel < bytes; channel += FOUR) {
      const middle = v128.load(centre + channel);
      let plain = f32x4.splat(0), product = f32x4.splat(0);
      for (let pixel = 0, at = channel; pixel < pixels; pixel++, at += bytes) {
        const value = v128.load(a + at);
        plain = f32x4.add(plain, value);
        product = f32x4.add(product, f32x4.mul(value, f32x4.sub(v128.load(b + at), middle)));
      }
      addDoubles(plain, sums + 2 * channel);
      addDoubles(product, sums + 2 * bytes + 2 * channel);
    }
  }
}

/** Add four numbers to four float64. */
function addDoubles(four: v128, at: usize): void {
  const high = i8x16.shuffle(four, four, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
  v128.store(at, f64x2.add(v128.load(at), f64x2.promote_low_f32x4(four)));
  v128.store(at, f64x2.add(v128.load(at, FOUR), f64x2.promote_low_f32x4(high)), FOUR);
}

/** Compute output = factor · input + shift, where each channel has its own factor and shift. */
export function normalise(
  input: usize, factor: usize, shift: usize, output: usize, pixels: i32, channels: i32,
): void {
  const bytes = channels * FLOAT;
  for (; pixels; pixels--, input += bytes, output += bytes) {
    for (let at = 0; at < bytes; at += FOUR) {
      const scaled = f32x4.mul(v128.load(factor + at), v128.load(input + at));
      v128.store(output + at, f32x4.add(scaled, v128.load(shift + at)));
    }
  }
}

/** Compute change = p · change + q · input + r, where each channel has its own p, q and r. */
export function normaliseBack(
  input: usize, change: usize, p: usize, q: usize, r: usize, pixels: i32, channels: i32,
): void {
  const bytes = channels * FLOAT;
  for (; pixels; pixels--, input += bytes, change += bytes) {
    for (let at = 0; at < bytes; at += FOUR) {
      const direct = f32x4.mul(v128.load(p + at), v128.load(change + at));
      const statistics = f32x4.add(f32x4.mul(v128.load(q + at), v128.load(input + at)), v128.load(r + at));
      v128.store(change + at, f32x4.add(direct, statistics));
    }
  }
}

// Dropout.

/**
 * Set numbers to 0 at a rate and divide the others by 1 - rate. Also the way back, if it starts at the same state.
 *
 * The random numbers are Marsaglia's xorshift (2003, "Xorshift RNGs") with the shifts 13, 17 and 5, in four lanes.
 *
 * @param state four numbers of 32 bits, none of them 0, which are replaced by the next state
 */
export function dropout(maps: usize, count: i32, rate: f32, state: usize): void {
  const kept = f32x4.splat(1 / (1 - rate)), least = i32x4.splat(<i32>(rate * 0x1000000));
  const end = maps + count * FLOAT;
  let random = v128.load(state);
  for (; maps < end; maps += FOUR) {
    random = v128.xor(random, i32x4.shl(random, 13));
    random = v128.xor(random, i32x4.shr_u(random, 17));
    random = v128.xor(random, i32x4.shl(random, 5));
    const mask = i32x4.ge_s(i32x4.shr_u(random, 8), least); // 24 of the 32 bits
    v128.store(maps, v128.and(f32x4.mul(v128.load(maps), kept), mask));
  }
  v128.store(state, random);
}
