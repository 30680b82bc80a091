/**
 * The thread that trains a network, so that the page stays quick while it works.
 *
 * How to start it, in a notebook and on the site alike: `new Worker(URL.createObjectURL(new Blob([text])))`, where
 * `text` is what Python's `bundle("learner_worker")` returns, and then a message `start`, which brings the bytes of the
 * kernel (`learner.wasm`). Text, kernel and digits are large: load them when the reader presses, not before. Keep the
 * address of the Blob until `started` or `problem` comes. A new `start` ends the present run and begins another.
 *
 * Its messages are these. Every array that comes out is the page's own: nothing in it changes later.
 *
 * @typedef {import("./network.js").Layer} Layer
 * @typedef {import("./convolution.js").Maps} Maps
 *
 * @typedef {object} Settings
 * @property {number[]} rates the learning rate of each epoch; there are as many epochs as rates
 * @property {number} batchSize digits of a step
 * @property {number} seed of the first weights, the order of the digits and the dropout: a whole number from 0
 *
 * @typedef {{images: Uint8Array, labels: Uint8Array}} Digits 784 pixels from 0 to 255 for each image, row by row
 *
 * @typedef {object} Watched what to show while the network learns
 * @property {Uint8Array} digit 784 pixels, whose maps are sent
 * @property {string[]} layers the names of the layers whose maps are sent, and whose kernels if they have some
 * @property {Uint8Array} [others] 784 pixels each: the digits whose answers are sent
 *
 * @typedef {object} Start begins a run. The rates of dropout are those of the layers: to train without dropout on the
 *   logits, set the rate of the last one to 0; to give the second block 32 kernels, set the filters of its convolution.
 * @property {"start"} type
 * @property {BufferSource} kernel the bytes of `learner.wasm`
 * @property {Layer[]} layers as in a record
 * @property {Settings} settings
 * @property {Digits} training
 * @property {Digits} validation
 * @property {Float32Array} [weights] to begin with, as `epoch` brings them; fresh ones from the seed if there are none
 * @property {Watched} [watched]
 *
 * @typedef {Start
 *   | {type: "pause"}
 *   | {type: "resume"}
 *   | {type: "step"}
 *   | {type: "stop"}
 *   | ({type: "watch"} & Watched)} ToWorker `step` does one step of a run that is paused; `stop` ends the run, which
 *   cannot go on; `watch` is answered by `maps` at once, while the run is paused and after its end as well
 *
 * @typedef {object} Started
 * @property {"started"} type
 * @property {number} parameters all weights, as Keras counts them
 * @property {number} epochs
 * @property {number} steps of an epoch
 *
 * @typedef {object} Progress comes after steps, at most 20 times a second
 * @property {"progress"} type
 * @property {number} epoch from 1
 * @property {number} step of the epoch, from 1
 * @property {number} steps of an epoch
 * @property {number} rate
 * @property {number} loss the mean over this epoch so far, as Keras prints it: in nats, with dropout at work
 * @property {number} accuracy likewise, from 0 to 1
 * @property {number} stepLoss of the last step alone
 * @property {number} stepAccuracy
 * @property {number} secondsLeft until the end of the run, validation included; pauses are not counted
 *
 * @typedef {object} HistoryRow the names are those of the course's history
 * @property {number} epoch from 1
 * @property {number} learning_rate
 * @property {number} loss
 * @property {number} accuracy
 * @property {number} val_loss
 * @property {number} val_accuracy
 * @property {number} seconds without pauses
 *
 * @typedef {object} Epoch comes after every epoch
 * @property {"epoch"} type
 * @property {HistoryRow} row
 * @property {Float32Array} weights all arrays of Keras's `get_weights` in one row: to keep, and to start from again
 * @property {Float32Array} flat the same as `cutWeights` takes them: each normalisation as its scale and its shift
 *
 * @typedef {object} Looked comes after `watch`, and after steps at most five times a second
 * @property {"maps"} type
 * @property {number} epoch the one under way, from 1
 * @property {number} step of it; 0 before the first
 * @property {Record<string, Maps>} maps of the watched digit, by the layer's name
 * @property {Record<string, Maps>} kernels by the layer's name: (k, k · inputs, filters) in Keras's order
 * @property {Float32Array} probabilities ten for the watched digit
 * @property {Float32Array} answers ten for each of the others
 *
 * @typedef {{type: "done", finished: boolean}} Done ends a run: `finished` unless it was stopped
 * @typedef {{type: "problem", message: string}} Problem ends a run too: a sentence for the reader
 *
 * @typedef {Started | Progress | Epoch | Looked | {type: "paused"} | {type: "resumed"} | Done | Problem} FromWorker
 */
import { Learner } from "./learner.js";
import { settingsProblem } from "./learner_settings.js";
import { folded } from "./network.js";
import { randomNumbers, shuffled } from "./random.js";

