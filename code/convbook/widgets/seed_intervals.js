/** Runs with several seeds: the mean of each network, and the differences of the means, each with its interval. */
import { chart } from "./shared/chart.js";
import { button, change, checkbox, choice, element, fill, follow, status } from "./shared/elements.js";
import { signed } from "./shared/numbers.js";

const CONFIDENCE = 0.95;

/**
 * How many standard errors an interval of Student's t reaches on either side of the mean. With t = √freedom tan θ the
 * density is proportional to cos(θ)^(freedom − 1), which is added up numerically.
 *
 * @param {number} freedom degrees of freedom, at least 1, not necessarily whole
 */
export function tQuantile(freedom) {
  const count = 4000;
  const step = Math.sqrt(Math.PI / 2) / count; // of root, with θ = π/2 − root²
  const mass = Array.from({ length: count }, (_, i) => Math.sin(((i + 0.5) * step) ** 2) ** (freedom - 1) * (i + 0.5));
  const wanted = (1 - CONFIDENCE) * mass.reduce((a, b) => a + b);
  let [i, sum] = [0, mass[0]];
  while (sum < wanted) sum += mass[++i];
  const at = (i + 1 - (sum - wanted) / mass[i]) * step;
  return Math.sqrt(freedom) / Math.tan(at ** 2);
}

/** @param {number[]} values */
function meanOf(values) {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/**
 * The variance of a mean.
 *
 * @param {number[]} values at least two
 */
function error2(values) {
  const mean = meanOf(values);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1) / values.length;
}

/**
 * A mean and how far its interval reaches.
 *
 * @param {number[]} values
 * @returns {{mean: number, reach: number}} from a single run nothing is known about the spread
 */
export function interval(values) {
  if (values.length < 2) return { mean: meanOf(values), reach: Infinity };
  return { mean: meanOf(values), reach: tQuantile(values.length - 1) * Math.sqrt(error2(values)) };
}

/**
 * The difference of two means: run by run if paired, otherwise with Welch's degrees of freedom.
 *
 * @param {number[]} one
 * @param {number[]} other with the same seeds
 * @param {boolean} paired
 */
export function difference(one, other, paired) {
  if (paired || one.length < 2) return interval(one.map((value, i) => value - other[i]));
  const [a, b] = [error2(one), error2(other)];
  const freedom = (a + b) ** 2 / ((a ** 2 + b ** 2) / (one.length - 1));
  return { mean: meanOf(one) - meanOf(other), reach: tQuantile(freedom) * Math.sqrt(a + b) };
}

