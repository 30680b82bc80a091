/**
 * What a strip shows, and what the steps of a reader make of it.
 *
 * @typedef {import("./convolution.js").Maps} Maps
 * @typedef {import("./anatomy.js").Unit} Unit
 * @typedef {import("./anatomy.js").Off} Off
 * @typedef {import("./strip_runs.js").Net} Net
 * @typedef {import("./strip_runs.js").Run} Run
 *
 * @typedef {object} State
 * @property {Net} net
 * @property {number} chosen which of the networks it is
 * @property {Off} off what is turned off; never changed in place, as every run keeps its own
 * @property {number} level of the zoom: 0 for the network, 1 for a layer, 2 for a map, 3 for a unit
 * @property {Unit} unit where the zoom is
 * @property {Unit | null} hover the unit under the pointer
 * @property {boolean} byKeys then `unit` is pointed at
 * @property {{part: number, index: number} | null} product that the reader has chosen
 * @property {import("./scene.js").Scene} scene where everything stands
 * @property {Maps} base the digit before any shift
 * @property {number[]} moved pixels down and to the right
 * @property {Run} now
 * @property {Run | null} whole with everything on, where something is off
 * @property {Run | null} kept to compare with
 * @property {boolean} shifting then what is kept is the digit before the shift
 * @property {Run | null} mean of many digits
 * @property {boolean} averaging whether the mean is being computed
 * @property {string} view what the maps show: "now", "kept", "difference" or "average"
 * @property {{key: string, maps: Maps} | null} used what the unit that is pointed at uses of the digit; of a mean, the key
 *   says which unit that is
 */
import { addressOf, explain, placeOf } from "./anatomy.js";
import { same } from "./pictures.js";
import { emptyScene } from "./scene.js";
import { averageOf, difference, gradientOf, gradientsOf, imageOf, inputOf, isAny, networkOf, nothing, pause, runOf } from "./strip_runs.js";

const SPELL = 20; // milliseconds of computing, after which the page draws and listens

/**
 * The state of a strip at its beginning.
 *
 * @param {import("./elements.js").Model} model
 * @param {Run} [ready] what `firstRun` has computed
 * @returns {State}
 */
export function beginning(model, ready) {
  const [net, base, off] = [networkOf(model), imageOf(model), nothing()];
  const { level, unit } = placeOf(model.get("place"), net.columns) ?? { level: 0, unit: middleOf(0, net) };
  const now = ready && same(base.data, ready.image.data) ? { ...ready, off } : runOf(net, base, off);
  return {
    net,
    chosen: 0,
    off,
    level,
    unit,
    hover: null,
    byKeys: false,
    product: null,
    scene: emptyScene(),
    base,
    moved: [0, 0],
    now,
    whole: null,
    kept: null,
    shifting: false,
    mean: null,
    averaging: false,
    view: "now",
    used: null,
  };
}

/**
 * The unit in the middle of a layer's first map.
 *
 * @param {number} layer
 * @param {Net} net
 * @returns {Unit}
 */
export function middleOf(layer, { columns }) {
  const middle = Math.floor((columns[layer].size - 1) / 2);
  return { layer, channel: 0, row: middle, column: middle };
}

/**
 * What the maps show.
 *
 * @param {State} state
 * @returns {Run}
 */
export function shownRun({ view, now, kept, mean }) {
  if (view === "difference" && kept) return difference(now, kept);
  return (view === "kept" ? kept : view === "average" ? mean : now) ?? now;
}

/**
 * The run of the one digit that is shown; a difference and a mean are those of none.
 *
 * @param {State} state
 * @returns {Run}
 */
export function digitRun({ view, now, kept }) {
  return view === "kept" && kept ? kept : now;
}

/**
 * The unit that is pointed at.
 *
 * @param {State} state
 */
export function pointedAt({ hover, level, byKeys, unit }) {
  return hover ?? (level >= 2 || byKeys ? unit : null);
}

