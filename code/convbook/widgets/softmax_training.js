/** The network of one layer, trained while the reader turns its settings: the rate of every epoch, and the losses below it. */
import { chart } from "./shared/chart.js";
import { change, choice, element, fill, follow, listSlider, slider, status } from "./shared/elements.js";
import { precise } from "./shared/numbers.js";
import { SCHEDULES } from "./shared/schedules.js";
import { descent, inked } from "./shared/softmax_regression.js";
import { unzipDigits } from "./shared/zipped_digits.js";

/**
 * @typedef {import("./shared/chart.js").Point} Point
 * @typedef {import("./shared/softmax_regression.js").Inked} Inked
 * @typedef {import("./shared/softmax_regression.js").Losses} Losses
 * @typedef {import("./shared/softmax_regression.js").Settings} Settings
 * @typedef {Settings & Losses & {chosen: Record<string, any>, at: number | null}} Run with the values of the controls, and
 *   the time at which it ended, in milliseconds
 */

const SLICE = 8; // milliseconds of work, after which the page may do something else
const PACE = 100; // milliseconds between two drawings of a run
const STOOD = 700; // milliseconds for which a run has to stand before later ones are compared with it
const LEAST = 0.001; // loss that is drawn
const NOTHING = Math.log(10); // the loss of ten equal probabilities
const ORDERS = { shuffled: "shuffled anew", given: "always the same", sorted: "sorted by class" }; // in every epoch

