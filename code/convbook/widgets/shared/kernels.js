/** The choice of a hand-made kernel by its name. */
import { choice } from "./elements.js";
import { same } from "./pictures.js";

/**
 * @param {Record<string, number[][]>} presets
 * @param {(values: number[], size: number) => void} input
 * @returns {HTMLElement & {show(values: ArrayLike<number>): void}}
 */
export function kernelPicker(presets, input) {
  const names = Object.fromEntries(Object.keys(presets).map((name) => [name, name.replace("_", " ")]));
  const list = choice({
    label: "Kernel by name",
    options: { "": "none of these", ...names },
    input: (name) => name && input(presets[name].flat(), presets[name].length),
  });
  const show = list.show;
  return Object.assign(list, {
    show(/** @type {ArrayLike<number>} */ values) {
      show(Object.keys(presets).find((name) => same(presets[name].flat(), values)) ?? "");
    },
  });
}
