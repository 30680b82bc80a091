/**
 * Elements of the figures: controls with names, a live region, and the tie between controls and the model.
 *
 * @typedef {{get(name: string): any, set(name: string, value: any): void, save_changes(): void,
 *   on(event: string, callback: () => void): void, off(event: string, callback: () => void): void}} Model
 * @typedef {HTMLElement & {show(value: any): void}} Control
 */

import { short, typed } from "./numbers.js";

/**
 * Build an element.
 *
 * @param {string} tag
 * @param {Record<string, any>} attributes those that start with "on" are listeners; null is left out
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children);
  return made;
}

/**
 * Put a figure's parts into its place. The keys that it gets do not reach the notebook around it, where an arrow moves
 * to another cell and a letter is a command; with Control or Command they do.
 *
 * @param {HTMLElement} place
 * @param {...Node} parts
 */
export function fill(place, ...parts) {
  place.classList.add("convbook-figure");
  place.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
  });
  place.append(...parts);
}

/**
 * Draw whenever one of the traits changes, at most once a frame, and as soon as the figure is there.
 *
 * @param {Model} model
 * @param {string[]} traits
 * @param {() => void} draw
 * @returns {() => void} stops it
 */
export function follow(model, traits, draw) {
  let asked = 0;
  const ask = () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      draw();
    });
  };
  for (const trait of traits) model.on(`change:${trait}`, ask);
  draw();
  return () => {
    cancelAnimationFrame(asked);
    for (const trait of traits) model.off(`change:${trait}`, ask);
  };
}

/**
 * Set traits, here and in Python.
 *
 * @param {Model} model
 * @param {Record<string, any>} traits
 */
export function change(model, traits) {
  for (const [name, value] of Object.entries(traits)) model.set(name, value);
  model.save_changes();
}

/**
 * A slider with its name and its value in words.
 *
 * @param {{label: string, title?: string, min: number, max: number, step?: number, words?: (value: number) => string,
 *   input: (value: number) => void}} options the title is what is seen, if not the label
 * @returns {Control & {limit(most: number): void}}
 */
export function slider({ label, title = label, min, max, step = 1, words = String, input }) {
  const range = element("input", { type: "range", min, max, step, "aria-label": label });
  const said = element("span", { class: "value" });
  const show = (/** @type {number} */ value) => {
    range.value = String(value);
    said.textContent = words(value);
    range.setAttribute("aria-valuetext", words(value));
  };
  range.addEventListener("input", () => {
    show(Number(range.value));
    input(Number(range.value));
  });
  const whole = element("label", { class: "control" }, element("span", {}, title, " ", said), range);
  return Object.assign(whole, {
    show,
    limit(/** @type {number} */ most) {
      range.max = String(most);
    },
  });
}

/**
 * A slider over values that stand in a list.
 *
 * @param {{label: string, values: number[], words?: (value: number) => string, input: (value: number) => void}} options
 * @returns {Control}
 */
export function listSlider({ label, values, words = String, input }) {
  const places = { min: 0, max: values.length - 1 };
  const whole = slider({ label, ...places, words: (i) => words(values[i]), input: (i) => input(values[i]) });
  const { show } = whole;
  return Object.assign(whole, { show: (/** @type {number} */ value) => show(values.indexOf(value)) });
}

/**
 * A list of which one entry is chosen.
 *
 * @param {{label: string, options: Record<string, string> | [string, string][], input: (value: string) => void}} options values
 *   with names; as pairs they keep their order, numbers too
 * @returns {Control}
 */
export function choice({ label, options, input }) {
  const entries = (Array.isArray(options) ? options : Object.entries(options)).map(([value, name]) => element("option", { value }, name));
  const select = element("select", { "aria-label": label, onchange: () => input(select.value) }, ...entries);
  const whole = element("label", { class: "control" }, element("span", {}, label), select);
  return Object.assign(whole, {
    show(/** @type {string} */ value) {
      select.value = value;
    },
  });
}

/**
 * A box to tick.
 *
 * @param {{label: string, input: (value: boolean) => void}} options
 * @returns {Control}
 */
export function checkbox({ label, input }) {
  const box = element("input", { type: "checkbox", onchange: () => input(box.checked) });
  const whole = element("label", { class: "control tick" }, box, element("span", {}, label));
  return Object.assign(whole, {
    show(/** @type {boolean} */ value) {
      box.checked = value;
    },
  });
}

/**
 * A button.
 *
 * @param {string} label
 * @param {() => void} press
 * @returns {HTMLButtonElement}
 */
export function button(label, press) {
  return element("button", { type: "button", onclick: press }, label);
}

/**
 * A button that plays and pauses. It is not there for readers who want less motion: they have the controls beside it.
 *
 * @param {number} pace milliseconds from step to step
 * @param {() => void} step
 * @returns {HTMLButtonElement & {pause(): void}}
 */
export function player(pace, step) {
  let ticking = 0;
  const pause = () => {
    clearInterval(ticking);
    ticking = 0;
    play.textContent = "Play";
  };
  const play = button("Play", () => {
    if (ticking) return pause();
    ticking = setInterval(step, pace);
    play.textContent = "Pause";
  });
  play.hidden = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return Object.assign(play, { pause });
}

/**
 * A square of numbers to edit, each cell filled with the colour of its sign. What is no number stays in its box, marked,
 * and changes nothing.
 *
 * @param {{label: string, title?: string, input: (values: Float32Array, size: number) => void}} options the title is what
 *   stands above, if not the label
 * @returns {HTMLElement & {show(values: ArrayLike<number>, size: number, around?: {above: string[], below: string[]}): void}}
 *   `around` has a line above and below each number
 */
