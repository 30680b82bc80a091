/** What a drawing becomes before the network reads it. */

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
