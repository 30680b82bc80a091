/**
 * The curves of the figure that trains the network of one layer: the rate of every epoch, and the losses.
 *
 * @typedef {import("./chart.js").Point} Point
 * @typedef {import("./softmax_words.js").Run} Run
 */
import { chart } from "./chart.js";
import { sameRates } from "./softmax_settings.js";
import { NOTHING } from "./softmax_words.js";

const LEAST = 0.001; // loss that is drawn

/**
 * The learning rate of every epoch, that of the run before, and the notes' log.
 *
 * @param {import("./softmax_settings.js").Schedules} schedules
 * @param {number[]} logged
 */
export function rateCurve(schedules, logged) {
  const plot = chart("Learning rate of every epoch", { height: 170 });
  return Object.assign(plot, {
    show(/** @type {Run} */ now, /** @type {Run | null} */ before) {
      const { epochs, rate, schedule } = now.chosen;
      const dots = logged.slice(0, epochs).map((multiple, e) => ({ at: /** @type {Point} */ ([e + 0.5, rate * multiple]) }));
      const earlier = before && !sameRates(before.rates, now.rates) ? before.rates : null;
      plot.draw({
        x: [0, epochs],
        y: [0, 1.05 * Math.max(...now.rates, ...dots.map(({ at }) => at[1]), ...(earlier ?? []))],
        xTicks: epochTicks(epochs),
        xName: "epoch",
        yName: "learning rate",
        lines: [
          ...(earlier ? [{ name: "before", color: "ink", dash: "", faint: true, points: stairs(earlier) }] : []),
          { name: schedules[schedule].label, color: "ink", dash: "", points: stairs(now.rates) },
        ],
        dots,
        dotsName: "the notes' log, scaled",
      });
    },
  });
}

/** The losses of a run, and of the one before. */
export function lossCurves() {
  const plot = chart("Loss of the training and the validation digits after every epoch", { height: 270 });
  return Object.assign(plot, {
    show(/** @type {Run} */ now, /** @type {Run | null} */ before) {
      const { epochs } = now.chosen;
      const all = [now, ...(before ? [before] : [])].flatMap(({ training, validation }) => [...training, ...validation]);
      const after = (/** @type {number[]} */ values) => values.map((loss, e) => /** @type {Point} */ ([e, loss]));
      plot.draw({
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
    },
  });
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