/**
 * Over how many digits the maps show the mean; 0 where they show none.
 *
 * @param {State} state
 */
export function manyOf({ view, mean }) {
  return (view === "average" && mean?.runs?.length) || 0;
}

/**
 * Whether there is nothing on the pad.
 *
 * @param {State} state
 */
export function isEmpty({ view, now }) {
  return view === "now" && now.image.data.every((value) => value === 0);
}

/**
 * The digit where it is shifted to.
 *
 * @param {State} state
 * @returns {Maps}
 */
export function shifted({ base, moved: [down, right] }) {
  const { data, height, width } = base;
  const move = (/** @type {number} */ _, /** @type {number} */ i) => {
    const [y, x] = [Math.floor(i / width) - down, (i % width) - right];
    return y < 0 || x < 0 || y >= height || x >= width ? 0 : data[y * width + x];
  };
  return { ...base, data: data.map(move) };
}

/**
 * The products of the unit that is zoomed in to, and which of them is looked at: if the reader has chosen none, the one that
 * counts most; of a pool, the value that it keeps.
 *
 * @param {State} state
 */
export function productsOf(state) {
  const { net, unit, hover, product } = state;
  const [at, run] = [hover ?? unit, shownRun(state)];
  const { parts, steps } = explain(net.columns[at.layer], net.pieces, inputOf(net, run, at.layer), at, run.off);
  return { parts, steps, ...(product ?? strongest(parts)) };
}

/** @param {import("./anatomy.js").Part[]} parts */
function strongest(parts) {
  let best = { part: 0, index: 0 };
  const size = (/** @type {number} */ value) => (parts[0].weights.length ? Math.abs(value) : value);
  parts.forEach(({ products }, part) =>
    products.forEach((value, index) => {
      if (size(value) > size(parts[best.part].products[best.index])) best = { part, index };
    }),
  );
  return best;
}

/** @param {State} state */
function compute(state) {
  const { net, off } = state;
  const image = shifted(state);
  state.now = runOf(net, image, off);
  state.whole = isAny(off) ? runOf(net, image, nothing()) : null;
}

/**
 * Take a digit: the one that is there, shifted, or another.
 *
 * @param {State} state
 * @param {Maps} image
 */
export function takeImage(state, image) {
  if (!same(image.data, shifted(state).data)) {
    [state.base, state.moved] = [image, [0, 0]];
    if (state.shifting) forget(state);
  }
  if (state.shifting && !state.moved.some(Boolean)) forget(state);
  compute(state);
  if (state.view === "average" || state.view === "kept") state.view = "now";
}

/**
 * Take another network, with everything on.
 *
 * @param {State} state
 * @param {number} chosen
 * @param {Net} net
 */
export function takeNetwork(state, chosen, net) {
  Object.assign(state, { chosen, net, off: nothing(), view: "now", mean: null, level: 0, unit: middleOf(0, net) });
  forget(state);
  compute(state);
}

/**
 * Begin anew with a digit.
 *
 * @param {State} state
 * @param {Off} off what is turned off
 * @param {Maps} base
 * @param {number[] | undefined} way that the digit is shifted, if it is
 */
export function restart(state, off, base, way) {
  Object.assign(state, { off, base, moved: [0, 0], mean: null });
  if (state.view === "average") state.view = "now";
  forget(state);
  compute(state);
  if (!way) return;
  shift(state, way);
  compute(state);
}

/**
 * Say where the digit is shifted to, which stays to compare with as it was.
 *
 * @param {State} state
 * @param {number[]} to
 */
export function shift(state, to) {
  if (!state.kept) [state.kept, state.shifting] = [state.now, true];
  state.moved = to.map(within);
}

/** @param {number} pixels of a shift, beyond which nothing of the digit is left */
function within(pixels) {
  return Math.min(Math.max(pixels, -28), 28);
}

/**
 * Keep the digit to compare with, or forget the one that is kept.
 *
 * @param {State} state
 */
