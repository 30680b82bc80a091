/** An activation function, its slope, and what a stack of layers makes of numbers and of gradients. */
import { chart, EDGE } from "./shared/chart.js";
import { change, choice, element, fill, follow, slider, status } from "./shared/elements.js";
import { minus, precise, short } from "./shared/numbers.js";
import { paint } from "./shared/pictures.js";

const UNITS = 64; // in every layer
const INPUTS = 200; // that flow through
const BINS = 31; // of the activations of a layer
const REACH = 3; // the activations that the bins cover, on both sides of 0

/** @type {Record<string, [(z: number) => number, (z: number) => number]>} function and slope, as in `convbook.activations` */
export const ACTIVATIONS = {
  linear: [(z) => z, () => 1],
  sigmoid: [(z) => sigmoid(z), (z) => sigmoid(z) * sigmoid(-z)],
  tanh: [Math.tanh, (z) => 4 * sigmoid(2 * z) * sigmoid(-2 * z)],
  relu: [(z) => Math.max(z, 0), (z) => Number(z > 0)],
  leaky_relu: [(z) => (z > 0 ? z : 0.01 * z), (z) => (z > 0 ? 1 : 0.01)],
  elu: [(z) => (z > 0 ? z : Math.expm1(z)), (z) => (z > 0 ? 1 : Math.exp(z))],
  gelu: [(z) => z * normal(z), (z) => normal(z) + (z * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI)],
  swish: [(z) => z * sigmoid(z), (z) => sigmoid(z) + z * sigmoid(z) * sigmoid(-z)],
};

/** The functions with a part that is exactly flat: a unit that stays there for every input cannot learn. */
const FLAT = ["relu"];

const sigmoid = (/** @type {number} */ z) => 1 / (1 + Math.exp(-z));

/**
 * Probability that a standard normal number is at most z, within 7.5e-8 (Abramowitz & Stegun 1964, formula 26.2.17).
 *
 * @param {number} z
 */
function normal(z) {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const terms = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const tail = (terms.reduceRight((sum, term) => (sum + term) * t, 0) * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
  return z > 0 ? 1 - tail : tail;
}

/**
 * Normal numbers that are the same in every browser (mulberry32 by T. Ettinger; Box & Muller 1958).
 *
 * @param {number} count
 * @param {number} seed
 */
export function normals(count, seed) {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
  return Float64Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
}

/**
 * Send inputs through layers of one width, and the gradient of the outputs' sum back.
 *
 * @param {string} name of the activation function
 * @param {Float64Array[]} weights of each layer, (units, units): row of the unit that is read, column of the unit that reads
 * @param {number} bias of every unit
 * @param {Float64Array} inputs (inputs, units)
 * @returns {{outputs: Float64Array[], dead: number[], gradients: number[]}} the output of each layer; the share of its
 *   units that are on the flat part of the function for every input (a slope that is only too small for a number of the
 *   computer does not count); the root mean square of the gradient at its pre-activations
 */
export function flow(name, weights, bias, inputs) {
  const [f, slope] = ACTIVATIONS[name];
  const units = Math.sqrt(weights[0].length);
  const count = inputs.length / units;
  let values = inputs;
  /** @type {Float64Array[]} */
  const before = [];
  const outputs = [];
  for (const layer of weights) {
    const sums = new Float64Array(count * units).fill(bias);
    for (let n = 0; n < count; n++) {
      for (let i = 0; i < units; i++) {
        const value = values[n * units + i];
        for (let j = 0; j < units; j++) sums[n * units + j] += value * layer[i * units + j];
      }
    }
    before.push(sums);
    outputs.push((values = sums.map(f)));
  }
  const dead = before.map((sums) => {
    if (!FLAT.includes(name)) return 0;
    let count = 0;
    for (let j = 0; j < units; j++) count += Number(!sums.some((z, k) => k % units === j && slope(z) !== 0));
    return count / units;
  });
  const gradients = Array(weights.length);
  let gradient = new Float64Array(count * units).fill(1);
  for (let layer = weights.length - 1; layer >= 0; layer--) {
    gradient = gradient.map((value, k) => value * slope(before[layer][k]));
    gradients[layer] = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0) / gradient.length);
    const back = new Float64Array(count * units);
    for (let n = 0; n < count; n++) {
      for (let i = 0; i < units; i++) {
        for (let j = 0; j < units; j++) back[n * units + i] += gradient[n * units + j] * weights[layer][i * units + j];
      }
    }
    gradient = back;
  }
  return { outputs, dead, gradients };
}

