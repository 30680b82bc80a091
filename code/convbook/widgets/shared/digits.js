/**
 * The choice of a digit: one of the test set, or one drawn by hand.
 *
 * @typedef {import("./elements.js").Model} Model
 */
import { prepareDigit } from "./drawing.js";
import { button, change, choice, element } from "./elements.js";
import { imageAt, pack, same, unpack } from "./pictures.js";

const SIDE = 280; // pixels of the drawing
const PEN = 22; // as wide as the strokes of MNIST: 2 to 3 of 28 pixels
const STEP = 10; // of the pen by an arrow key

/**
 * A choice of digits, and a pad to draw on. Both set the trait `image`.
 *
 * @param {Model} model with the traits `digits` (uint8), `labels` and `image`
 * @param {boolean} open whether the pad is there from the start
 * @returns {HTMLElement}
 */
export function digitPicker(model, open = false) {
  const digits = unpack(model.get("digits"));
  /** @type {number[]} */
  const labels = model.get("labels");
  const names = labels.map((label, i) => [String(i), `a ${label} of the test set`]);
  const pad = drawingPad((image) => {
    list.show("draw");
    change(model, { image: pack(image ?? new Float32Array(784), [28, 28]) });
  });
  const show = (/** @type {string} */ which) => {
    pad.hidden = !open && which !== "draw";
    if (which === "draw") pad.send();
    else change(model, { image: pack(imageAt(digits, Number(which)).data, [28, 28]) });
  };
  const options = { ...Object.fromEntries(names), draw: "your own drawing" };
  const list = choice({ label: "Digit", options, input: show });
  const shown = unpack(model.get("image")).data;
  list.show(names.map(([i]) => i).find((i) => same(imageAt(digits, Number(i)).data, shown)) ?? "");
  pad.hidden = !open;
  return element("div", { class: "picker" }, list, pad);
}

/**
 * A pad to draw on: by mouse, pen, touch, or the arrow keys with the space bar for the pen.
 *
 * @param {(image: Float32Array | null) => void} drawn gets the digit prepared as those of MNIST, or null for an empty pad
 * @returns {HTMLElement & {send(): void}}
 */
export function drawingPad(drawn) {
  const canvas = element("canvas", { width: SIDE, height: SIDE, tabindex: 0, role: "application" });
  canvas.setAttribute("aria-label", "Pad to draw a digit on. Arrow keys move the pen, the space bar sets it down or lifts it.");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const nib = element("div", { class: "nib", "aria-hidden": "true", hidden: true });
  const said = element("p", { class: "heard", role: "status" });
  let place = [SIDE / 2, SIDE / 2];
  let down = false;
  let asked = 0;

  const send = () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      const { data } = context.getImageData(0, 0, SIDE, SIDE);
      const ink = Float32Array.from({ length: SIDE * SIDE }, (_, i) => data[4 * i] / 255);
      drawn(prepareDigit(ink, SIDE, SIDE));
    });
  };
  const wipe = () => {
    context.fillStyle = "#000";
    context.fillRect(0, 0, SIDE, SIDE);
  };
  const clear = () => {
    wipe();
    send();
  };
  const stroke = (/** @type {number[]} */ to) => {
    Object.assign(context, { strokeStyle: "#fff", lineWidth: PEN, lineCap: "round", lineJoin: "round" });
    context.beginPath();
    context.moveTo(place[0], place[1]);
    context.lineTo(to[0], to[1] + 0.01); // a line without length draws nothing
    context.stroke();
    send();
  };
  const at = (/** @type {PointerEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  };
  canvas.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    canvas.setPointerCapture(event.pointerId);
    nib.hidden = true;
    down = true;
    place = at(event);
    stroke(place);
  });
  canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (!down || !event.buttons) return;
    for (const part of event.getCoalescedEvents?.() ?? [event]) {
      const to = at(part);
      stroke(to);
      place = to;
    }
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (down = false));

  /** @type {Record<string, [number, number]>} */
  const steps = { ArrowUp: [0, -STEP], ArrowDown: [0, STEP], ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0] };
  canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const step = steps[event.key];
    if (!step && event.key !== " ") return;
    event.preventDefault();
    if (step) {
      const to = place.map((value, axis) => Math.min(Math.max(value + step[axis], 0), SIDE));
      if (down) stroke(to);
      place = to;
    } else {
      down = !down;
      if (down) stroke(place);
      said.textContent = down ? "Pen down" : "Pen up";
    }
    nib.hidden = false;
    nib.style.left = `${(100 * place[0]) / SIDE}%`;
    nib.style.top = `${(100 * place[1]) / SIDE}%`;
  });
  canvas.addEventListener("blur", () => {
    down = false;
    nib.hidden = true;
  });

  wipe();
  const stage = element("div", { class: "stage pad" }, canvas, nib);
  const whole = element("div", { class: "drawing" }, element("span", {}, "Draw here"), stage, button("Clear the pad", clear), said);
  return Object.assign(whole, { send });
}
