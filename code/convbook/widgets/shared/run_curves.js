/**
 * The curves of a run of training: accuracy, loss and learning rate over the epochs.
 *
 * @typedef {import("./chart.js").Point} Point
 * @typedef {import("./chart.js").Line} Line
 * @typedef {import("./learner_worker.js").HistoryRow} HistoryRow
 * @typedef {{min: number[], max: number[]}} Range over several runs, for every epoch
 * @typedef {{training: Range, validation: Range, runs: number}} Runs with Keras
 * @typedef {{at: number, loss: number, accuracy: number, stepLoss: number}} Moment `at` counts epochs, with fractions
 * @typedef {{history: HistoryRow[], trace: Moment[]}} Run
 */
import { chart } from "./chart.js";
import { element } from "./elements.js";

/** What the axis of the accuracy shows: the errors in percent, from all at the bottom to few at the top. */
const ERRORS = /** @type {Point} */ ([100, 0.8]);
const ACCURACIES = [0, 50, 80, 90, 95, 98, 99];
const LOSSES = /** @type {Point} */ ([0.05, 10]);
const ENOUGH = 0.4; // of an epoch, from which on its mean is drawn; that of its first steps jumps

/** Draws the curves of a run, over those of an earlier one and of the runs with Keras. */
export function runCurves() {
  const accuracy = chart("Training and validation accuracy of every epoch", { height: 236 });
  const loss = chart("Training and validation loss", { height: 158 });
  const rate = chart("Learning rate of every epoch", { height: 158 });
  const titled = (/** @type {string} */ title, /** @type {HTMLElement} */ plot) =>
    element("div", {}, element("p", { class: "title" }, title), plot);
  const note = element("p", { class: "hint" });
  const whole = element(
    "div",
    { class: "run-curves" },
    titled("Accuracy: one grid line up is about half the errors", accuracy),
    titled("Loss", loss),
    titled("Learning rate", rate),
  );
  whole.firstChild.append(note);
  return Object.assign(whole, {
    /**
     * @param {{run: Run, before: Run | null, rates: number[], next: number[] | null, keras: Runs, ceiling: number | null}} what
     *   `next` are the rates of the run that the settings ask for, if they are others; there is a ceiling if dropout acts on
     *   the logits
     */
    show({ run, before, rates, next, keras, ceiling }) {
      const epochs = Math.max(rates.length, before?.history.length ?? 0);
      const x = /** @type {Point} */ ([0, epochs]);
      const xTicks = Array.from({ length: epochs }, (_, e) => e + 1).filter((e) => epochs <= 10 || e % 5 === 0);
      const now = run.trace[run.trace.length - 1];
      const over = run.history.length;
      // The mean over the present epoch so far. Of the first epoch, the whole way is drawn.
      const way = run.trace.filter(({ at }) => at < 1);
      const partial = now?.at > Math.max(over + ENOUGH, 1) ? [now] : [];
      const line = (/** @type {"accuracy" | "val_accuracy" | "loss" | "val_loss"} */ key, /** @type {Run} */ { history }) =>
        history.map((row) => /** @type {Point} */ ([row.epoch, row[key]]));
      const asErrors = (/** @type {Point[]} */ points) => points.map(([e, share]) => /** @type {Point} */ ([e, errors(share)]));
      const during = (/** @type {"accuracy" | "loss"} */ key) => {
        const points = (/** @type {Moment[]} */ moments) => moments.map((moment) => /** @type {Point} */ ([moment.at, moment[key]]));
        return [...points(way), ...line(key, run), ...points(partial)];
      };

      const parts = /** @type {const} */ (["training", "validation"]);
      const bands = parts.map((part, i) => {
        const [low, high] = /** @type {const} */ (["min", "max"]).map((end) =>
          keras[part][end].slice(0, epochs).map((share, e) => /** @type {Point} */ ([e + 1, errors(share)])),
        );
        return { name: `Keras, ${part}`, low, high, color: ["first", "second"][i] };
      });
      /** @type {Line[]} */
      const accuracies = [
        { name: "training", color: "first", dash: "", points: asErrors(during("accuracy")) },
        { name: "validation", color: "second", dash: "7 4", points: asErrors(line("val_accuracy", run)) },
      ];
      if (before) accuracies.unshift(
        { name: "training, the run before", color: "first", dash: "", faint: true, points: asErrors(line("accuracy", before)) },
        { name: "validation, the run before", color: "second", dash: "7 4", faint: true, points: asErrors(line("val_accuracy", before)) },
      );
      if (ceiling !== null) accuracies.push(
        { name: "ceiling of the training accuracy", color: "ink", dash: "2 3", points: [[0, errors(ceiling)], [epochs, errors(ceiling)]] },
      );
      const dots = /** @type {const} */ (["accuracy", "val_accuracy"]).flatMap((key, i) =>
        asErrors(line(key, run)).map((at) => ({ at, color: ["first", "second"][i], hollow: i === 1 })),
      );
      accuracy.draw({
        x, xTicks, y: ERRORS, log: true, xName: "epoch", yName: "accuracy",
        yTicks: ACCURACIES.map((share) => ({ at: 100 - share, text: `${share} %` })),
        lines: accuracies, bands, dots,
      });
      const below = ceiling === null ? "" : `, and below its ceiling of ${(100 * ceiling).toFixed(1)} % too, which allows for the dropout on the logits alone`;
      note.textContent = `Training counts the whole epoch, early steps included, while dropout is at work; validation comes after the epoch, without dropout. So training usually stays lower${below}. The bands are of ${keras.runs} runs with Keras and the first settings.`;
      /** @type {Line[]} */
      const losses = [
        { name: "every step", color: "first", dash: "", faint: true, points: run.trace.map(({ at, stepLoss }) => [at, stepLoss]) },
        { name: "training", color: "first", dash: "", points: during("loss") },
        { name: "validation", color: "second", dash: "7 4", points: line("val_loss", run) },
      ];
      loss.draw({ x, xTicks, y: LOSSES, log: true, xName: "epoch", yName: "loss", lines: losses });
      const stairs = (/** @type {number[]} */ values) => values.flatMap((value, e) => /** @type {Point[]} */ ([[e, value], [e + 1, value]]));
      const present = now ? rates[Math.min(Math.ceil(now.at), rates.length) - 1] : null;
      rate.draw({
        x, xTicks, y: [0, 1.1 * Math.max(...rates, ...(next ?? []))], xName: "epoch", yName: "rate",
        lines: [
          { name: next ? "this run" : "", color: "ink", dash: "", points: stairs(rates) },
          ...(next ? [{ name: "the next", color: "action", dash: "2 3", points: stairs(next) }] : []),
        ],
        dots: now && present ? [{ at: [now.at, present] }] : [],
      });
    },
  });
}

/**
 * The share of errors in percent, within what the axis shows: with all digits right there is no place on it.
 *
 * @param {number} accuracy
 */
function errors(accuracy) {
  return Math.max(100 * (1 - accuracy), ERRORS[1]);
}