/** @param {{model: import("./shared/elements.js").Model, el: HTMLElement}} place */
function render({ model, el }) {
  /** @type {string[]} */
  const networks = model.get("networks");
  /** @type {number[][]} */
  const accuracies = model.get("accuracies");
  /** @type {number[]} */
  const seeds = model.get("seeds");
  const pairs = networks.flatMap((_, a) => networks.map((_, b) => [a, b])).filter(([a, b]) => a < b);
  const [least, most] = [Math.min(...accuracies.flat()), Math.max(...accuracies.flat())];
  const margin = 0.35 * (most - least);
  const range = /** @type {[number, number]} */ ([least - margin, most + margin]);

  const toggle = (/** @type {number} */ seed) => {
    const dropped = model.get("dropped");
    if (dropped.includes(seed)) return change(model, { dropped: dropped.filter((/** @type {number} */ other) => other !== seed) });
    if (dropped.length < seeds.length - 2) change(model, { dropped: [...dropped, seed] });
  };
  const runs = chart("Every run's test accuracy, and the mean of each network with its interval", {
    height: 210,
    press(x, y) {
      const row = Math.min(Math.max(Math.round(networks.length - y), 0), networks.length - 1);
      const distances = accuracies[row].map((value) => Math.abs(value - x));
      const nearest = distances.indexOf(Math.min(...distances));
      if (distances[nearest] < 0.03 * (range[1] - range[0])) toggle(seeds[nearest]);
    },
  });
  const gaps = chart("The difference of every two means, with its interval", { height: 210 });
  /** @param {{count: number, first: string, second: string, mean: number, reach: number}} its */
  const sentence = ({ count, first, second, mean, reach }) => {
    const verdict =
      Math.abs(mean) > reach
        ? "The interval leaves 0 out, so chance alone is a poor explanation."
        : "0 is in the interval, so chance alone could explain it.";
    return (
      `With ${count} seeds, ${first} filters are ${signed(Math.abs(mean))} points ${mean < 0 ? "behind" : "ahead of"} ${second} on average; ` +
      `the interval of the difference is from ${signed(mean - reach)} to ${signed(mean + reach)}. ${verdict}`
    );
  };
  const said = status(sentence({ count: seeds.length, first: networks[0], second: networks[0], mean: 0.2, reach: 0.1 }));
  const buttons = seeds.map((seed) => button(`Seed ${seed}`, () => toggle(seed)));
  const paired = checkbox({ label: "Compare the runs seed by seed (paired)", input: (value) => change(model, { paired: value }) });
  const compared = choice({
    label: "Compare",
    options: Object.fromEntries(pairs.map(([a, b]) => [`${a} ${b}`, `${networks[a]} filters with ${networks[b]}`])),
    input: (value) => change(model, { compared: value.split(" ").map(Number) }),
  });

  const draw = () => {
    /** @type {number[]} */
    const dropped = model.get("dropped");
    const byPairs = model.get("paired");
    const [first, second] = model.get("compared");
    const keep = (/** @type {number[]} */ values) => values.filter((_, i) => !dropped.includes(seeds[i]));
    seeds.forEach((seed, i) => {
      const isIn = !dropped.includes(seed);
      buttons[i].setAttribute("aria-pressed", String(isIn));
      buttons[i].disabled = isIn && dropped.length >= seeds.length - 2; // two runs are the least that have a spread
    });
    paired.show(byPairs);
    compared.show(`${first} ${second}`);
    const bar = (/** @type {number} */ y, /** @type {{mean: number, reach: number}} */ { mean, reach }, color = "first") => ({
      name: "",
      color,
      dash: "",
      points: /** @type {[number, number][]} */ ([[mean - reach, y], [mean + reach, y]]),
    });
    const height = (/** @type {number} */ row) => networks.length - row;
    const means = accuracies.map((values) => interval(keep(values)));
    runs.draw({
      x: range,
      y: [0.4, networks.length + 0.5],
      xName: "test accuracy, %",
      yName: "filters",
      yTicks: networks.map((name, row) => ({ at: height(row), text: name })),
      lines: means.map((mean, row) => bar(height(row) - 0.3, mean)),
      dots: [
        ...accuracies.flatMap((values, row) =>
          values.map((value, i) => ({ at: /** @type {[number, number]} */ ([value, height(row)]), hollow: dropped.includes(seeds[i]) })),
        ),
        ...means.map(({ mean }, row) => ({ at: /** @type {[number, number]} */ ([mean, height(row) - 0.3]), color: "first" })),
      ],
    });
    const differences = pairs.map(([a, b]) => difference(keep(accuracies[a]), keep(accuracies[b]), byPairs));
    const chosen = pairs.findIndex(([a, b]) => a === first && b === second);
    const wide = 1.1 * (most - least);
    gaps.draw({
      x: [-wide, wide],
      y: [0.4, pairs.length + 0.5],
      xName: "difference, percentage points",
      yName: "",
      yTicks: pairs.map(([a, b], row) => ({ at: pairs.length - row, text: `${networks[a]} − ${networks[b]}` })),
      lines: [
        { name: "", color: "quiet", dash: "2 3", points: [[0, 0], [0, pairs.length + 1]] },
        ...differences.map((each, row) => bar(pairs.length - row, each, row === chosen ? "first" : "fourth")),
      ],
      dots: differences.map(({ mean }, row) => ({ at: [mean, pairs.length - row], color: row === chosen ? "first" : "fourth" })),
    });
    const { mean, reach } = differences[chosen];
    said.show(sentence({ count: seeds.length - dropped.length, first: networks[first], second: networks[second], mean, reach }));
  };

  fill(
    el,
    element("div", { class: "buttons", role: "group", "aria-label": "Seeds to count; press one to drop it or to bring it back" }, ...buttons),
    element(
      "div",
      { class: "two" },
      element("div", {}, element("p", { class: "title" }, "Each dot is a run. Press one to drop its seed."), runs),
      element("div", {}, element("p", { class: "title" }, "Differences of the means, with 95 % confidence"), gaps),
    ),
    said,
    element("div", { class: "controls" }, compared, paired),
  );
  return follow(model, ["dropped", "paired", "compared"], draw);
}

export default { render };