/**
 * Count the activations of every layer by their size: a column a layer, the largest on top.
 *
 * @param {Float64Array[]} outputs
 * @returns {import("./shared/convolution.js").Maps} shares of a layer's activations; those beyond the bins count in the outermost
 */
export function population(outputs) {
  const data = new Float32Array(BINS * outputs.length);
  outputs.forEach((values, layer) => {
    for (const value of values) {
      const bin = Math.floor(((REACH - value) / (2 * REACH)) * BINS);
      data[Math.min(Math.max(bin, 0), BINS - 1) * outputs.length + layer] += 1 / values.length;
    }
  });
  return { data, height: BINS, width: outputs.length, channels: 1 };
}

/** @param {{model: import("./shared/elements.js").Model, el: HTMLElement}} place */
function render({ model, el }) {
  const limits = model.get("limits");
  const { min: low, max: high } = limits.z;
  const unknown = model.get("functions").filter((/** @type {string} */ name) => !ACTIVATIONS[name]);
  if (unknown.length) throw new RangeError(`the page cannot compute the activation function ${unknown.join(", ")}`);
  const move = (/** @type {number} */ z) => {
    const { step } = limits.z;
    change(model, { z: Math.min(Math.max(Math.round(z / step) * step, low), high) });
  };
  const curve = chart(`The activation function and its slope between ${minus(String(low))} and ${high}`, { drag: move });
  const back = chart("Size of the gradient at every layer, on a logarithmic axis", { height: 190 });
  const crowd = element("canvas", {
    role: "img",
    "aria-label": `Where the activations of every layer lie: from left to right the layers, from ${REACH} at the top to −${REACH}`,
  });
  const scale = [REACH, 0, -REACH].map((value) => element("span", {}, minus(String(value))));
  const histograms = element(
    "div",
    { class: "histograms" },
    element("p", { class: "title" }, "Activations of each layer: the lighter, the more units"),
    element("div", { class: "crowd" }, element("div", { class: "scale", "aria-hidden": "true" }, ...scale), element("div", { class: "stage" }, crowd)),
  );
  histograms.style.setProperty("--left", `${EDGE.left}px`);
  histograms.style.setProperty("--right", `${EDGE.right}px`);
  const sentence = (/** @type {string} */ z, /** @type {string} */ value, /** @type {string} */ slope) =>
    `At z = ${z} the function gives ${value} and its slope is ${slope}.`;
  const said = status(sentence("−8.88", "−8.888", "−8.888"));
  const through = status();
  const why = element("p", { class: "hint" });
  const set = (/** @type {string} */ name) => (/** @type {any} */ value) => change(model, { [name]: value });
  const names = Object.fromEntries(model.get("functions").map((/** @type {string} */ name) => [name, name.replace("_", " ")]));
  const controls = {
    function: choice({ label: "Function", options: names, input: set("function") }),
    z: slider({ label: "Input z", ...limits.z, words: (value) => short(value), input: set("z") }),
    layers: slider({ label: "Layers", ...limits.layers, input: set("layers") }),
    gain: slider({ label: "Spread of the weights, times 1/√64", title: "Spread · √64", ...limits.gain, words: (value) => short(value), input: set("gain") }),
    bias: slider({ label: "Bias", ...limits.bias, words: (value) => short(value), input: set("bias") }),
  };
  const unit = normals(limits.layers.max * UNITS * UNITS, 1);
  const inputs = normals(INPUTS * UNITS, 2);

  const drawCurve = () => {
    const [f, slope] = ACTIVATIONS[model.get("function")];
    const z = model.get("z");
    const points = (/** @type {(z: number) => number} */ g) =>
      Array.from({ length: 401 }, (_, i) => low + ((high - low) * i) / 400).map((at) => /** @type {[number, number]} */ ([at, g(at)]));
    const lines = [
      { name: "function", points: points(f) },
      { name: "slope", points: points(slope) },
    ];
    const heights = lines.flatMap((line) => line.points.map(([, height]) => height));
    const y = /** @type {[number, number]} */ ([Math.min(-1.5, ...heights), Math.max(3, ...heights)]); // no point is outside
    curve.draw({ x: [low, high], y, xName: "input z", yName: "", lines, at: z, points: [[z, f(z)]], dots: [{ at: [z, slope(z)], color: "second" }] });
    said.show(sentence(short(z), short(f(z)), short(slope(z))));
  };
  const drawFlow = () => {
    const [count, gain] = [model.get("layers"), model.get("gain")];
    const weights = Array.from({ length: count }, (_, l) =>
      unit.slice(l * UNITS ** 2, (l + 1) * UNITS ** 2).map((value) => (gain * value) / Math.sqrt(UNITS)),
    );
    const { outputs, dead, gradients } = flow(model.get("function"), weights, model.get("bias"), inputs);
    const spread = outputs[count - 1].reduce((sum, value) => sum + value * value, 0) / outputs[count - 1].length;
    const { data, ...size } = population(outputs);
    paint(crowd, { ...size, data: data.map(Math.sqrt) }); // a root shows the few, too
    const last = gradients[count - 1];
    const sizes = gradients.map((value) => value / last);
    const points = sizes.map((value, i) => /** @type {[number, number]} */ ([i + 1, value]));
    const shown = sizes.filter((value) => value > 0 && Number.isFinite(value));
    const least = Math.min(0.1, ...shown);
    const most = Math.max(10, ...shown);
    back.draw({
      x: [0.5, count + 0.5], // as wide as the columns above
      y: [10 ** Math.floor(Math.log10(least)), 10 ** Math.ceil(Math.log10(most))],
      xTicks: Array.from({ length: count }, (_, i) => i + 1).filter((i) => count <= 10 || i % 5 === 0 || i === 1),
      xName: "layer",
      yName: "gradient, last = 1",
      log: true,
      lines: [{ name: "", points }],
      dots: points.filter(([, value]) => value > 0 && Number.isFinite(value)).map((at) => ({ at, color: "first" })),
      note: last === 0 ? "The gradient is 0 in every layer." : "",
    });
    const gone = gradients[0] === 0 ? "no gradient at all" : `${precise(sizes[0])} times the last layer's gradient`;
    const share = dead[count - 1];
    through.show(
      `The first of ${count} layers gets ${gone}. The activations of the last layer have a root mean square of ` +
        `${precise(Math.sqrt(spread))}` +
        (FLAT.includes(model.get("function")) ? `, and ${Math.round(100 * share)} % of its units are dead: 0 for all ${INPUTS} inputs.` : "."),
    );
    why.textContent =
      share > 0 && model.get("bias") >= 0
        ? "Some units are dead although no bias pushes them down. Whatever the network reads, the deeper a layer is, the more alike are the numbers that reach it, so a sum that is below 0 for one input is often below 0 for all of them."
        : "";
  };
  const draw = () => {
    for (const [name, control] of Object.entries(controls)) control.show(model.get(name));
    drawCurve();
  };
  fill(
    el,
    element("div", { class: "controls" }, controls.function),
    element(
      "div",
      { class: "two" },
      element("div", {}, element("p", { class: "title" }, "One unit. Drag the point along the curve."), curve, controls.z, said),
      element(
        "div",
        {},
        element("div", { class: "controls three" }, controls.layers, controls.gain, controls.bias),
        histograms,
        back,
        through,
        why,
      ),
    ),
  );
  const stops = [
    follow(model, Object.keys(controls), draw),
    follow(model, ["function", "layers", "gain", "bias"], drawFlow),
  ];
  return () => stops.forEach((stop) => stop());
}

export default { render };