const PIXELS = 784;
const ESTIMATES = 16; // batches from which the moving statistics are estimated, as in `FreshStatistics` with Keras
const FORWARD = 1 / 3; // a batch that only goes forward takes a third of the time of a step
const PROGRESS = 50; // milliseconds from one message to the next, at least
const MAPS = 200;

/**
 * @typedef {object} Run
 * @property {Start} asked
 * @property {Learner} learner
 * @property {number} steps of an epoch
 * @property {import("./learner.js").Mode} mode how to look at the network: during an epoch the moving statistics lag
 * @property {number} epoch
 * @property {number} step
 * @property {Watched | undefined} watched
 * @property {boolean} paused
 * @property {boolean} ended
 * @property {() => void} go ends the wait of a run that is paused
 * @property {{seconds: number, done: number}} work so far, in steps
 * @property {{progress: number, maps: number}} sent when
 */
/** @type {Run | undefined} */
let run;

/** @param {FromWorker} message @param {Transferable[]} moved */
const send = (message, moved = []) => postMessage(message, { transfer: moved });

/** @param {unknown} error */
function complain(error) {
  if (run) run.ended = true;
  const message = error instanceof Error ? error.message : String(error);
  send({ type: "problem", message: error instanceof RangeError ? message : `The training has failed: ${message}` });
}

onmessage = (/** @type {MessageEvent<ToWorker>} */ { data: message }) => {
  try {
    if (message.type === "start") begin(message);
    else if (run) obey(run, message);
  } catch (error) {
    complain(error);
  }
};

/** @param {Run} run @param {Exclude<ToWorker, Start>} message */
function obey(run, message) {
  if (message.type === "watch") {
    run.watched = message;
    look(run);
  }
  if (run.ended) return;
  if (message.type === "pause") {
    run.paused = true;
    send({ type: "paused" });
  } else if (message.type === "resume") {
    run.paused = false;
    send({ type: "resumed" });
    run.go();
  } else if (message.type === "step") run.go();
  else if (message.type === "stop") {
    end(run);
    send({ type: "done", finished: false });
  }
}

/** @param {Run} run */
function end(run) {
  run.ended = true;
  run.go();
}

/** @param {Start} asked */
function begin(asked) {
  if (run) end(run);
  run = undefined;
  const { settings, training, validation, watched } = asked;
  for (const { images, labels } of [training, validation]) {
    if (labels.length === 0 || images.length !== PIXELS * labels.length || labels.some((label) => label > 9)) {
      throw new RangeError("The digits cannot be used: each needs 784 pixels, and a label from 0 to 9.");
    }
  }
  const problem = settingsProblem(settings, training.labels.length);
  if (problem) throw new RangeError(problem);
  const learner = new Learner(asked.kernel, asked.layers, settings);
  if (asked.weights) learner.load(asked.weights);
  const steps = Math.ceil(training.labels.length / settings.batchSize);
  run = {
    ...{ asked, learner, steps, watched, mode: "moving", epoch: 1, step: 0, paused: false, ended: false, go: () => {} },
    ...{ work: { seconds: 0, done: 0 }, sent: { progress: 0, maps: 0 } },
  };
  send({ type: "started", parameters: learner.weights().length, epochs: settings.rates.length, steps });
  look(run);
  train(run).catch(complain);
}

/** @param {Run} run */
async function train(run) {
  const { learner, asked } = run;
  for (const [i, rate] of asked.settings.rates.entries()) {
    const began = run.work.seconds;
    run.epoch = i + 1;
    const learned = await learn(run, rate);
    if (!(await estimate(run))) return;
    const judged = await judge(run);
    if (!learned || !judged) return;
    requireFinite(judged.loss);
    const weights = learner.weights();
    const flat = folded(asked.layers, weights);
    const row = {
      ...{ epoch: i + 1, learning_rate: rate, ...learned },
      ...{ val_loss: judged.loss, val_accuracy: judged.accuracy, seconds: run.work.seconds - began },
    };
    send({ type: "epoch", row, weights, flat }, [weights.buffer, flat.buffer]);
    look(run);
  }
  run.ended = true;
  send({ type: "done", finished: true });
}

/** @param {number} loss */
function requireFinite(loss) {
  if (Number.isFinite(loss)) return;
  throw new RangeError("The training has diverged: its loss is no number any more. Choose a lower learning rate and train again.");
}

/**
 * Learn from all digits once, in an order that the seed and the epoch determine.
 *
 * @param {Run} run
 * @param {number} rate
 * @returns the means over the epoch, or nothing if the run was stopped
 */