export function numberGrid({ label, title = label, input }) {
  const grid = element("div", { class: "numbers" });
  const wrong = element("p", { class: "problem", role: "alert" });
  const whole = element("fieldset", {}, element("legend", {}, title), grid, wrong);
  const isWrong = (/** @type {HTMLInputElement} */ box) => box.getAttribute("aria-invalid") === "true";
  /** @type {{box: HTMLInputElement, cell: HTMLElement, above: HTMLElement, below: HTMLElement}[]} */
  let cells = [];
  let numbers = new Float32Array(); // in full; the boxes show them rounded
  const read = (/** @type {number} */ at) => {
    const { box } = cells[at];
    const value = typed(box.value);
    const usable = Math.abs(value) <= 1000; // NaN is not
    box.setAttribute("aria-invalid", String(!usable));
    wrong.textContent = usable ? "" : `${box.getAttribute("aria-label")}: type a number from −1000 to 1000.`;
    if (usable) input(numbers.map((other, i) => (i === at ? value : other)), Math.sqrt(numbers.length));
  };
  const make = (/** @type {number} */ i, /** @type {number} */ size) => {
    const box = element("input", {
      type: "text",
      inputmode: "text", // phones leave the minus out of their keyboard for decimals
      size: 4,
      "aria-label": `${label}, row ${Math.floor(i / size)}, column ${i % size}`,
      oninput: () => read(i),
    });
    const [above, below] = [element("small", {}), element("b", {})];
    return { box, above, below, cell: element("div", { class: "product" }, above, box, below) };
  };
  return Object.assign(whole, {
    show(/** @type {ArrayLike<number>} */ values, /** @type {number} */ size, /** @type {any} */ around = null) {
      numbers = Float32Array.from(values);
      if (cells.length !== size * size) {
        cells = Array.from({ length: size * size }, (_, i) => make(i, size));
        grid.replaceChildren(...cells.map(({ cell }) => cell));
        grid.style.gridTemplateColumns = `repeat(${size}, minmax(0, 1fr))`;
      }
      const most = numbers.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
      cells.forEach(({ box, cell, above, below }, i) => {
        cell.style.setProperty("--share", String(Math.abs(numbers[i]) / most));
        cell.classList.toggle("negative", numbers[i] < 0);
        above.textContent = around?.above[i] ?? "";
        below.textContent = around?.below[i] ?? "";
        // What somebody is typing stays: "0." is the number already, and "-" is going to be one.
        const unfinished = isWrong(box) || Math.fround(typed(box.value)) === numbers[i];
        if (box === document.activeElement && unfinished) return;
        box.value = short(values[i], size < 5 ? 3 : 2); // as there is room for
        box.setAttribute("aria-invalid", "false");
      });
      if (!cells.some(({ box }) => isWrong(box))) wrong.textContent = "";
    },
  });
}

/**
 * A sign between two pictures; the words around it say the same.
 *
 * @param {string} sign
 * @returns {HTMLElement}
 */
export function operator(sign) {
  return element("span", { class: "operator", "aria-hidden": "true" }, sign);
}

/**
 * A sentence that is read out when it changes, once the reader pauses.
 *
 * @param {string} [longest] the longest sentence that it can be, for which there is room from the start, at every width
 * @returns {HTMLElement & {show(sentence: string): void}}
 */
export function status(longest = "") {
  const seen = element("p", { class: "status", "aria-hidden": "true" });
  const heard = element("p", { class: "heard", role: "status" });
  const whole = element("div", { class: "said", "data-longest": longest }, seen, heard);
  let wait = 0;
  return Object.assign(whole, {
    show(/** @type {string} */ sentence) {
      if (seen.textContent === sentence) return;
      seen.textContent = sentence;
      clearTimeout(wait);
      wait = setTimeout(() => (heard.textContent = sentence), 400);
    },
  });
}

/**
 * Let a picture be pointed at: by mouse, touch, or the arrow keys. Where it follows the mouse, a press holds the place,
 * and another press there, or Escape, lets it go.
 *
 * @param {HTMLElement} target
 * @param {{label: string, size: () => [number, number], place: () => [number, number],
 *   move: (row: number, column: number) => void, hover?: boolean, pin?: {held: boolean}}} options `pin` is shared by
 *   pictures that show the same place
 */
export function pointable(target, { label, size, place, move, hover = true, pin = { held: false } }) {
  target.tabIndex = 0;
  target.setAttribute("role", "application");
  target.setAttribute("aria-roledescription", "picture to explore with the arrow keys");
  target.setAttribute("aria-label", label);
  target.classList.add("pointable");
  const go = (/** @type {number} */ row, /** @type {number} */ column) => {
    const [rows, columns] = size();
    const inside = (/** @type {number} */ value, /** @type {number} */ end) => Math.min(Math.max(value, 0), end - 1);
    move(inside(row, rows), inside(column, columns));
  };
  const point = (/** @type {PointerEvent} */ event) => {
    const box = target.getBoundingClientRect();
    const [rows, columns] = size();
    const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
    go(row, Math.floor(((event.clientX - box.left) / box.width) * columns));
  };
  target.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const before = String(place());
    point(event);
    pin.held = !(pin.held && before === String(place()));
  });
  if (hover) {
    target.addEventListener("pointermove", (event) => {
      if (!pin.held || event.buttons & 1) point(event);
    });
  }
  /** @type {Record<string, [number, number]>} */
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  target.addEventListener("keydown", (event) => {
    if (event.key === "Escape") pin.held = false;
    const step = steps[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault(); // the page stays where it is
    pin.held = true;
    const [row, column] = place();
    go(row + step[0], column + step[1]);
  });
}
