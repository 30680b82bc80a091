/**
 * The settings of the figure that trains the network of one layer: their controls, their names, and what they mean for a run.
 *
 * @typedef {import("./softmax_regression.js").Settings} Settings
 * @typedef {Record<string, any>} Values of the controls
 * @typedef {Record<string, {label: string, takes: Record<string, number>}>} Schedules by name
 */
import { change, choice, element, listSlider, slider } from "./elements.js";
import { grouped, precise } from "./numbers.js";
import { SCHEDULES } from "./schedules.js";

/** @type {Record<string, string>} */
const ORDERS = { shuffled: "shuffled anew", given: "always the same", sorted: "sorted by class" }; // in every epoch
const OWN = ["decay", "factor", "every", "warm_up", "start"]; // of one schedule each

/** How the settings of an earlier run are named. @type {Record<string, (value: any, schedules: Schedules) => string>} */
const NAMES = {
  batch_size: (size) => `batches of ${grouped(size)}`,
  rate: (rate) => `the base rate ${rate}`,
  schedule: (name, schedules) => `${schedules[name].label} as the schedule`,
  decay: (decay) => `a decay of ${brief(decay)}`,
  factor: (factor) => `a factor of ${brief(factor)}`,
  every: (every) => `${every} epochs between steps`,
  warm_up: (share) => `a rise in ${brief(share)} of the epochs`,
  start: (share) => `a first rate of ${brief(share)} of the highest`,
  epochs: (epochs) => `${epochs} ${epochs === 1 ? "epoch" : "epochs"}`,
  order: (order) => `the order ${ORDERS[order]}`,
};

/** The traits that the controls set. */
export const TRAITS = Object.keys(NAMES);

/**
 * The controls; those that the schedule does not use are hidden.
 *
 * @param {import("./elements.js").Model} model
 */
export function settingsControls(model) {
  const [limits, choices, schedules] = ["limits", "choices", "schedules"].map((name) => model.get(name));
  const set = (/** @type {string} */ name) => (/** @type {any} */ value) => change(model, { [name]: value });
  const range = (/** @type {string} */ name, /** @type {string} */ label, words = brief) =>
    slider({ label, ...limits[name], words, input: set(name) });
  const chooseSchedule = (/** @type {string} */ name) => {
    const { initial, ...own } = schedules[name].takes;
    change(model, { schedule: name, ...own });
  };
  const labels = Object.fromEntries(Object.keys(schedules).map((name) => [name, schedules[name].label]));
  /** @type {Record<string, import("./elements.js").Control>} */
  const controls = {
    batch_size: listSlider({ label: "Batch size", values: choices.batch_size, words: grouped, input: set("batch_size") }),
    rate: listSlider({ label: "Base rate", values: choices.rate, input: set("rate") }),
    schedule: choice({ label: "Schedule", options: labels, input: chooseSchedule }),
    decay: range("decay", "Decay"),
    factor: range("factor", "Factor of a step"),
    every: range("every", "Epochs between steps", String),
    warm_up: range("warm_up", "Share of the epochs that rise"),
    start: range("start", "First rate as a share of the highest"),
    epochs: range("epochs", "Epochs", String),
    order: choice({ label: "Order of the digits", options: ORDERS, input: set("order") }),
  };
  const whole = element("fieldset", { class: "controls", "aria-label": "Settings" }, ...Object.values(controls));
  return Object.assign(whole, {
    show(/** @type {Values} */ values) {
      for (const [name, control] of Object.entries(controls)) {
        control.show(values[name]);
        control.hidden = !isUsed(name, schedules[values.schedule]);
      }
    },
  });
}

/** @param {string} name of a setting @param {Schedules[string]} schedule */
function isUsed(name, { takes }) {
  return !OWN.includes(name) || name in takes;
}

/**
 * What the controls mean for a run.
 *
 * @param {Values} values
 * @param {Schedules} schedules
 * @returns {Settings}
 */
export function settingsOf({ batch_size, order, ...values }, schedules) {
  const { initial } = schedules[values.schedule].takes;
  const taken = { ...values, initial: (values.rate * initial) / schedules.inverse_time.takes.initial, epochs: values.epochs };
  return { rates: Array.from({ length: values.epochs }, (_, e) => SCHEDULES[values.schedule](e, taken)), batch_size, order };
}

/**
 * Name the settings of an earlier run that are others now.
 *
 * @param {Values} earlier
 * @param {Values} now
 * @param {Schedules} schedules
 */
export function differences(earlier, now, schedules) {
  const names = TRAITS.filter((name) => isUsed(name, schedules[earlier.schedule]) && earlier[name] !== now[name]);
  const parts = names.map((name) => NAMES[name](earlier[name], schedules));
  return parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}` : parts[0];
}

/**
 * Compare settings.
 *
 * @param {Settings} one
 * @param {Settings} other
 */
export function same(one, other) {
  return sameRates(one.rates, other.rates) && one.batch_size === other.batch_size && one.order === other.order;
}

/**
 * Compare the rates of two runs. Python rounds those of the notes to ten decimals.
 *
 * @param {number[]} one
 * @param {number[]} other
 */
export function sameRates(one, other) {
  return one.length === other.length && one.every((rate, e) => Math.abs(rate - other[e]) < 1e-9);
}

/**
 * Write a setting or a rate.
 *
 * @param {number} value
 */
export function brief(value) {
  return precise(value, 3);
}