/** @param {{model: any, el: HTMLElement}} place */
function render({ model, el }) {
  /** @type {Record<string, {label: string, takes: Record<string, number>}>} */
  const schedules = model.get("schedules");
  const unknown = Object.keys(schedules).filter((name) => !SCHEDULES[name]);
  if (unknown.length) throw new RangeError(`the page cannot compute the schedule ${unknown.join(", ")}`);
  const names = Object.fromEntries(Object.entries(schedules).map(([name, { label }]) => [name, label]));
  const limits = model.get("limits");
  /** @type {Record<string, number[]>} */
  const choices = model.get("choices");
  /** @type {{errors: Record<string, number>, runs: number, digits: number, held_out: number}} */
  const measured = model.get("measured");
  /** @type {number[]} */
  const logged = model.get("logged");
  const first = model.get("first");

  // The controls.
  const count = (/** @type {number} */ value) => value.toLocaleString("en");
  const brief = (/** @type {number} */ value) => precise(value, 3);
  const set = (/** @type {string} */ name) => (/** @type {any} */ value) => change(model, { [name]: value });
  const chooseSchedule = (/** @type {string} */ name) => {
    const { initial, ...own } = schedules[name].takes;
    change(model, { schedule: name, ...own });
  };
  const range = (/** @type {string} */ name, /** @type {string} */ label, words = brief) =>
    slider({ label, ...limits[name], words, input: set(name) });
  /** @type {Record<string, import("./shared/elements.js").Control>} */
  const controls = {
    batch_size: listSlider({ label: "Batch size", values: choices.batch_size, words: count, input: set("batch_size") }),
    rate: listSlider({ label: "Base rate", values: choices.rate, input: set("rate") }),
    schedule: choice({ label: "Schedule", options: names, input: chooseSchedule }),
    decay: range("decay", "Decay"),
    factor: range("factor", "Factor of a step"),
    every: range("every", "Epochs between steps", String),
    warm_up: range("warm_up", "Share of the epochs that rise"),
    start: range("start", "First rate as a share of the highest"),
    epochs: range("epochs", "Epochs", String),
    order: choice({ label: "Order of the digits", options: ORDERS, input: set("order") }),
  };
  const own = ["decay", "factor", "every", "warm_up", "start"]; // of one schedule each
  const used = (/** @type {string} */ name, /** @type {string} */ schedule) => !own.includes(name) || name in schedules[schedule].takes;

  const everything = Math.max(...choices.batch_size); // digits to train with
  /** @type {Record<string, (value: any) => string>} how the settings of an earlier run are named */
  const words = {
    batch_size: (size) => `batches of ${count(size)}`,
    rate: (rate) => `the base rate ${rate}`,
    schedule: (name) => `${names[name]} as the schedule`,
    decay: (decay) => `a decay of ${brief(decay)}`,
    factor: (factor) => `a factor of ${brief(factor)}`,
    every: (every) => `${every} epochs between steps`,
    warm_up: (share) => `a rise in ${brief(share)} of the epochs`,
    start: (share) => `a first rate of ${brief(share)} of the highest`,
    epochs: (epochs) => `${epochs} ${epochs === 1 ? "epoch" : "epochs"}`,
    order: (order) => `the order ${ORDERS[/** @type {keyof typeof ORDERS} */ (order)]}`,
  };

  // The parts.
  const rates = chart("Learning rate of every epoch", { height: 170 });
  const losses = chart("Loss of the training and the validation digits after every epoch", { height: 270 });
  const said = status();
  const problem = element("p", { class: "problem", role: "alert" });
  const aboutRates = element("p", { class: "hint" });
  const aboutRuns = element("p", { class: "hint" });

  // The runs.
  let now = /** @type {Run} */ ({ ...first, chosen: chosen(), at: -Infinity });
  let before = /** @type {Run | null} */ (null);
  let loaded = /** @type {Promise<Record<"training" | "validation", Inked>> | null} */ (null);
  let ended = false;

  function chosen() {
    return Object.fromEntries(Object.keys(controls).map((name) => [name, model.get(name)]));
  }
  /** @param {Record<string, any>} values */
  function settingsOf({ batch_size, order, ...values }) {
    const { initial } = schedules[values.schedule].takes;
    const taken = { ...values, initial: (values.rate * initial) / schedules.inverse_time.takes.initial, epochs: values.epochs };
    return { rates: Array.from({ length: values.epochs }, (_, e) => SCHEDULES[values.schedule](e, taken)), batch_size, order };
  }
  async function load() {
    const data = await model.widget_manager.get_model(model.get("data").slice("IPY_MODEL_".length));
    const { training, validation } = await unzipDigits(data.get("digits"), data.get("training"));
    const sparse = async (/** @type {Parameters<typeof inked>[0]} */ digits) => /** @type {Inked} */ (await inSlices(inked(digits)));
    return { training: await sparse(training), validation: await sparse(validation) };
  }
  /** @param {Run} run */
  async function train(run) {
    const others = () => ended || run !== now;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    let drawn = performance.now();
    try {
      loaded ??= load();
      const digits = await loaded;
      await inSlices(descent(digits, run, run), () => {
        if (!still && performance.now() - drawn > PACE) {
          drawRun();
          drawn = performance.now();
        }
        return !others();
      });
      if (others()) return;
      run.at = performance.now();
      drawRun();
    } catch (error) {
      loaded = null;
      if (!others()) problem.textContent = `The digits could not be loaded (${/** @type {Error} */ (error).message}). Change a setting to try again.`;
    }
  }

  const draw = () => {
    const values = chosen();
    for (const [name, control] of Object.entries(controls)) {
      control.show(values[name]);
      control.hidden = !used(name, values.schedule);
    }
    const settings = settingsOf(values);
    if (!same(settings, now)) {
      // While a slider moves, the run from before it moved stays the one to compare with.
      if (now.at !== null && performance.now() - now.at > STOOD) before = now;
      if (before && same(settings, before)) before = null; // there is nothing to compare
      problem.textContent = "";
      const fresh = { ...settings, batches: [], training: [], validation: [] };
      now = same(settings, first) ? { ...first, chosen: values, at: performance.now() } : { ...fresh, chosen: values, at: null };
      if (now.at === null) train(now);
    }
    drawRates();
    drawRun();
  };

  function drawRates() {
    const { epochs, rate, schedule } = now.chosen;
    const x = /** @type {Point} */ ([0, epochs]);
    const dots = logged.slice(0, epochs).map((multiple, e) => ({ at: /** @type {Point} */ ([e + 0.5, rate * multiple]) }));
    const earlier = before && !same({ ...before, batch_size: now.batch_size, order: now.order }, now);
    rates.draw({
      x,
      y: [0, 1.05 * Math.max(...now.rates, ...dots.map(({ at }) => at[1]), ...(earlier && before ? before.rates : []))],
      xTicks: epochTicks(epochs),
      xName: "epoch",
      yName: "learning rate",
      lines: [
        ...(earlier && before ? [{ name: "before", color: "ink", dash: "", faint: true, points: stairs(before.rates) }] : []),
        { name: names[schedule], color: "ink", dash: "", points: stairs(now.rates) },
      ],
      dots,
      dotsName: "the notes' log, scaled",
    });
    const last = epochs - 1;
    const whole = epochs === logged.length;
    const fits = now.rates.every((value, e) => Math.abs(value - rate * logged[e]) < 1e-6 * rate);
    const sum = now.rates.reduce((a, b) => a + b, 0) / (rate * logged.reduce((a, b) => a + b, 0));
    const highest = Math.max(...now.rates);
    aboutRates.textContent =
      `The rate goes from ${brief(now.rates[0])} in epoch 1 to ${brief(now.rates[last])} in epoch ${epochs}` +
      (highest > Math.max(now.rates[0], now.rates[last]) ? `; the highest is ${brief(highest)}.` : ".") +
      (whole && !fits ? ` In sum, the ${epochs} rates are ${brief(sum)} times those of the notes.` : "") +
      (whole && fits ? " This is the notes' schedule: it goes through all twenty points of their log." : "");
    const { initial, ...own } = schedules[schedule].takes;
    const asMeasured = whole && Object.entries(own).every(([name, value]) => Math.abs(now.chosen[name] - value) < 1e-9);
    const left = (/** @type {string} */ name) => measured.errors[name].toFixed(0);
    const others = Object.keys(measured.errors).filter((name) => name !== schedule);
    aboutRuns.textContent = asMeasured
      ? `The network of the notes was trained with this schedule, too: ${measured.runs} runs on ${count(measured.digits)} digits left ` +
        `${left(schedule)} errors on average among ${count(measured.held_out)} others. The other schedules left ` +
        `${others.map((name) => `${left(name)} (${names[name]})`).join(", ")}.`
      : "The network of the notes was not trained with such rates: its runs had twenty epochs, and each schedule as it is at first.";
  }

  function drawRun() {
    const { epochs } = now.chosen;
    const all = [now, ...(before ? [before] : [])].flatMap(({ training, validation }) => [...training, ...validation]);
    const after = (/** @type {number[]} */ values) => values.map((loss, e) => /** @type {Point} */ ([e, loss]));
    losses.draw({
      x: [0, epochs],
      y: [1 / roundUp(1 / Math.max(LEAST, 0.7 * Math.min(0.3, ...all))), roundUp(1.4 * Math.max(3, ...all))], // batches may be outside
      log: true,
      xTicks: epochTicks(epochs),
      xName: "epoch",
      yName: "loss",
      lines: [
        { name: "each batch, before its step", color: "edge", dash: "", faint: true, points: now.batches },
        { name: "knows nothing: ln 10", color: "ink", dash: "2 3", points: [[0, NOTHING], [epochs, NOTHING]] },
        ...(before
          ? [
              { name: "before", color: "first", dash: "", faint: true, points: after(before.training) },
              { name: "", color: "second", dash: "7 4", faint: true, points: after(before.validation) },
            ]
          : []),
        { name: "training digits", color: "first", dash: "", points: after(now.training) },
        { name: "validation digits", color: "second", dash: "7 4", points: after(now.validation) },
      ],
    });
    said.show(now.at === null ? progress(now) : result(now));
  }

  /** @param {Run} run */
  function progress({ training, rates }) {
    return training.length === 0 ? "Loading the digits …" : `Training: epoch ${Math.min(training.length, rates.length)} of ${rates.length} …`;
  }

  /** @param {Run} run */
  function result({ training, validation, rates, batch_size, order }) {
    const steps = Math.ceil(everything / batch_size) * rates.length;
    const differs = (/** @type {Run} */ { chosen }) =>
      Object.keys(words).filter((name) => used(name, chosen.schedule) && chosen[name] !== now.chosen[name]).map((name) => words[name](chosen[name]));
    const earlier = before ? ` Before, with ${inWords(differs(before))}, it was ${last(before.training)} and ${last(before.validation)}.` : "";
    return (
      `After ${count(steps)} ${steps === 1 ? "step" : "steps"} the loss is ${last(training)} on the training digits and ` +
      `${last(validation)} on the validation digits.${earlier}${verdict(training, validation, order === "sorted" && batch_size < everything)}`
    );
  }

  fill(
    el,
    element(
      "div",
      { class: "two narrow-left" },
      element("fieldset", { class: "controls", "aria-label": "Settings" }, ...Object.values(controls)),
      element("div", {}, rates, losses),
    ),
    problem, said, aboutRates, aboutRuns,
  );
  const stop = follow(model, Object.keys(controls), draw);
  return () => {
    ended = true;
    stop();
  };
}

