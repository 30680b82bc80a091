/** What settings a network can be trained with: one place for the figure, before it asks, and for the thread. */

/** The least and the greatest value of each setting; a rate must be above its least. */
export const LIMITS = { epochs: [1, 100], batchSize: [2, 256], seed: [0, 999_999], rate: [0, 100] };

/** @typedef {import("./learner_worker.js").Settings} Settings */

/**
 * Say what is wrong with settings.
 *
 * @param {Settings} settings
 * @param {number} digits how many there are to train with
 * @returns {string | undefined} a sentence for the reader; nothing if all is well
 */
export function settingsProblem({ rates, batchSize, seed }, digits) {
  const whole = (/** @type {number} */ value, /** @type {number[]} */ [low, high]) =>
    Number.isInteger(value) && value >= low && value <= high;
  const { epochs, batchSize: batches, seed: seeds, rate } = LIMITS;
  if (!whole(rates.length, epochs)) return `The epochs must be ${epochs.join(" to ")}, not ${rates.length}.`;
  const wrong = rates.findIndex((value) => !(value > rate[0] && value <= rate[1])); // refuses NaN as well
  if (wrong >= 0) {
    return `The learning rate of epoch ${wrong + 1} must be above ${rate[0]} and at most ${rate[1]}, not ${rates[wrong]}.`;
  }
  if (!whole(batchSize, batches)) {
    return `The batch size must be a whole number from ${batches.join(" to ")}, not ${batchSize}.`;
  }
  if (!whole(seed, seeds)) return `The seed must be a whole number from ${seeds.join(" to ")}, not ${seed}.`;
  if (digits < batchSize) return `There are ${digits} digits, which is less than a batch of ${batchSize}.`;
  return undefined;
}
