/**
 * The choice of a digit: one of the test set, or one drawn by hand.
 *
 * @typedef {import("./elements.js").Model} Model
 */
import { change, choice, element } from "./elements.js";
import { withArticle } from "./numbers.js";
import { drawingPad } from "./pad.js";
import { imageAt, pack, same, unpack } from "./pictures.js";

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
  const names = labels.map((label, i) => [String(i), `${withArticle(label)} from the test set`]);
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
