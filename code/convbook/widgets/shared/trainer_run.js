/**
 * A run of the trainer: what its thread has told of it, how far it has come, and the sentences about it.
 *
 * @typedef {import("./network.js").Layer} Layer
 * @typedef {import("./address.js").Settings} Settings
 * @typedef {import("./learner_worker.js").FromWorker} FromWorker
 * @typedef {import("./run_curves.js").Run & {settings: Settings, now?: import("./learner_worker.js").Progress, file?: string}} Seen what is to be seen of a run,
 *   or of the one that the settings ask for; the name of the file that it comes from
 * @typedef {Seen & {layers: Layer[], weights?: Float32Array, flat?: Float32Array, saved?: boolean}} Run
 *   weights as Keras has them, and as the figures take them, after the last epoch that is over
 * @typedef {"idle" | "loading" | "running" | "paused" | "done"} Phase
 */
import { grouped } from "./numbers.js";

/**
 * Add what the thread tells to a run.
 *
 * @param {Run} run
 * @param {FromWorker} message
 */
export function takeIn(run, message) {
  if (message.type === "progress") {
    run.trace.push({ ...message, at: message.epoch - 1 + message.step / message.steps });
    run.now = message;
  } else if (message.type === "epoch") {
    run.history.push(message.row);
    run.saved = false;
    [run.weights, run.flat] = [message.weights, message.flat];
  }
}

/**
 * How much of a run is over, from 0 to 1.
 *
 * @param {Phase} phase
 * @param {Seen} run
 */
export function shareOver(phase, { now, history, settings: { epochs } }) {
  if (phase === "done") return history.length / epochs;
  return now ? (now.epoch - 1 + now.step / now.steps) / epochs : 0;
}

/**
 * Say where a run is.
 *
 * @param {Phase} phase
 * @param {Seen} run
 * @param {boolean} changed whether the settings have been changed since
 */
export function progressWords(phase, { now, settings: { epochs } }, changed) {
  if (phase === "loading") return "Loading the digits and the program that trains …";
  if (phase === "done" && changed) return "This was the last run. Train again uses the new settings.";
  if (phase === "done" || !now) return "";
  const left = phase === "paused" ? "paused" : `about ${time(now.secondsLeft)} left`;
  const doing = now.step < now.steps ? `step ${now.step} of ${now.steps}` : "reading the held-out digits";
  return `Epoch ${now.epoch} of ${epochs}, ${doing} · ${left}`;
}

/**
 * Say what is to be seen, in one sentence for each epoch.
 *
 * @param {Phase} phase
 * @param {Seen} run
 * @param {Settings} wanted of the next run
 */
export function runWords(phase, { history, settings: { epochs }, file }, wanted) {
  const last = history[history.length - 1];
  if (!last && phase === "idle") {
    return `Press Train: the network learns from ${grouped(wanted.digits)} digits, on this device.`;
  }
  if (!last) return phase === "loading" ? "The training is about to begin." : `The first of ${epochs} epochs has begun.`;
  const share = (/** @type {number} */ value) => `${(100 * value).toFixed(1)} %`;
  const reached = `validation ${share(last.val_accuracy)} of the held-out digits, training ${share(last.accuracy)} with dropout on.`;
  if (file) return `Opened from ${file}: ${reached}`;
  if (phase !== "done") return `Epoch ${last.epoch} of ${epochs} is over: ${reached}`;
  if (history.length < epochs) return `Stopped after epoch ${last.epoch} of ${epochs}: ${reached}`;
  return `Trained in ${time(history.reduce((sum, { seconds }) => sum + seconds, 0))}: ${reached}`;
}

/** @param {number} seconds */
function time(seconds) {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}
