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
 * @typedef {object} Start begins a run. The rates of dropout are those of the layers: to train without it on the
 *   logits, set the `rate` of `drop9` to 0; to give the second block 32 kernels, set the `filters` of `conv2`.
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