async function learn(run, rate) {
  const { training, settings } = run.asked;
  const order = shuffled(training.labels.length, randomNumbers(settings.seed, run.epoch));
  let [loss, right, seen] = [0, 0, 0];
  for (run.step = 0; run.step < run.steps; ) {
    if (!(await turn(run, true))) return undefined;
    const { images, labels } = pick(training, order.subarray(seen, seen + settings.batchSize));
    const scored = timed(run, 1, () => run.learner.step(images, labels, rate));
    requireFinite(scored.loss);
    run.step++;
    run.mode = "latest";
    loss += scored.loss * labels.length;
    right += scored.right;
    seen += labels.length;
    const now = performance.now();
    if (run.paused || run.step === run.steps || now - run.sent.progress >= PROGRESS) {
      const means = { loss: loss / seen, accuracy: right / seen };
      const last = { stepLoss: scored.loss, stepAccuracy: scored.right / labels.length };
      const { epoch, step, steps } = run;
      send({ type: "progress", epoch, step, steps, rate, ...means, ...last, secondsLeft: secondsLeft(run) });
      run.sent.progress = now;
    }
    if (run.paused || now - run.sent.maps >= MAPS) look(run);
  }
  return { loss: loss / seen, accuracy: right / seen };
}

/**
 * Estimate the moving statistics from the first training digits.
 *
 * @param {Run} run
 * @returns whether the run goes on
 */
async function estimate(run) {
  const { training, settings } = run.asked;
  const batches = batchesOf(training, settings.batchSize).filter(({ labels }) => labels.length === settings.batchSize);
  for (const [n, { images }] of batches.slice(0, ESTIMATES).entries()) {
    if (!(await turn(run))) return false;
    timed(run, FORWARD, () => run.learner.estimate(images, n));
  }
  run.mode = "moving";
  return true;
}

/**
 * Find loss and accuracy on the validation digits.
 *
 * @param {Run} run
 * @returns nothing if the run was stopped
 */
async function judge(run) {
  const { validation, settings } = run.asked;
  let [loss, right] = [0, 0];
  for (const { images, labels } of batchesOf(validation, settings.batchSize)) {
    if (!(await turn(run))) return undefined;
    const scored = timed(run, FORWARD, () => run.learner.judge(images, labels));
    loss += scored.loss * labels.length;
    right += scored.right;
  }
  return { loss: loss / validation.labels.length, accuracy: right / validation.labels.length };
}

/**
 * Let messages in, and wait while the run is paused.
 *
 * @param {Run} run
 * @param {boolean} waits
 * @returns {Promise<boolean>} whether the run goes on
 */
async function turn(run, waits = false) {
  await new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel(); // comes back at once, where `setTimeout` takes 4 ms
    port1.onmessage = resolve;
    port2.postMessage(undefined);
  });
  if (waits && run.paused && !run.ended) await new Promise((resolve) => (run.go = () => resolve(undefined)));
  run.go = () => {};
  return !run.ended;
}

/**
 * @template T
 * @param {Run} run
 * @param {number} steps how many it counts for
 * @param {() => T} act
 */
function timed(run, steps, act) {
  const began = performance.now();
  const result = act();
  run.work.seconds += (performance.now() - began) / 1000;
  run.work.done += steps;
  return result;
}

/** @param {Run} run */
function secondsLeft({ asked: { settings, training, validation }, steps, work }) {
  const estimates = Math.min(ESTIMATES, Math.floor(training.labels.length / settings.batchSize));
  const judged = Math.ceil(validation.labels.length / settings.batchSize);
  const all = settings.rates.length * (steps + FORWARD * (estimates + judged));
  return (work.seconds / work.done) * (all - work.done);
}

/**
 * @param {Digits} digits
 * @param {number} size of a batch
 */
function batchesOf({ images, labels }, size) {
  return Array.from({ length: Math.ceil(labels.length / size) }, (_, n) => ({
    images: images.subarray(n * size * PIXELS, (n + 1) * size * PIXELS),
    labels: labels.subarray(n * size, (n + 1) * size),
  }));
}

/**
 * @param {Digits} digits
 * @param {Uint32Array} chosen
 * @returns {Digits}
 */
function pick({ images, labels }, chosen) {
  const picked = { images: new Uint8Array(PIXELS * chosen.length), labels: new Uint8Array(chosen.length) };
  chosen.forEach((from, to) => {
    picked.images.set(images.subarray(PIXELS * from, PIXELS * (from + 1)), PIXELS * to);
    picked.labels[to] = labels[from];
  });
  return picked;
}

/** Send the maps of the watched digit. @param {Run} run */
function look(run) {
  const { learner, watched, mode, epoch, step } = run;
  if (!watched) return;
  const { maps, probabilities } = learner.look(watched.digit, watched.layers, mode);
  const kernels = learner.kernels(watched.layers);
  const answers = learner.predict(watched.others ?? new Uint8Array(0), mode);
  const arrays = [...Object.values(maps), ...Object.values(kernels)].map(({ data }) => data);
  const moved = [...arrays, probabilities, answers].map(({ buffer }) => buffer);
  send({ type: "maps", epoch, step, maps, kernels, probabilities, answers }, moved);
  run.sent.maps = performance.now();
}
