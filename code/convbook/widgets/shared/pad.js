/** A pad to draw a digit on. */
import { prepareDigit } from "./drawing.js";
import { button, element } from "./elements.js";
import { ink, inTheme } from "./pictures.js";

const SIDE = 280; // pixels of the drawing
const PEN = 22; // as wide as the strokes of MNIST: 2 to 3 of 28 pixels
const STEP = 10; // of the pen by an arrow key

/**
 * A pad to draw on: by mouse, pen, touch, or the arrow keys with the space bar for the pen.
 *
 * Every pointer draws a stroke of its own. What the browser takes back, a palm that it recognises for example, is not
 * drawn, and from the first stroke of a pen until the pad is cleared, only the pen draws. Undo, and Control or Command
 * with Z, take the last stroke back, or bring back what was cleared.
 *
 * @param {(image: Float32Array | null) => void} drawn gets the digit prepared as those of MNIST, or null for an empty pad
 * @returns {HTMLElement & {send(): void, empty(): void}} what sends the drawing again, and what takes it off the pad alone
 */
export function drawingPad(drawn) {
  const canvas = element("canvas", { width: SIDE, height: SIDE, tabindex: 0, role: "application" });
  canvas.setAttribute("aria-label", "Pad to draw a digit on. Arrow keys move the pen, the space bar sets it down or lifts it.");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const nib = element("div", { class: "nib", "aria-hidden": "true", hidden: true });
  const said = element("p", { class: "heard", role: "status" });
  /** @typedef {{kind: string, points: [number, number][]}} Stroke */
  /** @type {Stroke[]} */
  let strokes = [];
  /** What was cleared last, which Undo brings back. @type {Stroke[]} */
  let cleared = [];
  /** @type {Map<number, Stroke>} those that are being drawn, by pointer */
  const open = new Map();
  const keys = { at: /** @type {[number, number]} */ ([SIDE / 2, SIDE / 2]), stroke: /** @type {Stroke | null} */ (null) };
  let asked = 0;

  const send = () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      const { data } = context.getImageData(0, 0, SIDE, SIDE);
      const opacity = new Float32Array(SIDE * SIDE);
      for (let i = 0; i < opacity.length; i++) opacity[i] = data[4 * i + 3] / 255;
      drawn(prepareDigit(opacity, SIDE, SIDE));
    });
  };
  const line = (/** @type {[number, number][]} */ points) => {
    Object.assign(context, { strokeStyle: ink("ink"), lineWidth: PEN, lineCap: "round", lineJoin: "round" });
    context.beginPath();
    context.moveTo(...points[0]);
    for (const [x, y] of points) context.lineTo(x, y + 0.01); // a line without length draws nothing
    context.stroke();
  };
  const redraw = () => {
    context.clearRect(0, 0, SIDE, SIDE);
    for (const { points } of strokes) line(points);
    undo.disabled = !strokes.length && !cleared.length;
  };
  const begin = (/** @type {string} */ kind, /** @type {[number, number]} */ at) => {
    const stroke = { kind, points: [at] };
    strokes.push(stroke);
    cleared = [];
    undo.disabled = false;
    line([at]);
    send();
    return stroke;
  };
  const lengthen = (/** @type {Stroke} */ { points }, /** @type {[number, number]} */ to) => {
    line([points[points.length - 1], to]);
    points.push(to);
    send();
  };
  const remove = (/** @type {Stroke[]} */ unwanted) => {
    for (const [pointer, stroke] of open) if (unwanted.includes(stroke)) open.delete(pointer);
    if (keys.stroke && unwanted.includes(keys.stroke)) keys.stroke = null;
    strokes = strokes.filter((stroke) => !unwanted.includes(stroke));
    redraw();
  };
  const drop = (/** @type {Stroke[]} */ unwanted) => {
    remove(unwanted);
    send();
  };
  const clear = () => {
    if (strokes.length) cleared = strokes;
    remove(strokes);
  };
  const takeBack = () => {
    if (strokes.length) return drop(strokes.slice(-1));
    [strokes, cleared] = [cleared, []];
    redraw();
    send();
  };
  const undo = button("Undo", takeBack);
  undo.setAttribute("aria-label", "Undo the last stroke or the clearing");

  const at = (/** @type {PointerEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    const across = ((event.clientX - box.left) / box.width) * SIDE;
    return /** @type {[number, number]} */ ([across, ((event.clientY - box.top) / box.height) * SIDE]);
  };
  canvas.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0) return;
    const { pointerId, pointerType } = event;
    if (pointerType === "touch" && strokes.some(({ kind }) => kind === "pen")) return;
    if (pointerType === "pen") drop([...open.values()].filter(({ kind }) => kind === "touch")); // a palm
    canvas.setPointerCapture(pointerId);
    nib.hidden = true;
    open.set(pointerId, begin(pointerType, at(event)));
  });
  canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    const stroke = open.get(event.pointerId);
    if (!stroke) return;
    if (!(event.buttons & 1)) return open.delete(event.pointerId); // it was lifted where the page did not see it
    const parts = event.getCoalescedEvents?.() ?? [];
    for (const part of parts.length ? parts : [event]) lengthen(stroke, at(part));
  });
  for (const end of ["pointerup", "lostpointercapture"]) {
    canvas.addEventListener(end, (/** @type {PointerEvent} */ event) => open.delete(event.pointerId));
  }
  canvas.addEventListener("pointercancel", (/** @type {PointerEvent} */ event) => {
    const cancelled = open.get(event.pointerId);
    if (cancelled) drop([cancelled]);
  });

  /** @type {Record<string, [number, number]>} */
  const steps = { ArrowUp: [0, -STEP], ArrowDown: [0, STEP], ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0] };
  canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const step = steps[event.key];
    if (event.key === "z" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (!undo.disabled) takeBack();
    }
    if ((!step && event.key !== " ") || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (step) {
      const [x, y] = keys.at.map((value, axis) => Math.min(Math.max(value + step[axis], 0), SIDE));
      keys.at = [x, y];
      if (keys.stroke) lengthen(keys.stroke, keys.at);
    } else {
      keys.stroke = keys.stroke ? null : begin("keys", keys.at);
      said.textContent = keys.stroke ? "Pen down" : "Pen up";
    }
    nib.hidden = false;
    nib.style.left = `${(100 * keys.at[0]) / SIDE}%`;
    nib.style.top = `${(100 * keys.at[1]) / SIDE}%`;
  });
  canvas.addEventListener("blur", () => {
    keys.stroke = null;
    nib.hidden = true;
  });

  inTheme(canvas, redraw);
  const stage = element("div", { class: "stage pad" }, canvas, nib);
  const tools = element("div", { class: "strokes" }, undo, button("Clear the pad", () => (clear(), send())));
  const whole = element("div", { class: "drawing" }, element("span", {}, "Draw here"), stage, tools, said);
  return Object.assign(whole, { send, empty: clear });
}