export function keepOrForget(state) {
  if (state.kept && !state.shifting) forget(state);
  else [state.kept, state.shifting] = [state.now, false];
}

/** @param {State} state */
function forget(state) {
  [state.kept, state.shifting] = [null, false];
  if (state.view === "kept" || state.view === "difference") state.view = "now";
}

/**
 * Turn parts of the network off and the others on.
 *
 * @param {State} state
 * @param {Off} off
 */
export function turn(state, off) {
  [state.off, state.mean] = [off, null];
  if (state.view === "average") state.view = "now";
  compute(state);
}

/**
 * What is off once the ReLU of the unit's layer is turned the other way.
 *
 * @param {State} state
 * @returns {Off}
 */
export function otherRelu({ net, off, unit }) {
  return { ...off, relus: toggled(off.relus, net.columns[unit.layer].relu) };
}

/**
 * What is off once a map of the unit's layer is turned the other way.
 *
 * @param {State} state
 * @param {number} channel
 * @returns {Off}
 */
export function otherMap({ net, off, unit }, channel) {
  const { shown } = net.columns[unit.layer];
  return { ...off, channels: { ...off.channels, [shown]: toggled(off.channels[shown] ?? new Set(), channel) } };
}

/**
 * @template T
 * @param {Set<T>} set
 * @param {T} value
 */
function toggled(set, value) {
  const other = new Set(set);
  if (!other.delete(value)) other.add(value);
  return other;
}

/**
 * Take the mean of many digits, unless the network has been changed meanwhile.
 *
 * @param {State} state
 * @param {Parameters<typeof averageOf>[0]} digits
 */
export async function takeAverage(state, digits) {
  const { net, off } = state;
  const mean = await averageOf(digits, (image) => runOf(net, image, off));
  if (net === state.net && off === state.off) Object.assign(state, { mean, view: "average", used: null });
}

/**
 * Zoom to a level and a unit, or to the nearest that its layer has.
 *
 * @param {State} state
 * @param {number} level
 * @param {Unit} unit
 */
export function zoom(state, level, { layer, channel, row, column }) {
  const { size, channels } = state.net.columns[layer];
  const inside = (/** @type {number} */ value, /** @type {number} */ end) => Math.min(Math.max(value, 0), end - 1);
  // Only the products of one digit are numbers to look at.
  if (level === 3 && (state.view === "difference" || state.view === "average")) state.view = "now";
  state.unit = { layer, channel: inside(channel, channels), row: inside(row, size), column: inside(column, size) };
  [state.level, state.hover, state.product] = [level, null, null];
}

/**
 * Compute what the unit that is pointed at uses of the digit.
 *
 * @param {State} state
 * @param {() => void} more is called whenever more is known of what it uses on average
 */
export function computeUse(state, more) {
  const { net, level, hover, unit, view } = state;
  if (level < 2) return;
  if (view === "average") averageUse(state, hover ?? unit, more);
  else state.used = { key: "", maps: gradientOf(net, digitRun(state), hover ?? unit) };
}

/**
 * Sum up the sizes of the gradients of all maps at a unit's place, and of all digits, until another unit is pointed at.
 *
 * @param {State} state
 * @param {Unit} unit
 * @param {() => void} more
 */
async function averageUse(state, unit, more) {
  const { net, mean, used } = state;
  const key = addressOf(3, { ...unit, channel: 0 }, net.columns);
  if (!mean?.runs || used?.key === key) return;
  const sums = new Float32Array(784);
  const maps = { data: sums, height: 28, width: 28, channels: 1 };
  state.used = { key, maps };
  let since = performance.now();
  for (const { data } of gradientsOf(net, mean.runs, unit)) {
    data.forEach((value, i) => (sums[i] += Math.abs(value)));
    if (performance.now() - since < SPELL) continue;
    more();
    await pause();
    if (state.used?.maps !== maps) return;
    since = performance.now();
  }
  more();
}
