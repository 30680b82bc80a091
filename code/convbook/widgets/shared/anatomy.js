/**
 * A trained network as the strip shows it: one column for each convolution or pool together with what follows it, and
 * how one number of a column comes about.
 *
 * @typedef {import("./convolution.js").Maps} Maps
 * @typedef {import("./network.js").Layer} Layer
 * @typedef {{name: string, layers: Layer[], shown: string, after: string, normalised: boolean, reads: string, relu: string,
 *   channels: number, size: number, field: number, jump: number, start: number}} Column `layers` are those of the record, from the
 *   convolution or pool to the one whose output the next column reads; `shown` is the layer whose output the column's
 *   maps are and `after` what has been done to it; `normalised` is whether the next column reads it normalised; `reads` is the layer whose output it reads, or "" for the digit;
 *   `relu` is the layer with the ReLU, or ""; the rest is as in `trace`
 * @typedef {{layer: number, channel: number, row: number, column: number}} Unit the strip's column that it is in, its map, and its
 *   row and column there
 * @typedef {{channel: number, values: number[], weights: number[], products: number[], sum: number}} Part of a unit: what
 *   one map that it reads contributes; beyond the border the values are 0
 * @typedef {{layer: string, words: string, value: number}} Step of a unit: what is done, and what comes out
 * @typedef {{relus: Set<string>, channels: import("./network.js").Off}} Off what is turned off: the layers with the ReLUs by
 *   name, and the maps of a layer
 */
import { padWidth } from "./convolution.js";
import { stagesOf } from "./network.js";
import { number, term } from "./numbers.js";

/**
 * Divide a network into the columns of the strip.
 *
 * @param {Layer[]} layers
 * @param {number} size of the image
 * @returns {Column[]}
 */
export function columnsOf(layers, size = 28) {
  const stages = stagesOf(layers, size);
  /** @type {Column[]} */
  const columns = [];
  let channels = 1;
  layers.slice(0, stages.length).forEach((layer, i) => {
    const { name, kind, filters, activation } = layer;
    if (kind === "Conv2D" || kind === "MaxPooling2D") {
      channels = filters ?? channels;
      const relu = activation === "relu" ? name : "";
      const after = kind === "MaxPooling2D" ? "pooled" : relu ? "after ReLU" : "no ReLU";
      const reads = layers[i - 1]?.name ?? "";
      columns.push({ name, layers: [layer], shown: name, after, normalised: false, reads, relu, channels, ...stages[i] });
      return;
    }
    const column = columns[columns.length - 1];
    column.layers.push(layer);
    if (kind === "ReLU") Object.assign(column, { relu: name, shown: name, after: "after ReLU" });
    if (kind !== "BatchNormalization") return;
    if (column.relu) column.normalised = true;
    else Object.assign(column, { shown: name, after: "normalised" }); // the maps are what the next layer reads, or the scores
  });
  return columns;
}

/**
 * The same layers with some of the ReLUs turned off.
 *
 * @param {Layer[]} layers
 * @param {Set<string>} off names of the layers with the ReLUs
 * @returns {Layer[]}
 */
export function withoutRelus(layers, off) {
  return layers.map((layer) => {
    if (!off.has(layer.name)) return layer;
    return layer.kind === "ReLU" ? { ...layer, kind: "Dropout" } : { ...layer, activation: "linear" };
  });
}

/**
 * The window that a unit reads in the column before it, or on the digit; parts of it can lie beyond the border.
 *
 * @param {Column} column
 * @param {number} before rows and columns of the maps that it reads
 * @param {Unit} unit
 * @returns {{top: number, left: number, side: number, kernel: number, step: number}}
 */
export function windowOf({ layers: [layer] }, before, { row, column }) {
  const { strides = 1, padding = "valid", dilation_rate: step = 1 } = layer;
  const kernel = layer.kernel_size ?? layer.pool_size ?? 1;
  const [border] = padWidth(before, kernel, { stride: strides, padding, dilation: step });
  return { top: row * strides - border, left: column * strides - border, side: step * (kernel - 1) + 1, kernel, step };
}

/**
 * Say which pixels of the digit a unit can see.
 *
 * @param {Column} column
 * @param {Unit} unit
 * @param {number} pixels rows and columns of the digit
 */
export function fieldWords({ field, jump, start }, { row, column }, pixels = 28) {
  const [ways, ends] = [[row, column].map((at) => start + at * jump), [0, pixels - 1]];
  const [rows, columns] = ways.map((from) => {
    const [first, last] = [Math.max(from, ends[0]), Math.min(from + field - 1, ends[1])];
    return first === last ? ` ${first}` : `s ${first}–${last}`;
  });
  const beyond = ways.some((from) => from < 0 || from + field > pixels) ? ", partly beyond its border" : "";
  return `row${rows}, column${columns} of the digit (${field} × ${field} pixel${field > 1 ? "s" : ""}${beyond})`;
}

