/** A stack of layers to edit, with the size, the jump and the field after every layer. */
import { trace } from "./shared/convolution.js";
import { button, change, choice, element, fill, follow, status } from "./shared/elements.js";

const IMAGE = 28;

/**
 * The rule that is often believed: a pool doubles the field, and a kernel adds its own width wherever it stands.
 *
 * @param {{kind: string, kernel: number}[]} stack
 */
export function believed(stack) {
  let field = 1;
  return stack.map(({ kind, kernel }) => (field = kind === "pool" ? field * kernel : field + kernel - 1));
}

/** @param {{model: import("./shared/elements.js").Model, el: HTMLElement}} place */
function render({ model, el }) {
  const table = element("table", { class: "stack" });
  const said = status();
  const presets = model.get("presets");
  const limits = model.get("limits");
  const set = (/** @type {any[]} */ layers, mistake = false) => change(model, { layers, mistake });
  const preset = choice({
    label: "Start from",
    options: { "": "your own stack", ...Object.fromEntries(Object.keys(presets).map((name) => [name, name])) },
    input: (name) => name && set(presets[name], name.includes("mistake")),
  });
  const edit = (/** @type {number} */ index, /** @type {Record<string, any>} */ values) =>
    set(
      model.get("layers").map((/** @type {any} */ layer, /** @type {number} */ i) => (i === index ? { ...layer, ...values } : layer)),
      model.get("mistake"),
    );
  const add = (/** @type {any} */ layer) => () => {
    if (model.get("layers").length < limits.layers.max) set([...model.get("layers"), layer], model.get("mistake"));
  };
  const conv = { kind: "conv", kernel: 3, stride: 1, dilation: 1, padding: 0 };
  const addConv = button("Add a convolution", add(conv));
  const addPool = button("Add a pool", add({ ...conv, kind: "pool", kernel: 2, stride: 2 }));
  const remove = button("Remove the last layer", () => set(model.get("layers").slice(0, -1), model.get("mistake")));

  const number = (/** @type {number} */ index, /** @type {string} */ name, /** @type {number} */ value) => {
    const { min, max } = limits[name];
    const box = element("input", {
      type: "number",
      min,
      max,
      value,
      "aria-label": `${name} of layer ${index + 1}`,
      "data-cell": `${index} ${name}`,
    });
    box.addEventListener("input", () => {
      const typed = Number(box.value);
      const good = box.value.trim() !== "" && Number.isInteger(typed) && typed >= min && typed <= max;
      box.setAttribute("aria-invalid", String(!good));
      if (good) edit(index, { [name]: typed });
      else said.show(`The ${name} of layer ${index + 1} must be a whole number from ${min} to ${max}.`);
    });
    return element("td", {}, box);
  };

  const draw = () => {
    /** @type {any[]} */
    const layers = model.get("layers");
    const mistake = model.get("mistake");
    const stages = trace(layers, IMAGE);
    const wrong = believed(layers);
    const name = Object.keys(presets).find((key) => alike(presets[key], layers) && key.includes("mistake") === mistake);
    preset.show(name ?? "");
    remove.disabled = layers.length === 0;
    addConv.disabled = addPool.disabled = layers.length >= limits.layers.max;
    const bad = stages.findIndex(({ size }) => size < 1);
    const columns = ["Layer", "Kernel", "Stride", "Dilation", "Padding", "Size", "Jump", "Field"];
    const head = [...columns, ...(mistake ? ["Mistaken field"] : [])].map((text) => element("th", { scope: "col" }, text));
    const rows = layers.map((layer, i) => {
      const { size, jump, field } = stages[i];
      const fits = bad < 0 || i < bad;
      const bar = element("span", { class: "bar", "aria-hidden": "true" });
      bar.style.width = `${Math.min(field / IMAGE, 1) * 4}em`;
      return element(
        "tr",
        { class: fits ? null : "unfit" },
        element("th", { scope: "row" }, `${i + 1} ${layer.kind}`),
        number(i, "kernel", layer.kernel),
        number(i, "stride", layer.stride),
        number(i, "dilation", layer.dilation),
        number(i, "padding", layer.padding),
        element("td", {}, fits ? String(size) : "–"),
        element("td", {}, fits ? String(jump) : "–"),
        element("td", {}, fits ? String(field) : "–", fits ? bar : ""),
        ...(mistake ? [element("td", { class: wrong[i] === field ? null : "wrong" }, `${wrong[i]}${wrong[i] === field ? "" : " ✗"}`)] : []),
      );
    });
    const focus = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.cell;
    table.replaceChildren(element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
    /** @type {HTMLElement | null} */ (focus ? table.querySelector(`[data-cell="${focus}"]`) : null)?.focus();
    if (bad >= 0) {
      const before = bad > 0 ? stages[bad - 1].size : IMAGE;
      return said.show(`Layer ${bad + 1} does not fit: it gets ${before} × ${before}, and its kernel is wider than that with its padding.`);
    }
    const last = stages.at(-1);
    if (!last) return said.show("No layers: every unit is a pixel and sees itself.");
    const whole = last.field >= IMAGE ? ", the whole width of a digit or more" : "";
    const first = wrong.findIndex((value, i) => value !== stages[i].field);
    const slip = mistake && first >= 0 ? ` The mistaken rule goes wrong in layer ${first + 1}.` : "";
    said.show(`A unit of the last layer sees ${last.field} × ${last.field} pixels${whole}; neighbours are ${last.jump} pixels apart.${slip}`);
  };

  fill(
    el,
    element("div", { class: "controls" }, preset),
    element("div", { class: "scroll" }, table),
    element("div", { class: "buttons" }, addConv, addPool, remove),
    said,
  );
  return follow(model, ["layers", "mistake"], draw);
}

/**
 * @param {any[]} stack
 * @param {any[]} other
 */
function alike(stack, other) {
  const keys = ["kind", "kernel", "stride", "dilation", "padding"];
  return stack.length === other.length && stack.every((layer, i) => keys.every((key) => layer[key] === other[i][key]));
}

export default { render };
