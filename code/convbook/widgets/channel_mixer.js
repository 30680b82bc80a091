/** A 1 × 1 kernel by hand: sixteen weights mix sixteen feature maps into one. */
import { convolve, outputSize } from "./shared/convolution.js";
import { button, change, choice, element, fill, follow, slider, status, checkbox } from "./shared/elements.js";
import { grouped, short, signed } from "./shared/numbers.js";
import { channelOf, pack, paint, picture, range, same, unpack } from "./shared/pictures.js";

/** @param {{model: import("./shared/elements.js").Model, el: HTMLElement}} place */
function render({ model, el }) {
  const { data, shape } = unpack(model.get("maps"));
  const [height, width, channels] = shape;
  const maps = { data, height, width, channels };
  const limits = model.get("limits");
  const learned = unpack(model.get("learned"));
  const kernels = learned.shape[1];
  const column = (/** @type {number} */ k) => Array.from({ length: channels }, (_, c) => learned.data[c * kernels + k]);
  const mix = (/** @type {ArrayLike<number>} */ weights) => change(model, { weights: pack(weights, [channels]) });

  const ends = range(data, "signed");
  const { min: least, max: most } = limits.weights;
  const sliders = Array.from({ length: channels }, (_, c) => {
    const weight = slider({
      label: `Map ${c}: weight`,
      title: `Map ${c}`,
      ...limits.weights,
      words: (value) => short(value, 2),
      input: (value) => {
        const weights = unpack(model.get("weights")).data;
        weights[c] = value;
        mix(weights);
      },
    });
    weight.classList.add("from-zero");
    const canvas = element("canvas", { "aria-hidden": "true" });
    paint(canvas, channelOf(maps, c), { scale: "signed", limits: ends });
    const show = (/** @type {number} */ value) => {
      weight.show(value);
      // The bar reaches from 0 to the middle of the thumb.
      const [zero, at] = [0, value].map((v) => (100 * (Math.min(Math.max(v, least), most) - least)) / (most - least));
      weight.style.setProperty("--from", `${Math.min(zero, at)}%`);
      weight.style.setProperty("--to", `${Math.max(zero, at)}%`);
    };
    return Object.assign(element("div", { class: "channel" }, canvas, weight), { show });
  });
  const result = picture("The mixed map", "The weighted sum of all maps, plus the bias");
  const sentence = (/** @type {number} */ low, /** @type {number} */ high, /** @type {number} */ positive) =>
    `Σ weight × map + bias: from ${signed(low)} to ${signed(high)}, and ${Math.round(100 * positive)} % of the map is above 0.`;
  const said = status(sentence(-88.88, 88.88, 1));
  const bias = slider({ label: "Bias", ...limits.bias, words: (value) => short(value), input: (value) => change(model, { bias: value }) });
  const bend = checkbox({ label: "ReLU after it", input: (value) => change(model, { relu: value }) });
  const preset = choice({
    label: "Filter",
    options: {
      "": "your own weights",
      ...Object.fromEntries(Array.from({ length: kernels }, (_, k) => [k, `learned filter ${k}`])),
    },
    input: (k) => {
      if (k === "") return;
      change(model, { bias: model.get("biases")[Number(k)] });
      mix(column(Number(k)));
    },
  });
  const channelsAfter = slider({ label: "Channels after the 1 × 1", ...limits.bottleneck, input: (value) => change(model, { bottleneck: value }) });
  const cost = element("p", { class: "formula" });

  const draw = () => {
    const weights = unpack(model.get("weights")).data;
    sliders.forEach((weight, c) => weight.show(weights[c]));
    bias.show(model.get("bias"));
    bend.show(model.get("relu"));
    channelsAfter.show(model.get("bottleneck"));
    const learnedOne = Array.from({ length: kernels }, (_, k) => k).find((k) => same(column(k), weights));
    preset.show(learnedOne === undefined ? "" : String(learnedOne));
    const mixed = convolve(maps, { data: weights, height: 1, width: 1, channels: 1 }, [model.get("bias")]);
    if (model.get("relu")) mixed.data = mixed.data.map((value) => Math.max(value, 0));
    paint(result.canvas, mixed, { scale: "signed" });
    result.ramp(range(mixed.data, "signed")[1].toFixed(2));
    const positive = mixed.data.filter((value) => value > 0).length / mixed.data.length;
    const [low, high] = [Math.min(...mixed.data), Math.max(...mixed.data)];
    said.show(sentence(low, high, positive));
    const { without, mixing, after } = stageCost(height, channels, model.get("bottleneck"));
    const share = (mixing + after) / without;
    cost.textContent =
      `With ${model.get("bottleneck")} channels, the 1 × 1 takes ${grouped(mixing)} multiplications and the 3 × 3 after the pool ` +
      `${grouped(after)}. Together that is ${share.toFixed(3)} times the ${grouped(without)} of a 3 × 3 on all ${channels} channels.`;
  };

  const controls = element("div", { class: "controls" }, bias, bend);
  fill(
    el,
    element(
      "div",
      { class: "mixer" },
      element("div", { class: "mixed" }, result, controls, said),
      element("div", { class: "channels" }, ...sliders),
    ),
    element("div", { class: "controls" }, preset, button("All weights 0", () => mix(new Float32Array(channels)))),
    element("div", { class: "controls" }, channelsAfter),
    cost,
  );
  return follow(model, ["weights", "bias", "relu", "bottleneck"], draw);
}

/**
 * MACs of the network's second stage: the 1 × 1, a pool of 2, and a 3 × 3 with 16 filters.
 *
 * @param {number} size of the maps
 * @param {number} channels of the maps
 * @param {number} bottleneck channels after the 1 × 1
 */
export function stageCost(size, channels, bottleneck) {
  const places = outputSize(Math.floor(size / 2), 3) ** 2;
  return {
    mixing: size ** 2 * channels * bottleneck,
    after: places * 9 * bottleneck * 16,
    without: places * 9 * channels * 16,
  };
}

export default { render };
