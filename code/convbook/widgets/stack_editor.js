/** A stack of layers to edit, with the size, the jump and the field after every layer. */
import { trace } from "./shared/convolution.js";
import { button, change, choice, element, fill, follow, status } from "./shared/elements.js";
import { svg } from "./shared/chart.js";
import { paint, picture, unpack } from "./shared/pictures.js";

const IMAGE = 28;
const LONGEST =
  "A unit of the last layer sees 88 × 88 pixels, the whole width of a digit or more; its neighbours' fields are 16 pixels away. " +
  "The mistaken rule goes wrong in layer 8.";
const AROUND = 4; // pixels around the image, for fields that reach beyond it

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
  const digit = picture("The field of a unit near the middle, after each layer", "A digit with a square for the field of one unit of every layer, the later the larger");
  const squares = svg("svg", { class: "cone", viewBox: `0 0 ${IMAGE + 2 * AROUND} ${IMAGE + 2 * AROUND}`, "aria-hidden": "true" });
  digit.stage.append(squares);
  const image = { data: unpack(model.get("image")).data, height: IMAGE, width: IMAGE, channels: 1 };
  paint(digit.canvas, image, { limits: [0, 1] });
  /** The layer whose field is marked; the last one if null. */
  let chosen = /** @type {number | null} */ (null);
  const table = element("table", { class: "stack" });
  const said = status(LONGEST);
  const presets = model.get("presets");
  const limits = model.get("limits");
  const set = (/** @type {any[]} */ layers, mistake = false) => change(model, { layers, mistake });
  const preset = choice({
    label: "Start from",
    options: { "": "your own stack", ...Object.fromEntries(Object.keys(presets).map((name) => [name, name])) },
    input: (name) => {
      chosen = null;
      if (name) set(presets[name], name.includes("mistake"));
    },
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
    box.addEventListener("change", () => {
      if (box.getAttribute("aria-invalid") !== "true") return;
      box.value = String(value); // the last good number, with which the table was computed
      box.removeAttribute("aria-invalid");
      drawCone();
    });
    return element("td", {}, box);
  };

  /** Draw the field of a unit near the middle of every layer that fits. */
  const drawCone = () => {
    const stages = trace(model.get("layers"), IMAGE);
    const bad = stages.findIndex(({ size }) => size < 1);
    const shown = stages.slice(0, bad < 0 ? undefined : bad);
    const marked = Math.min(chosen ?? shown.length - 1, shown.length - 1);
    const square = (/** @type {number} */ i, /** @type {string} */ name) => {
      const { size, jump, field, start } = shown[i];
      const unit = Math.min(Math.max(Math.round(((IMAGE - field) / 2 - start) / jump), 0), size - 1);
      const at = start + unit * jump + AROUND;
      return svg("rect", { class: name, x: at, y: at, width: field, height: field });
    };
    const all = shown.map((_, i) => square(i, "field"));
    squares.replaceChildren(...all, ...(shown.length ? [square(marked, "halo"), square(marked, "at")] : []));
    table.querySelectorAll("tbody tr").forEach((/** @type {Element} */ row, /** @type {number} */ i) => row.classList.toggle("marked", i === marked));
    speak(stages, bad, marked);
  };
  /** @param {ReturnType<typeof trace>} stages @param {number} bad the first layer that does not fit, or -1 @param {number} marked */
  const speak = (stages, bad, marked) => {
    if (bad >= 0) {
      const before = bad > 0 ? stages[bad - 1].size : IMAGE;
      return said.show(`Layer ${bad + 1} does not fit: it gets ${before} × ${before}, and its kernel is wider than that with its padding.`);
    }
    if (!stages.length) return said.show("No layers: every unit is a pixel and sees itself.");
    const { field, jump, size } = stages[marked];
    const pixels = (/** @type {number | string} */ count) => `${count} ${count === 1 || count === "1 × 1" ? "pixel" : "pixels"}`;
    const layer = marked === stages.length - 1 ? "the last layer" : `layer ${marked + 1}`;
    const whole = field >= IMAGE ? ", the whole width of a digit or more" : "";
    const neighbours = size === 1 ? "it is the only unit of its map" : `its neighbours' fields are ${pixels(jump)} away`;
    const first = model.get("mistake") ? believed(model.get("layers")).findIndex((value, i) => value !== stages[i].field) : -1;
    const slip = first >= 0 ? ` The mistaken rule goes wrong in layer ${first + 1}.` : "";
    said.show(`A unit of ${layer} sees ${pixels(`${field} × ${field}`)}${whole}; ${neighbours}.${slip}`);
  };
  const mark = (/** @type {number} */ layer) => () => {
    chosen = layer;
    drawCone();
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
    const head = [...columns, ...(mistake ? ["Mistaken"] : [])].map((text) => element("th", { scope: "col" }, text));
    const rows = layers.map((layer, i) => {
      const { size, jump, field } = stages[i];
      const fits = bad < 0 || i < bad;
      const bar = element("span", { class: "bar", "aria-hidden": "true" });
      bar.style.width = `${100 * Math.min(field / IMAGE, 1)}%`;
      return element(
        "tr",
        { class: fits ? null : "unfit", onpointerenter: mark(i), onfocusin: mark(i) },
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
    drawCone();
  };

  fill(
    el,
    element(
      "div",
      { class: "cone-and-table" },
      element("div", { class: "beside" }, digit, said),
      element("div", {}, preset, element("div", { class: "scroll" }, table), element("div", { class: "buttons" }, addConv, addPool, remove)),
    ),
    element("p", { class: "hint" }, "Point at a row to mark its field. In the cells of a row, change its layer."),
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
