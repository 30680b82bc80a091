/**
 * The thread that trains, as the page sees it: what it needs, its start and its end.
 *
 * @typedef {import("./learner_worker.js").FromWorker} FromWorker
 * @typedef {import("./learner_worker.js").ToWorker} ToWorker
 * @typedef {import("./learner_worker.js").Digits} Digits
 */
import { bytesOf } from "./pictures.js";
import { unzipDigits } from "./zipped_digits.js";

const QUIET = 30_000; // milliseconds without a word, after which the thread is given up
const AGAIN = "Perhaps the memory ran out: close other tabs and press Train.";

/**
 * Load the program that trains, and the digits.
 *
 * @param {any} model
 * @throws {Error} with a sentence for the reader
 */
export async function loadTraining(model) {
  try {
    const data = await model.widget_manager.get_model(model.get("data").slice("IPY_MODEL_".length));
    const kernel = bytesOf(data.get("kernel"));
    if (typeof WebAssembly === "undefined" || !WebAssembly.validate(kernel)) {
      throw new RangeError(
        "This browser cannot train the network, because it lacks SIMD, a part of WebAssembly. Any current browser has it.",
      );
    }
    const digits = await unzipDigits(data.get("digits"), data.get("training"));
    return { text: new TextDecoder().decode(bytesOf(data.get("worker"))), kernel, ...digits };
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new Error(`What the training needs could not be loaded (${/** @type {Error} */ (error).message}). Check the connection, reload the page and press Train.`);
  }
}

/**
 * A thread that is started for every run anew, and given up when it dies or has said nothing for long.
 *
 * @param {(message: FromWorker) => void} hear
 * @param {(sentence: string) => void} fail gets why the thread was lost
 * @param {() => boolean} works whether it should have something to say
 */
export function trainingThread(hear, fail, works) {
  let worker = /** @type {Worker | null} */ (null);
  let silence = 0;
  const tell = (/** @type {ToWorker} */ message) => worker?.postMessage(message);
  /** No event tells that a browser has killed a thread. */
  const listen = () => {
    clearTimeout(silence);
    silence = window.setTimeout(() => {
      if (!works()) return;
      if (document.hidden) return listen();
      fail(`Nothing has been heard from the training for ${QUIET / 1000} seconds, so it was ended. ${AGAIN}`);
    }, QUIET);
  };
  return {
    /** @param {string} text of its module @param {ToWorker} message its first */
    start(text, message) {
      const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
      const mine = (worker = new Worker(address));
      mine.addEventListener("message", (/** @type {MessageEvent<FromWorker>} */ { data }) => {
        if (mine !== worker) return;
        if (data.type === "started" || data.type === "problem") URL.revokeObjectURL(address);
        listen();
        hear(data);
      });
      mine.addEventListener("error", (event) => {
        event.preventDefault();
        if (mine === worker) fail(`The browser has ended the training. ${AGAIN}`);
      });
      tell(message);
      listen();
    },
    tell,
    alive: () => worker !== null,
    end() {
      clearTimeout(silence);
      worker?.terminate();
      worker = null;
    },
  };
}
