/**
 * The words of the strip, all of them from its state.
 *
 * @typedef {import("./anatomy.js").Unit} Unit
 * @typedef {import("./strip_runs.js").Run} Run
 * @typedef {import("./strip_runs.js").Net} Net
 * @typedef {import("./strip_state.js").State} State
 */
import { fieldWords, windowOf } from "./anatomy.js";
import { minus, number, signed, withArticle } from "./numbers.js";
import { same } from "./pictures.js";
import { inputOf, isAny, isOff } from "./strip_runs.js";
import { digitRun, isEmpty, manyOf, pointedAt, productsOf, shownRun } from "./strip_state.js";

/**
 * Say where one is in the network, in a word for each level.
 *
 * @param {State} state
 */
export function pathWords({ net, level, unit, hover }) {
  const { row, column } = hover ?? unit;
  return ["Network", net.columns[unit.layer].name, `map ${unit.channel}`, `unit (${row}, ${column})`].slice(0, level + 1);
}

/**
 * Say what is to be seen.
 *
 * @param {State} state
 * @param {number | undefined} label of a digit of the test set
 */
export function mainWords(state, label) {
  const pointed = pointedAt(state);
  const many = manyOf(state);
  if (state.level === 3) return productWords(state);
  if (pointed) return unitWords(state, pointed);
  if (many) {
    return (
      `The mean over ${many} digits of the test set: every map, and every probability. The bars are no verdict: each is about as long ` +
      "as its digit is frequent among them. Go to a map to see what its units use on average."
    );
  }
  if (state.view === "difference" && state.kept) return differenceWords(state, state.kept);
  if (isEmpty(state)) {
    return (
      `The pad is empty, and still the network answers: ${verdictOf(state.net, state.now)}. Its biases and normalisations are not 0, ` +
      "and the softmax divides 100 % among ten digits, whatever it gets."
    );
  }
  return state.level === 1 ? layerWords(state) : digitWords(state, label);
}

/**
 * @param {State} state
 * @param {Unit} at
 */
function unitWords(state, at) {
  const { columns } = state.net;
  const { name, layers: [{ kernel_size, pool_size, kind }] } = columns[at.layer];
  const kernel = kernel_size ?? pool_size;
  const maps = inputOf(state.net, shownRun(state), at.layer).channels;
  const normalised = columns[at.layer - 1]?.normalised ? "normalised " : "";
  const reads = kind === "MaxPooling2D" ? "one map" : maps === 1 ? "the digit" : `each of ${maps} ${normalised}maps`;
  const unit = `${name}, map ${at.channel}, unit (${at.row}, ${at.column}) · ${stageWords(state, at)}`;
  return `${unit}: ${valueWords(state, at)}. It reads ${kernel} × ${kernel} of ${reads} and ${seenWords(state, at)}.`;
}

/**
 * Say what has been done to a unit's value.
 *
 * @param {State} state
 * @param {Unit} at
 */
function stageWords(state, at) {
  const { relu, after, size } = state.net.columns[at.layer];
  const { off } = shownRun(state);
  if (isOff(off, state.net, at)) return "map turned off";
  if (off.relus.has(relu)) return "ReLU turned off";
  return at.layer === state.net.columns.length - 1 && size === 1 ? `score (logit) of the digit ${at.channel}` : after;
}

/**
 * @param {State} state
 * @param {Unit} at
 */
function valueWords(state, at) {
  const { data, width, channels } = shownRun(state).outputs[state.net.columns[at.layer].shown];
  const value = number(data[(at.row * width + at.column) * channels + at.channel]);
  if (state.view === "average") return `mean ${value}`;
  return state.view === "difference" ? `now minus ${state.shifting ? "before" : "kept"} ${value}` : value;
}

/**
 * Say what a unit can see, and how much of it counts.
 *
 * @param {State} state
 * @param {Unit} at
 */
function seenWords(state, at) {
  const sees = `can see ${fieldWords(state.net.columns[at.layer], at)}`;
  if (state.level < 2) return sees;
  const half = halfOf(state.used?.maps.data ?? []);
  if (half) return `${sees}; ${half} of them carry half of its gradient`;
  const { off } = digitRun(state);
  const because = isOff(off, state.net, at)
    ? "this map is turned off"
    : `its ReLU or one before it gives 0${isAny(off) ? ", or because of what is turned off" : ""}`;
  return `${sees}, but here none of them changes it, because ${because}`;
}

/**
 * How many pixels carry half of a gradient.
 *
 * @param {ArrayLike<number>} gradient
 */
function halfOf(gradient) {
  const sizes = Float32Array.from(gradient, Math.abs).sort().reverse();
  const total = sizes.reduce((a, b) => a + b, 0);
  let half = 0;
  for (let sum = 0; sum < total / 2; half++) sum += sizes[half];
  return half;
}

/**
 * @param {State} state
 * @param {Run} kept
 */
function differenceWords({ now, shifting }, kept) {
  if (same(now.image.data, kept.image.data) && now.off === kept.off) {
    return "No difference yet: this is the digit that was kept. Choose, draw or shift a digit to compare it.";
  }
  return `Now minus ${keptName(shifting)}: blue where a value is larger now, orange where it is smaller.`;
}

/** @param {boolean} shifting */
function keptName(shifting) {
  return shifting ? "before the shift" : "the kept digit";
}

/** @param {State} state */
function layerWords(state) {
  const { name, channels, size, relu, after } = state.net.columns[state.unit.layer];
  const stage = shownRun(state).off.relus.has(relu) ? "ReLU turned off" : after;
  return `${name}: ${channels} maps of ${size} × ${size} · ${stage}. Press a map to see its filter, or its number to turn it off or on.`;
}