/**
 * Take a unit apart: every product of its window, and what is done to their sum, in the network's own order.
 *
 * @param {Column} column
 * @param {Record<string, Float32Array[]>} pieces what `cutWeights` returns
 * @param {Maps} input what the column reads
 * @param {Unit} unit
 * @param {Off} off what is turned off
 * @returns {{parts: Part[], steps: Step[]}} of a pool, one part without weights
 */
export function explain(column, pieces, input, unit, off) {
  const { layers } = column;
  const { channel } = unit;
  const { top, left, kernel, step } = windowOf(column, input.height, unit);
  const pooled = layers[0].kind === "MaxPooling2D";
  const [filters, bias] = pieces[layers[0].name] ?? [];
  const read = (/** @type {number} */ i, /** @type {number} */ from) => {
    const [y, x] = [top + Math.floor(i / kernel) * step, left + (i % kernel) * step];
    if (y < 0 || x < 0 || y >= input.height || x >= input.width) return pooled ? -Infinity : 0;
    return input.data[(y * input.width + x) * input.channels + from];
  };
  const from = pooled ? [channel] : Array.from({ length: input.channels }, (_, c) => c);
  const parts = from.map((c) => {
    const values = Array.from({ length: kernel ** 2 }, (_, i) => read(i, c));
    if (pooled) return { channel: c, values, weights: [], products: values, sum: Math.max(...values) };
    const weights = values.map((_, i) => filters[(i * input.channels + c) * column.channels + channel]);
    const products = values.map((value, i) => value * weights[i]);
    return { channel: c, values, weights, products, sum: products.reduce((a, b) => a + b, 0) };
  });

  /** @type {Step[]} */
  const steps = [];
  let value = pooled ? parts[0].sum : parts.reduce((sum, part) => sum + part.sum, 0);
  const add = (/** @type {string} */ layer, /** @type {string} */ words) => steps.push({ layer, words, value });
  const silence = (/** @type {string} */ layer) => {
    if (!off.channels[layer]?.has(channel)) return;
    value = 0;
    add(layer, "turned off");
  };
  const relu = (/** @type {string} */ layer) => {
    if (off.relus.has(layer)) return add(layer, "ReLU, turned off");
    value = Math.max(value, 0);
    add(layer, "ReLU");
  };
  for (const { name, kind, activation, use_bias } of layers) {
    if (kind === "MaxPooling2D") add(name, `largest of ${kernel} × ${kernel}`);
    if (kind === "Conv2D") {
      add(name, "sum of the products");
      if (use_bias) {
        value += bias[channel];
        add(name, `bias ${number(bias[channel])}`);
      }
      if (activation === "relu") relu(name);
    }
    if (kind === "ReLU") relu(name);
    if (kind === "BatchNormalization") {
      const [scale, shift] = pieces[name].map((values) => values[channel]);
      value = value * scale + shift;
      add(name, `normalise: × ${number(scale)} ${term(shift)}`);
    }
    silence(name);
  }
  return { parts, steps };
}

/**
 * A place in the strip, from its address: of a layer conv5, of a map conv5/3, of a unit conv5/3/4,7.
 *
 * @param {string} address
 * @param {Column[]} columns
 * @returns {{level: number, unit: Unit} | null} null for the whole network, or where it has no such place
 */
export function placeOf(address, columns) {
  const [, name, map, row, x] = /^(\w+)(?:\/(\d+)(?:\/(\d+),(\d+))?)?$/.exec(address) ?? [];
  const layer = columns.findIndex((each) => each.name === name);
  if (layer < 0) return null;
  const { size, channels } = columns[layer];
  const middle = Math.floor((size - 1) / 2);
  const unit = { layer, channel: Number(map ?? 0), row: Number(row ?? middle), column: Number(x ?? middle) };
  if (unit.channel >= channels || unit.row >= size || unit.column >= size) return null;
  return { level: row !== undefined ? 3 : map !== undefined ? 2 : 1, unit };
}

/**
 * The address of a place; the other way round of `placeOf`.
 *
 * @param {number} level
 * @param {Unit} unit
 * @param {Column[]} columns
 */
export function addressOf(level, { layer, channel, row, column }, columns) {
  return [columns[layer].name, channel, `${row},${column}`].slice(0, level).join("/");
}
