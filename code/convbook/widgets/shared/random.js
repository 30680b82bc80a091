/** Random numbers that a seed determines, the same on every device. */

/**
 * Make a generator of numbers from 0 to just below 1: Marsaglia's xorshift (2003, "Xorshift RNGs"), 24 of its 32 bits.
 *
 * @param {number} seed a whole number from 0
 * @param {number} stream a whole number from 0; those of one seed have nothing to do with one another
 */
export function randomNumbers(seed, stream = 0) {
  let state = scrambled(scrambled(seed) + stream);
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 8) / 0x1000000;
  };
}

/**
 * Turn a whole number into one of 32 bits that looks random and is not 0, from which xorshift would never get away.
 *
 * The steps are the last ones of the hash MurmurHash3.
 *
 * @param {number} number
 */
export function scrambled(number) {
  let bits = (number + 0x9e3779b9) | 0; // so that 0 does not stay 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16) || 1;
}

/**
 * Put the numbers from 0 to below `count` into a random order.
 *
 * @param {number} count
 * @param {() => number} random
 */
export function shuffled(count, random) {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
