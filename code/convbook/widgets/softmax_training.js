/** The network of one layer, trained while the reader turns its settings: the rate of every epoch, and the losses below it. */
import { element, fill, follow, status } from "./shared/elements.js";
import { SCHEDULES } from "./shared/schedules.js";
import { inSlices } from "./shared/slices.js";
import { lossCurves, rateCurve } from "./shared/softmax_curves.js";
import { descent, inked } from "./shared/softmax_regression.js";
import { same, settingsControls, settingsOf, TRAITS } from "./shared/softmax_settings.js";
import { measuredWords, progressWords, ratesWords, resultWords } from "./shared/softmax_words.js";
import { unzipDigits } from "./shared/zipped_digits.js";

/**
 * @typedef {import("./shared/softmax_regression.js").Inked} Inked
 * @typedef {import("./shared/softmax_words.js").Run} Run
 */

const PACE = 100; // milliseconds between two drawings of a run
const STOOD = 700; // milliseconds for which a run has to stand before later ones are compared with it

/** @param {{model: any, el: HTMLElement}} place */
function render({ model, el }) {
  /** @type {import("./shared/softmax_settings.js").Schedules} */
  const schedules = model.get("schedules");
  const unknown = Object.keys(schedules).filter((name) => !SCHEDULES[name]);
  if (unknown.length) throw new RangeError(`the page cannot compute the schedule ${unknown.join(", ")}`);
  const logged = model.get("logged");
  const first = model.get("first");
  const digits = Math.max(...model.get("choices").batch_size); // to train with
  const chosen = () => Object.fromEntries(TRAITS.map((name) => [name, model.get(name)]));

  // The parts.
  const controls = settingsControls(model);
  const rates = rateCurve(schedules, logged);
  const losses = lossCurves();
  const said = status();
  const problem = element("p", { class: "problem", role: "alert" });
  const aboutRates = element("p", { class: "hint" });
  const aboutRuns = element("p", { class: "hint" });
  fill(
    el,
    element("div", { class: "two narrow-left" }, controls, element("div", {}, rates, losses)),
    problem, said, aboutRates, aboutRuns,
  );

  // The runs.
  const asFirst = same(settingsOf(chosen(), schedules), first); // otherwise nobody sees the first run
  let now = /** @type {Run} */ ({ ...first, chosen: chosen(), at: asFirst ? -Infinity : null });
  let before = /** @type {Run | null} */ (null);
  let loaded = /** @type {ReturnType<typeof load> | null} */ (null);
  let ended = false;
  const drawRun = () => {
    losses.show(now, before);
    said.show(now.at === null ? progressWords(now) : resultWords(now, before, schedules, digits));
  };
  const train = async (/** @type {Run} */ run) => {
    const goes = () => !ended && run === now;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    let drawn = performance.now();
    try {
      loaded ??= load(model);
      await inSlices(descent(await loaded, run, run), () => {
        if (!still && performance.now() - drawn > PACE) {
          drawRun();
          drawn = performance.now();
        }
        return goes();
      });
      if (!goes()) return;
      run.at = performance.now();
      drawRun();
    } catch (error) {
      loaded = null;
      if (goes()) problem.textContent = `The digits could not be loaded (${/** @type {Error} */ (error).message}): change a setting to try again.`;
    }
  };
  const begin = () => {
    const settings = settingsOf(chosen(), schedules);
    if (same(settings, now)) return;
    // While a slider moves, the run from before it moved stays the one to compare with.
    if (now.at !== null && performance.now() - now.at > STOOD) before = now;
    if (before && same(settings, before)) before = null; // there is nothing to compare
    problem.textContent = "";
    const known = same(settings, first);
    now = known
      ? { ...first, chosen: chosen(), at: performance.now() }
      : { ...settings, batches: [], training: [], validation: [], chosen: chosen(), at: null };
    if (!known) train(now);
  };

  const stop = follow(model, TRAITS, () => {
    controls.show(chosen());
    begin();
    rates.show(now, before);
    aboutRates.textContent = ratesWords(now, logged);
    aboutRuns.textContent = measuredWords(now, schedules, model.get("measured"), logged.length);
    drawRun();
  });
  return () => {
    ended = true;
    stop();
  };
}

/**
 * Load the digits, a piece at a time.
 *
 * @param {any} model
 * @returns {Promise<Record<"training" | "validation", Inked>>}
 */
async function load(model) {
  const data = await model.widget_manager.get_model(model.get("data").slice("IPY_MODEL_".length));
  const { training, validation } = await unzipDigits(data.get("digits"), data.get("training"));
  const sparse = async (/** @type {Parameters<typeof inked>[0]} */ digits) => /** @type {Inked} */ (await inSlices(inked(digits)));
  return { training: await sparse(training), validation: await sparse(validation) };
}

export default { render };