/**
 * @param {State} state
 * @param {number | undefined} label
 */
function digitWords(state, label) {
  const { net, view, shifting } = state;
  const set = view !== "now" || label === undefined ? "" : ` (${withArticle(label)} from the test set)`;
  const from = view === "kept" ? ` (${keptName(shifting)})` : set;
  const verdict = verdictOf(net, shownRun(state));
  return `The network says ${verdict}${from}. Point at the maps to see what a unit reads; press a layer to zoom in.`;
}

/**
 * @param {Net} net
 * @param {Run} run
 */
function bestOf(net, run) {
  const result = run.outputs[net.last].data;
  return result.indexOf(Math.max(...result));
}

/**
 * @param {Net} net
 * @param {Run} run
 */
function verdictOf(net, run) {
  const best = bestOf(net, run);
  return `${best}, with ${percent(run.outputs[net.last].data[best])}`;
}

/**
 * Write a probability so that it can be told from 0 and from 1.
 *
 * @param {number} share
 */
function percent(share) {
  const decimals = Math.ceil(-Math.log10(Math.min(share, 1 - share))) - 1;
  return `${(100 * share).toFixed(Math.min(Math.max(decimals, 1), 6))} %`;
}

/**
 * Say which product of a unit is looked at.
 *
 * @param {State} state
 */
function productWords(state) {
  const { net, unit, hover, product } = state;
  const at = hover ?? unit;
  const { parts, part, index } = productsOf(state);
  const { channel, values, weights, products } = parts[part] ?? parts[0];
  const { top, left, kernel, step } = windowOf(net.columns[at.layer], inputOf(net, state.now, at.layer).height, at);
  const where = minus(`(${top + Math.floor(index / kernel) * step}, ${left + (index % kernel) * step})`); // it can be beyond the border
  const before = net.columns[at.layer - 1];
  const from = before ? `${before.name}, map ${channel}, unit ${where}${before.normalised ? " · normalised" : ""}` : `digit, pixel ${where}`;
  const count = parts.length * kernel ** 2;
  const largest = weights.length ? `Largest in size of ${count} products: ` : `The largest of ${count} values: `;
  const sum = weights.length ? ` × weight ${number(weights[index])} = ${number(products[index])}` : "";
  return `${product ? "" : largest}${from}: ${number(values[index])}${sum}. The unit ${seenWords(state, at)}.`;
}

/**
 * Say what is turned off, how far the digit is shifted, and what the marks on the bars mean.
 *
 * @param {State} state
 */
export function asideWords(state) {
  return [offWords(state), shiftWords(state), marksWords(state)].filter(Boolean).join(" ");
}

/** @param {State} state */
function offWords(state) {
  const { net, view, whole, now, kept } = state;
  const { off } = shownRun(state);
  if (!isAny(off)) return "";
  const maps = net.columns.flatMap(({ name, shown }) => {
    const numbers = [...(off.channels[shown] ?? [])].sort((a, b) => a - b);
    return numbers.length ? [`map${numbers.length > 1 ? "s" : ""} ${numbers.join(", ")} of ${name}`] : [];
  });
  const relus = net.columns.filter(({ relu }) => off.relus.has(relu)).map(({ name }) => `the ReLU of ${name}`);
  const list = `Turned off: ${[...relus, ...maps].join("; ")}.`;
  if (view !== "now" || !whole) return list;
  const best = bestOf(net, whole);
  const score = (/** @type {Run} */ { outputs }) => `${signed(outputs[net.scores].data[best])} (${percent(outputs[net.last].data[best])})`;
  const marks = kept ? "" : " Marks on the bars: everything on.";
  return `${list} The score of ${best} was ${score(whole)} with everything on and is ${score(now)} now.${marks}`;
}

/** @param {State} state */
function shiftWords({ moved: [down, right] }) {
  const way = (/** @type {number} */ by, /** @type {string} */ more, /** @type {string} */ less) =>
    by ? [`${Math.abs(by)} ${by > 0 ? more : less}`] : [];
  const ways = [...way(down, "down", "up"), ...way(right, "right", "left")];
  return ways.length ? `Shifted by ${ways.join(" and ")}.` : "";
}

/** @param {State} state */
function marksWords({ net, view, kept, shifting }) {
  if (!kept || view === "kept" || view === "average") return "";
  return `Marks on the bars: ${keptName(shifting)} (${verdictOf(net, kept)}).`;
}

/**
 * Say what helps to read what is to be seen.
 *
 * @param {State} state
 */
export function noteWords({ net, level, unit, byKeys }) {
  if (level < 2 && byKeys) return "Arrow keys move, Enter zooms in, Escape zooms out, the space bar turns a map off or on.";
  const counted = "Unit (3, 5) is in row 3 and column 5, counted from 0.";
  if (level === 0) return `${counted} A blue line adds to a unit, an orange one takes away; a thicker line counts more.`;
  if (level === 1) return counted;
  const { layers: [{ kind, kernel_size: kernel = 1 }], name } = net.columns[unit.layer];
  const { name: before, normalised } = net.columns[unit.layer - 1] ?? { name: "the digit", normalised: false };
  const differs = normalised ? ` ${name} reads ${before} normalised, so the values differ from those after the ReLU: blue is above 0, orange below.` : "";
  if (kind === "MaxPooling2D") return `Of each window, the pool keeps the largest value.${differs}`;
  if (level === 2) return `Press a unit of map ${unit.channel} to see its products: every map that ${name} reads is multiplied with its own slice of the filter.${differs}`;
  if (kernel === 1) return `Each number is one product; above it is the number of the map of ${before}.${differs}`;
  return `Each square has the ${kernel ** 2} products of one map, with their sum above it.${differs}`;
}
