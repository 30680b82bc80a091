/**
 * What a reader presses around the stage of the strip: the pad with digits to choose from, the switches, and the tools below.
 *
 * @typedef {import("./strip_state.js").State} State
 */
import { button, change, choice, element } from "./elements.js";
import { withArticle } from "./numbers.js";
import { drawingPad } from "./pad.js";
import { imageAt, pack, same, unpack } from "./pictures.js";
import { rounded } from "./strip_address.js";
import { isAny, isOff } from "./strip_runs.js";

/**
 * The pad with ten digits of the test set below it.
 *
 * @param {import("./elements.js").Model} model
 */
export function digitPad(model) {
  const digits = unpack(model.get("digits"));
  let drawn = new Float32Array();
  const drawing = drawingPad((image) => {
    drawn = rounded(image ?? new Float32Array(784));
    hint.hidden = image !== null;
    change(model, { image: pack(drawn, [28, 28]) });
  });
  const hint = element("span", { class: "hint", "aria-hidden": "true" }, "Draw a digit");
  const stage = /** @type {HTMLElement} */ (drawing.querySelector(".stage"));
  stage.append(hint);
  for (const begun of ["pointerdown", "keydown"]) stage.addEventListener(begun, () => (hint.hidden = true));
  /** @type {number[]} */
  const labels = model.get("labels");
  const images = labels.map((_, i) => imageAt(digits, i).data);
  const shelf = labels.map((label, i) => {
    const name = `${withArticle(label).replace("a", "A")} from the test set`;
    return named(String(label), name, () => change(model, { image: pack(images[i], [28, 28]) }));
  });
  const find = (/** @type {Float32Array} */ data) => images.findIndex((each) => same(data, each));
  const ready = element("div", { class: "ready" }, element("span", {}, "or choose one of these"), ...shelf);
  return Object.assign(element("div", { class: "strip-pad" }, drawing, ready), {
    images,
    /** Which digit of the test set it is; -1 for none of them. */
    find,
    /** Mark the digit that is shown; a drawing that is no longer shown goes. */
    show(/** @type {Float32Array} */ data) {
      shelf.forEach((made, i) => made.setAttribute("aria-pressed", String(i === find(data))));
      if (same(data, drawn)) return;
      drawing.empty();
      hint.hidden = false;
    },
  });
}

/**
 * The buttons that turn parts of the network off and on.
 *
 * @param {{allOn: () => void, turnRelu: () => void, turnMap: () => void}} does
 */
export function switchRow({ allOn, turnRelu, turnMap }) {
  const [all, relu, map] = [button("All on", allOn), button("", turnRelu), button("", turnMap)];
  return Object.assign(element("div", { class: "strip-switches" }, all, relu, map), {
    show(/** @type {State} */ { net, off, level, unit }) {
      const its = net.columns[unit.layer].relu;
      relu.hidden = level < 1 || !its;
      relu.textContent = `Turn the ReLU ${off.relus.has(its) ? "on" : "off"}`;
      map.hidden = level < 2;
      map.textContent = `Turn map ${unit.channel} ${isOff(off, net, unit) ? "on" : "off"}`;
      all.hidden = level < 1 && !isAny(off);
      all.style.visibility = isAny(off) ? "" : "hidden"; // it keeps its room, so that nothing jumps
    },
  });
}

/**
 * The networks to choose from, if there are several.
 *
 * @param {{title: string}[]} networks
 * @param {(network: number) => void} choose
 */
export function networkChoice(networks, choose) {
  const options = Object.fromEntries(networks.map(({ title }, i) => [String(i), title]));
  const whole = choice({ label: "Network", options, input: (i) => choose(Number(i)) });
  whole.hidden = networks.length < 2;
  return whole;
}

/**
 * The row below the stage: shift a digit, compare it, average over many, choose a network.
 *
 * @param {{shift: (down: number, right: number) => void, unshift: () => void, keep: () => void, look: (view: string) => void,
 *   average: () => void}} does
 * @param {HTMLElement} networks to choose from
 */
export function toolRow({ shift, unshift, keep, look, average }, networks) {
  const reset = named("Reset", "Reset the shift", unshift);
  const ways = /** @type {[string, string, number, number][]} */ ([["←", "left", 0, -1], ["↑", "up", -1, 0], ["↓", "down", 1, 0], ["→", "right", 0, 1]]);
  const shifts = ways.map(([sign, way, down, right]) => named(sign, `Shift the digit ${way}`, () => shift(down, right)));
  const views = viewButtons(look);
  const [keeping, averaging] = [button("", keep), button("", average)];
  const shifting = group("Shift the digit by a pixel", element("span", {}, "Shift"), ...shifts, reset);
  return Object.assign(element("div", { class: "strip-tools" }, shifting, keeping, views, averaging, networks, legend()), {
    show(/** @type {State} */ state) {
      reset.disabled = !state.moved.some(Boolean);
      views.show(state);
      keeping.textContent = state.kept && !state.shifting ? "Forget the kept digit" : "Keep this digit to compare";
      averaging.disabled = state.averaging;
      averaging.textContent = state.averaging ? "Averaging …" : state.view === "average" ? "Back to one digit" : "Average over many digits";
    },
  });
}

/**
 * What the maps can show while a digit is kept.
 *
 * @param {(view: string) => void} look
 */
function viewButtons(look) {
  const views = group("What the maps show");
  return Object.assign(views, {
    show(/** @type {State} */ { kept, shifting, view }) {
      const names = kept ? { now: "Now", kept: shifting ? "Before" : "Kept", difference: "Difference" } : {};
      const wanted = Object.values(names).join();
      if (views.dataset.views !== wanted) {
        views.dataset.views = wanted; // the button that has the focus keeps it
        views.replaceChildren(...Object.entries(names).map(([value, name]) => Object.assign(button(name, () => look(value)), { value })));
      }
      for (const each of views.children) each.setAttribute("aria-pressed", String(each.value === view));
      views.hidden = !kept;
    },
  });
}

/**
 * @param {string} name
 * @param {...HTMLElement} children
 */
function group(name, ...children) {
  return element("div", { class: "strip-views", role: "group", "aria-label": name }, ...children);
}

/**
 * A button whose sign says too little to those who only hear it.
 *
 * @param {string} sign
 * @param {string} name
 * @param {() => void} press
 */
function named(sign, name, press) {
  const made = button(sign, press);
  made.setAttribute("aria-label", name);
  return made;
}

/** What the colours of the maps mean. */
function legend() {
  const scale = (/** @type {string} */ name, /** @type {string[]} */ ...ends) =>
    element("span", { class: `scale ${name}` }, ...ends.map((end) => element("span", {}, end)));
  return element("p", { class: "strip-legend" }, scale("unsigned", "0", "large"), scale("signed", "negative", "0", "positive"));
}