/**
 * Do work that stops again and again, and let the page do something else in between.
 *
 * @template T
 * @param {Generator<void, T>} work
 * @param {() => boolean} go is asked after every slice whether to go on
 * @returns {Promise<T | undefined>} what the work returns; nothing if it was not to go on
 */
async function inSlices(work, go = () => true) {
  for (;;) {
    for (const until = performance.now() + SLICE; performance.now() < until; ) {
      const { done, value } = work.next();
      if (done) return /** @type {T} */ (value);
    }
    await new Promise((next) => setTimeout(next));
    if (!go()) return undefined;
  }
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

/**
 * Compare settings. Python rounds the rates of the notes to ten decimals.
 *
 * @param {Settings} one
 * @param {Settings} other
 */
function same(one, other) {
  const rates = one.rates.length === other.rates.length && one.rates.every((rate, e) => Math.abs(rate - other.rates[e]) < 1e-9);
  return rates && one.batch_size === other.batch_size && one.order === other.order;
}

/** @param {number[]} values of the epochs */
function stairs(values) {
  return values.flatMap((value, e) => /** @type {Point[]} */ ([[e, value], [e + 1, value]]));
}

/** @param {number} epochs */
function epochTicks(epochs) {
  const apart = epochs <= 10 ? 1 : epochs <= 30 ? 5 : 10;
  return Array.from({ length: Math.floor(epochs / apart) + 1 }, (_, i) => i * apart);
}

/**
 * The next 1, 2 or 5 times a power of ten above a number.
 *
 * @param {number} value
 */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5].find((factor) => factor * power >= value) ?? 10);
}

/** @param {number} value */
function loss(value) {
  return value < 10 ? value.toFixed(3) : precise(value, 3);
}

/** @param {string[]} parts */
function inWords(parts) {
  return parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}` : parts[0];
}

/** @param {number[]} values losses */
function last(values) {
  return loss(values[values.length - 1]);
}

export default { render };
