/** What goes on in the trainer: a run from its start to its end, and the run before it. */
import { change } from "./elements.js";
import { settingsProblem } from "./learner_settings.js";
import { folded } from "./network.js";
import { pack } from "./pictures.js";
import { takeIn } from "./trainer_run.js";
import { layersOf, ratesOf } from "./trainer_settings.js";
import { loadTraining, trainingThread } from "./trainer_thread.js";

/**
 * @typedef {import("./trainer_run.js").Run} Run
 * @typedef {import("./trainer_run.js").Phase} Phase
 */

const PIXELS = 784; // of a digit
/** Which phase a message of the thread begins. @type {Record<string, Phase>} */
const PHASES = { started: "running", paused: "paused", resumed: "running", done: "done" };

/**
 * A session without a run yet.
 *
 * @param {import("./elements.js").Model} model
 * @param {ReturnType<typeof import("./trainer_inside.js").insidePanel>} inside
 * @param {(sentence: string) => void} refuse gets why a run cannot begin or go on
 * @param {() => void} show draws all of it
 * @param {() => void} soon draws all of it, but not too often
 */
export function trainingSession(model, inside, refuse, show, soon) {
  let phase = /** @type {Phase} */ ("idle");
  let run = /** @type {Run | null} */ (null);
  let before = /** @type {Run | null} */ (null);
  let loaded = /** @type {ReturnType<typeof loadTraining> | null} */ (null);
  let turn = 0; // grows when what waits for the digits is no longer wanted

  /** End the run and forget it, but compare the next one with it if it has come anywhere. */
  const clear = () => {
    turn++;
    thread.end();
    if (run?.history.length) before = run;
    run = null;
    inside.see(null);
  };
  const keepForPython = () => {
    if (run?.flat) change(model, { weights: pack(run.flat, [run.flat.length]), history: run.history });
  };
  /** End the run; the network of its last whole epoch stays. */
  const stop = () => {
    if (run?.history.length) thread.end();
    else clear();
    phase = run ? "done" : "idle";
    keepForPython();
    inside.look(run);
    show();
  };
  const fail = (/** @type {string} */ sentence) => {
    refuse(sentence);
    stop();
  };
  const hear = (/** @type {import("./learner_worker.js").FromWorker} */ message) => {
    if (!run) return;
    if (message.type === "problem") return fail(message.message);
    phase = PHASES[message.type] ?? phase;
    if (message.type === "maps") inside.see(message);
    else takeIn(run, message);
    if (message.type === "done") keepForPython();
    soon();
  };
  const thread = trainingThread(hear, fail, () => phase === "running" || phase === "loading");
  const start = async (/** @type {import("./address.js").Settings} */ settings) => {
    const { digits, batch_size: batchSize, seed } = settings;
    const asked = { rates: ratesOf(model, settings), batchSize, seed };
    const wrong = settingsProblem(asked, digits);
    if (wrong) return fail(wrong);
    clear();
    phase = "loading";
    show();
    loaded ??= loadTraining(model);
    const mine = turn;
    const supply = await loaded.catch(({ message }) => {
      loaded = null;
      if (mine === turn) fail(message);
    });
    if (!supply || mine !== turn) return; // or the reader has changed their mind
    const layers = layersOf(model, settings);
    run = { settings, layers, history: [], trace: [] };
    const { text, kernel, validation } = supply;
    const training = firstOf(supply.training, digits);
    thread.start(text, { type: "start", kernel, layers, settings: asked, training, validation, watched: inside.watched() });
  };
  return {
    now: () => ({ phase, run, before, busy: phase !== "idle" && phase !== "done" }),
    start,
    stop,
    tell: thread.tell,
    end: thread.end,
    /** Show a run that was saved, and its network. */
    open(/** @type {import("./run_file.js").Trained} */ saved, /** @type {string} */ file) {
      clear();
      const layers = layersOf(model, saved.settings);
      run = { ...saved, layers, trace: [], flat: folded(layers, saved.weights), file, saved: true };
      stop();
    },
    /** Look at the digit that is chosen now; a thread does so itself. */
    look() {
      thread.tell({ type: "watch", ...inside.watched() });
      inside.look(thread.alive() ? null : run);
    },
  };
}

/**
 * The first of the digits, in the memory of all: a message copies that once, for validation as well.
 *
 * @param {import("./learner_worker.js").Digits} digits
 * @param {number} count
 */
function firstOf({ images, labels }, count) {
  return { images: images.subarray(0, PIXELS * count), labels: labels.subarray(0, count) };
}
