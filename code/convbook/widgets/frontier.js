/** Every run of several recipes as a point: its errors against what it costs. Press one for its recipe. */
import { chart } from "./shared/chart.js";
import { change, choice, element, fill, follow, slider, status } from "./shared/elements.js";
import { grouped } from "./shared/numbers.js";

/**
 * @typedef {{seed: number, test: number, held_out: number, seconds: number}} Run
 * @typedef {{name: string, words: string[], parameters: number, macs: number, runs: Run[]}} Recipe
 */

const COSTS = { parameters: "parameters", macs: "MACs for one digit", seconds: "CPU seconds of the training" };

/**
 * The places that no other beats: none that costs as little or less has as few errors or fewer.
 *
 * @param {[number, number][]} places cost and errors
 * @returns {[number, number][]} from the cheapest to the most expensive
 */
export function frontier(places) {
  const sorted = [...places].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let least = Infinity;
  return sorted.filter(([, errors]) => errors < least && ((least = errors), true));
}

/** @param {{model: import("./shared/elements.js").Model, el: HTMLElement}} place */
function render({ model, el }) {
  /** @type {Recipe[]} */
  const recipes = model.get("recipes");
  /** @type {(recipe: Recipe, run: Run) => [number, number]} */
  const placeOf = (recipe, run) => {
    const cost = /** @type {"parameters" | "macs" | "seconds"} */ (model.get("cost"));
    return [cost === "seconds" ? run.seconds : recipe[cost], 100 * (1 - run.test)];
  };
  const middle = (/** @type {Recipe} */ recipe) => {
    const places = recipe.runs.map((run) => placeOf(recipe, run));
    const mean = (/** @type {0 | 1} */ axis) => places.reduce((sum, place) => sum + place[axis], 0) / places.length;
    return /** @type {[number, number]} */ ([mean(0), mean(1)]);
  };
  /** The least and the greatest of numbers, with room around them on a logarithmic axis. */
  const around = (/** @type {number[]} */ values) => /** @type {[number, number]} */ ([Math.min(...values) / 1.5, Math.max(...values) * 1.5]);

  const chosen = () => {
    const recipe = Math.min(model.get("recipe"), recipes.length - 1);
    return { recipe, run: Math.min(model.get("run"), recipes[recipe].runs.length - 1) };
  };
  /** @type {{x: [number, number], y: [number, number]}} */
  let axes = { x: [1, 10], y: [1, 10] };
  const plot = chart("Errors on the test digits against a cost, a point for each run, both axes logarithmic", {
    height: 320,
    press(x, y) {
      const share = (/** @type {number} */ a, /** @type {number} */ b, /** @type {[number, number]} */ [low, high]) =>
        Math.log(a / b) / Math.log(high / low);
      const all = recipes.flatMap((recipe, r) =>
        recipe.runs.map((run, i) => {
          const [cost, errors] = placeOf(recipe, run);
          return { recipe: r, run: i, distance: Math.hypot(share(cost, x, axes.x), share(errors, y, axes.y)) };
        }),
      );
      const nearest = all.reduce((best, each) => (each.distance < best.distance ? each : best));
      change(model, { recipe: nearest.recipe, run: nearest.run });
    },
  });
  const said = status();
  const words = element("ul", { class: "words" });
  const title = element("p", { class: "title" });
  const costs = element("table", {});
  const cost = choice({ label: "Cost", options: COSTS, input: (value) => change(model, { cost: value }) });
  const recipe = choice({
    label: "Recipe",
    options: Object.fromEntries(recipes.map(({ name }, i) => [i, name])),
    input: (value) => change(model, { recipe: Number(value), run: 0 }),
  });
  const most = Math.max(...recipes.map(({ runs }) => runs.length)) - 1;
  const run = slider({
    label: "Run",
    ...{ min: 0, max: most },
    words: (value) => `seed ${recipes[chosen().recipe].runs[Math.min(value, recipes[chosen().recipe].runs.length - 1)].seed}`,
    input: (value) => change(model, { run: value }),
  });

  const draw = () => {
    const at = chosen();
    const its = recipes[at.recipe];
    const one = its.runs[at.run];
    const places = recipes.map((each) => each.runs.map((other) => placeOf(each, other)));
    const middles = recipes.map(middle);
    const line = frontier(middles);
    axes = { x: around(places.flat().map(([x]) => x)), y: around(places.flat().map(([, y]) => y)) };
    cost.show(model.get("cost"));
    recipe.show(String(at.recipe));
    run.limit(its.runs.length - 1);
    run.show(at.run);
    plot.draw({
      ...axes,
      log: true,
      logX: true,
      xName: COSTS[/** @type {keyof typeof COSTS} */ (model.get("cost"))],
      yName: "errors, %",
      lines: [{ name: "", color: "fourth", dash: "", points: line }],
      dots: [
        ...places.flatMap((row, r) => row.map((place) => ({ at: place, color: r === at.recipe ? "first" : "quiet" }))),
        { at: placeOf(its, one), color: "point" }, // above its neighbours
      ],
      labels: recipes.map(({ name }, r) => {
        const best = line.includes(middles[r]);
        const errors = places[r].map(([, y]) => y);
        return { at: [middles[r][0], best ? Math.min(...errors) : Math.max(...errors)], text: name, below: best };
      }),
      points: [placeOf(its, one)],
    });
    const percent = (/** @type {number} */ share) => `${(100 * share).toFixed(2)}\u00a0%`;
    title.textContent = `The recipe of ${its.name}`;
    words.replaceChildren(...its.words.map((text) => element("li", {}, text)));
    const rows = [
      ["test digits", percent(one.test)],
      ["held-out digits", percent(one.held_out)],
      ["parameters", grouped(its.parameters)],
      ["MACs for one digit", grouped(its.macs)],
      ["CPU seconds of the training", grouped(Math.round(one.seconds))],
    ];
    costs.replaceChildren(
      ...rows.map(([name, value]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value))),
    );
    const better = its.runs.filter(({ test }) => test > one.test).length;
    const beaten = middles.filter(([x, y], r) => r !== at.recipe && x <= middles[at.recipe][0] && y <= middles[at.recipe][1]);
    said.show(
      `${its.name}, seed ${one.seed}: ${percent(one.test)} of the test digits. ${better} of its ${its.runs.length} runs are better. ` +
        (beaten.length ? "On average another recipe costs less and makes fewer errors." : "On average no other recipe costs less and makes fewer errors."),
    );
  };

  fill(
    el,
    element("div", { class: "controls" }, cost, recipe, run),
    element(
      "div",
      { class: "two wide-left" },
      element("div", {}, element("p", { class: "title" }, "Each point is a run. Press one. The line joins the means that no other beats."), plot),
      element("div", {}, said, title, words, costs),
    ),
  );
  return follow(model, ["recipe", "run", "cost"], draw);
}

export default { render };
