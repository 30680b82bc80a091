/** Two 3 × 3 kernels one after the other, or one 5 × 5: fields, parameters and outputs. */
import { composed, convolve } from "./shared/convolution.js";
import { digitPicker } from "./shared/digits.js";
import { button, change, element, fill, follow, numberGrid, slider, status, checkbox } from "./shared/elements.js";
import { grouped, short } from "./shared/numbers.js";
import { pack, paint, picture, unpack } from "./shared/pictures.js";

/** @param {{model: import("./shared/elements.js").Model, el: HTMLElement}} place */
function render({ model, el }) {
  const names = ["first", "second", "large"];
  const titles = ["First 3 × 3", "Second 3 × 3", "The 5 × 5"];
  const grids = names.map((name, i) =>
    numberGrid({ label: titles[i], input: (values, size) => change(model, { [name]: pack(values, [size, size]) }) }),
  );
  const source = picture("Digit");
  const two = picture("After the two 3 × 3");
  const one = picture("After the 5 × 5");
  const sign = element("span", { class: "operator" });
  const between = picture("Difference");
  const said = status();
  const costs = element("table", { class: "costs" });
  const bend = checkbox({ label: "ReLU after the first", input: (value) => change(model, { relu: value }) });
  const channels = slider({
    label: "Channels in and out",
    ...model.get("limits").channels,
    input: (value) => change(model, { channels: value }),
  });
  const compose = button("Make the 5 × 5 from the two", () => {
    const [first, second] = ["first", "second"].map((name) => ({ data: unpack(model.get(name)).data, size: 3 }));
    change(model, { large: pack(composed(first, second).data, [5, 5]) });
  });

  const draw = () => {
    const kernels = names.map((name) => unpack(model.get(name)));
    kernels.forEach(({ data, shape }, i) => grids[i].show(data, shape[0]));
    bend.show(model.get("relu"));
    channels.show(model.get("channels"));
    const { data, shape } = unpack(model.get("image"));
    const image = { data, height: shape[0], width: shape[1], channels: 1 };
    const filter = (/** @type {number} */ i) => ({ data: kernels[i].data, height: kernels[i].shape[0], width: kernels[i].shape[0], channels: 1 });
    const half = convolve(image, filter(0), [0]);
    if (model.get("relu")) half.data = half.data.map((value) => Math.max(value, 0));
    const pair = convolve(half, filter(1), [0]);
    const single = convolve(image, filter(2), [0]);
    const difference = { ...pair, data: pair.data.map((value, i) => value - single.data[i]) };
    const largest = (/** @type {Float32Array} */ values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const most = Math.max(largest(pair.data), largest(single.data)) || 1;
    const looks = { scale: "signed", limits: /** @type {[number, number]} */ ([-most, most]) };
    paint(source.canvas, image, { limits: [0, 1] });
    paint(two.canvas, pair, looks);
    paint(one.canvas, single, looks);
    paint(between.canvas, difference, looks);
    const apart = largest(difference.data);
    const share = apart / most;
    const agree = share < 1e-5;
    sign.textContent = agree ? "=" : "≠";
    between.stage.dataset.note = agree ? "0 everywhere" : "";
    between.ramp(most.toFixed(2));
    said.show(
      agree
        ? "The two outputs are the same at every pixel."
        : `The outputs differ by up to ${short(apart)}, ${Math.round(100 * share)} % of the largest output.`,
    );
    const c = model.get("channels");
    const row = (/** @type {string[]} */ [name, ...cells]) =>
      element("tr", {}, element("th", { scope: "row" }, name), ...cells.map((text) => element("td", {}, text)));
    const head = ["", "two 3 × 3", "one 5 × 5"].map((text) => element(text ? "th" : "td", text ? { scope: "col" } : {}, text));
    costs.replaceChildren(
      element("tr", {}, ...head),
      row(["receptive field", "5 × 5", "5 × 5"]),
      row([`weights, ${c} channels`, `2 · 9 · ${c}² = ${grouped(18 * c * c)}`, `25 · ${c}² = ${grouped(25 * c * c)}`]),
      row(["ReLUs", model.get("relu") ? "1" : "0", "0"]),
    );
  };

  const [first, second, large] = grids;
  const place = (/** @type {string} */ name, /** @type {HTMLElement} */ part) => {
    part.style.gridArea = name;
    return part;
  };
  fill(
    el,
    element(
      "div",
      { class: "pipes" },
      place("digit", source),
      place("first", first),
      place("wire", element("div", { class: "wire" }, bend)),
      place("second", second),
      place("large", element("div", { class: "branch" }, large, compose)),
      place("two", two),
      place("sign", sign),
      place("one", one),
    ),
    element("div", { class: "verdict" }, element("div", {}, said, digitPicker(model), channels), between),
    element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Costs" }, costs),
  );
  return follow(model, ["image", "first", "second", "large", "relu", "channels"], draw);
}

export default { render };
