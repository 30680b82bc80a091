/**
 * The parts of the strip that are no canvas: the ten probabilities, the path of the zoom, the products of a unit.
 *
 * @typedef {import("./anatomy.js").Part} Part
 * @typedef {import("./anatomy.js").Step} Step
 */
import { button, element } from "./elements.js";
import { brief, number } from "./numbers.js";

/** The ten probabilities as bars, those of a second digit as marks on them. */
export function probabilityBars() {
  const rows = Array.from({ length: 10 }, (_, k) => {
    const bar = element("span", { class: "bar" });
    const other = element("span", { class: "other", hidden: true });
    const share = element("span", { class: "share" });
    return { bar, other, share, row: element("li", {}, element("b", {}, String(k)), element("span", { class: "rail" }, bar, other), share) };
  });
  const [lead, answer] = [element("span"), element("b")];
  const verdict = element("p", { class: "strip-verdict", "aria-hidden": "true" }, lead, " ", answer);
  const list = element("ol", { class: "bars", "aria-label": "Probability of each digit" }, ...rows.map(({ row }) => row));
  const whole = element("div", { class: "strip-end" }, verdict, list);
  return Object.assign(whole, {
    /** Without others there are no marks; a mean is no verdict. */
    show(/** @type {number[]} */ shares, /** @type {ArrayLike<number> | undefined} */ others, mean = "") {
      const best = mean ? -1 : shares.indexOf(Math.max(...shares));
      [lead.textContent, answer.textContent] = mean ? [mean, ""] : ["The network says", String(best)];
      rows.forEach(({ bar, other, share, row }, k) => {
        bar.style.width = `${100 * shares[k]}%`;
        other.hidden = !others;
        if (others) other.style.left = `${100 * others[k]}%`;
        share.textContent = `${(100 * shares[k]).toFixed(1)} %`;
        row.classList.toggle("best", k === best);
      });
    },
  });
}

/**
 * Write a probability so that it can be told from 0 and from 1.
 *
 * @param {number} share
 */
export function percent(share) {
  const decimals = Math.ceil(-Math.log10(Math.min(share, 1 - share))) - 1;
  return `${(100 * share).toFixed(Math.min(Math.max(decimals, 1), 6))} %`;
}

/**
 * The path from the whole network to where one is; each step of it is a way back.
 *
 * @param {(level: number) => void} go
 */
export function pathOf(go) {
  const list = element("ol", {});
  const whole = element("nav", { class: "strip-path", "aria-label": "Where you are in the network" }, list);
  return Object.assign(whole, {
    show(/** @type {string[]} */ names) {
      if (list.textContent === names.join("")) return; // the button that has the focus keeps it
      list.replaceChildren(
        ...names.map((name, level) => {
          const last = level === names.length - 1;
          const step = last ? element("span", { "aria-current": "location" }, name) : button(name, () => go(level));
          return element("li", {}, step);
        }),
      );
    },
  });
}

/**
 * All products of a unit, one block for each map that it reads, and the steps from their sum to the unit's value.
 *
 * @param {(part: number, product: number) => void} point
 */
export function productTables(point) {
  const blocks = element("div", { class: "blocks" });
  const tape = element("ol", { class: "tape", "aria-label": "From the products to the value" });
  const whole = element("div", { class: "products", hidden: true }, blocks, tape);
  /** @type {any[][]} */
  let cells = [];
  return Object.assign(whole, {
    /**
     * @param {Part[]} parts
     * @param {Step[]} steps
     * @param {{part: number, product: number}} at which product is pointed at
     * @param {string} from what the maps are maps of
     */
    show(parts, steps, at, from) {
      const kernel = Math.sqrt(parts[0].products.length);
      if (cells.length !== parts.length || cells[0].length !== parts[0].products.length) {
        cells = parts.map((part, p) => part.products.map((_, i) => element("td", { onpointerenter: () => point(p, i), onclick: () => point(p, i) })));
        blocks.classList.toggle("single", kernel === 1);
        blocks.replaceChildren(
          ...parts.map((_, p) => {
            const rows = Array.from({ length: kernel }, (_, r) => element("tr", {}, ...cells[p].slice(r * kernel, (r + 1) * kernel)));
            return element("table", {}, element("caption", {}), element("tbody", {}, ...rows));
          }),
        );
      }
      const most = Math.max(...parts.flatMap(({ products }) => products.filter(Number.isFinite).map(Math.abs))) || 1;
      parts.forEach(({ channel, products, weights, sum }, p) => {
        const title = from === "digit" ? "digit" : `map ${channel}`;
        const words = weights.length ? `${title} · ${brief(sum)}` : title;
        blocks.children[p].querySelector("caption").textContent = kernel === 1 ? String(channel) : words;
        products.forEach((product, i) => {
          const cell = cells[p][i];
          cell.textContent = Number.isFinite(product) ? brief(product) : "";
          cell.style.setProperty("--share", `${Number.isFinite(product) ? (75 * Math.abs(product)) / most : 0}%`);
          const here = p === at.part && i === at.product;
          if (here && !cell.classList.contains("pointed")) reveal(cell, blocks);
          cell.className = `${product < 0 ? "below" : ""} ${here ? "pointed" : ""}`;
        });
      });
      tape.replaceChildren(
        ...steps.map(({ words, value }) => element("li", {}, element("span", {}, words), element("b", {}, number(value)))),
        element("li", { class: "note" }, "numbers are rounded"),
      );
    },
  });
}

/**
 * Scroll what holds a cell, and nothing around it, until the cell is in view.
 *
 * @param {HTMLElement} cell
 * @param {HTMLElement} holder
 */
function reveal(cell, holder) {
  const [inner, outer] = [cell.getBoundingClientRect(), holder.getBoundingClientRect()];
  if (inner.top < outer.top) holder.scrollTop -= outer.top - inner.top + 20;
  if (inner.bottom > outer.bottom) holder.scrollTop += inner.bottom - outer.bottom + 4;
}
