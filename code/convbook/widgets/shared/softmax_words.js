/**
 * The sentences of the figure that trains the network of one layer.
 *
 * @typedef {import("./softmax_settings.js").Values} Values
 * @typedef {import("./softmax_settings.js").Schedules} Schedules
 * @typedef {import("./softmax_regression.js").Settings & import("./softmax_regression.js").Losses
 *   & {chosen: Values, at: number | null}} Run with the time at which it ended, in milliseconds
 * @typedef {{errors: Record<string, number>, runs: number, digits: number, held_out: number}} Measured with the network of
 *   the notes, and each schedule as it is at first
 */
import { grouped, precise } from "./numbers.js";
import { brief, differences } from "./softmax_settings.js";

/** The loss of ten equal probabilities. */
export const NOTHING = Math.log(10);

/**
 * Say how the rate goes, and what that has to do with the notes.
 *
 * @param {Run} run
 * @param {number[]} logged the rates of the notes, in multiples of the first
 */
export function ratesWords({ rates, chosen: { rate } }, logged) {
  const [first, last, highest] = [rates[0], rates[rates.length - 1], Math.max(...rates)];
  const goes = `The rate goes from ${brief(first)} in epoch 1 to ${brief(last)} in epoch ${rates.length}`;
  const climbs = highest > Math.max(first, last) ? `; the highest is ${brief(highest)}.` : ".";
  if (rates.length !== logged.length) return goes + climbs;
  const fits = rates.every((value, e) => Math.abs(value - rate * logged[e]) < 1e-6 * rate);
  if (fits) return `${goes}${climbs} This is the notes' schedule: it goes through all twenty points of their log.`;
  const sum = (/** @type {number[]} */ values) => values.reduce((a, b) => a + b, 0);
  return `${goes}${climbs} In sum, the ${rates.length} rates are ${brief(sum(rates) / (rate * sum(logged)))} times those of the notes.`;
}

/**
 * Say what the schedule did for the network of the notes.
 *
 * @param {Run} run
 * @param {Schedules} schedules
 * @param {Measured} measured
 * @param {number} epochs of the runs that were measured
 */
export function measuredWords({ chosen, rates }, schedules, { errors, runs, digits, held_out }, epochs) {
  const { initial, ...own } = schedules[chosen.schedule].takes;
  const asMeasured = rates.length === epochs && Object.entries(own).every(([name, value]) => Math.abs(chosen[name] - value) < 1e-9);
  if (!asMeasured) return "The network of the notes was not trained with such rates: its runs had twenty epochs, and each schedule as it is at first.";
  const left = (/** @type {string} */ name) => errors[name].toFixed(0);
  const others = Object.keys(errors).filter((name) => name !== chosen.schedule);
  return (
    `The network of the notes was trained with this schedule, too: ${runs} runs on ${grouped(digits)} digits left ` +
    `${left(chosen.schedule)} errors on average among ${grouped(held_out)} others. The other schedules left ` +
    `${others.map((name) => `${left(name)} (${schedules[name].label})`).join(", ")}.`
  );
}

/**
 * Say how far a run has come.
 *
 * @param {Run} run
 */
export function progressWords({ training, rates }) {
  return training.length === 0 ? "Loading the digits …" : `Training: epoch ${Math.min(training.length, rates.length)} of ${rates.length} …`;
}

/**
 * Say what came of a run.
 *
 * @param {Run} run
 * @param {Run | null} before
 * @param {Schedules} schedules
 * @param {number} digits to train with
 */
export function resultWords({ training, validation, rates, batch_size, order, chosen }, before, schedules, digits) {
  const steps = Math.ceil(digits / batch_size) * rates.length;
  const earlier = before ? ` Before, with ${differences(before.chosen, chosen, schedules)}, it was ${last(before.training)} and ${last(before.validation)}.` : "";
  return (
    `After ${grouped(steps)} ${steps === 1 ? "step" : "steps"} the loss is ${last(training)} on the training digits and ` +
    `${last(validation)} on the validation digits.${earlier}${verdict(training, validation, order === "sorted" && batch_size < digits)}`
  );
}

/**
 * Say what is wrong with a run.
 *
 * @param {number[]} training losses
 * @param {number[]} validation losses
 * @param {boolean} sorted whether the last batches hold nothing but one class
 */
function verdict(training, validation, sorted) {
  const end = training.length - 1;
  if (validation[end] > NOTHING) {
    const why = sorted ? "the last steps of every epoch see nothing but 9s" : "the steps are so long that they overshoot";
    return ` That is worse than knowing nothing, which has the loss ln 10 = ${NOTHING.toFixed(3)}: ${why}.`;
  }
  const late = training.slice(Math.ceil(end / 2)); // at the start, a rise may pass
  const rises = late.filter((loss, e) => e > 0 && loss > 1.02 * late[e - 1]).length;
  if (rises >= late.length / 4) return " From one epoch to the next, the training loss often rises: the steps are so long that they overshoot.";
  const best = validation.indexOf(Math.min(...validation));
  if (validation[end] > 1.02 * validation[best] && training[end] < training[best]) {
    return ` The validation loss was lowest after epoch ${best}, ${loss(validation[best])}; since then, the network has been overfitting.`;
  }
  if (validation[end] > 3 * training[end]) return " Much of what the network has learned is true of its training digits only: it overfits.";
  return "";
}

/** @param {number} value */
function loss(value) {
  return value < 10 ? value.toFixed(3) : precise(value, 3);
}

/** @param {number[]} values losses */
function last(values) {
  return loss(values[values.length - 1]);
}
