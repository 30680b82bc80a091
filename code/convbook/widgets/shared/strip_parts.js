/**
 * The parts of the strip that say something beside its picture: the ten probabilities, the path of the zoom, the products of
 * a unit, and the words.
 *
 * @typedef {import("./anatomy.js").Part} Part
 * @typedef {import("./strip_state.js").State} State
 */
import { button, element, status } from "./elements.js";
import { brief, number } from "./numbers.js";
import { ahead } from "./scene.js";
import { isEmpty, manyOf, productsOf, shownRun } from "./strip_state.js";
import { asideWords, mainWords, noteWords, pathWords } from "./strip_words.js";

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
    show(/** @type {State} */ state) {
      const { net, view, now, kept, whole: full } = state;
      const many = manyOf(state);
      // Without others there are no marks; a mean is no verdict.
      const shares = Array.from((view === "difference" ? now : shownRun(state)).outputs[net.last].data);
      const others = (view === "now" || view === "difference" ? (kept ?? full) : null)?.outputs[net.last].data;
      const best = many ? -1 : shares.indexOf(Math.max(...shares));
      [lead.textContent, answer.textContent] = many ? [`Mean of ${many} digits`, ""] : ["The network says", String(best)];
      whole.classList.toggle("empty", isEmpty(state));
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
 * The path from the whole network to where one is; each step of it is a way back.
 *
 * @param {(level: number) => void} go
 */
export function pathOf(go) {
  const list = element("ol", {});
  const whole = element("nav", { class: "strip-path", "aria-label": "Where you are in the network" }, list);
  return Object.assign(whole, {
    show(/** @type {State} */ state) {
      const names = pathWords(state);
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
  const build = (/** @type {Part[]} */ parts, /** @type {number} */ kernel) => {
    cells = parts.map((part, p) => part.products.map((_, i) => element("td", { onpointerenter: () => point(p, i), onclick: () => point(p, i) })));
    blocks.classList.toggle("single", kernel === 1);
    blocks.replaceChildren(
      ...cells.map((its) => {
        const rows = Array.from({ length: kernel }, (_, r) => element("tr", {}, ...its.slice(r * kernel, (r + 1) * kernel)));
        return element("table", {}, element("caption", {}), element("tbody", {}, ...rows));
      }),
    );
  };
  return Object.assign(whole, {
    show(/** @type {State} */ state) {
      if (state.level < 3) return;
      const { parts, steps, part, index } = productsOf(state);
      const kernel = Math.sqrt(parts[0].products.length);
      if (cells.length !== parts.length || cells[0].length !== parts[0].products.length) build(parts, kernel);
      const most = Math.max(...parts.flatMap(({ products }) => products.filter(Number.isFinite).map(Math.abs))) || 1;
      parts.forEach(({ channel, products, weights, sum }, p) => {
        const title = state.unit.layer ? `map ${channel}` : "digit";
        const words = weights.length ? `${title} · ${brief(sum)}` : title;
        blocks.children[p].querySelector("caption").textContent = kernel === 1 ? String(channel) : words;
        products.forEach((product, i) => {
          const cell = cells[p][i];
          cell.textContent = Number.isFinite(product) ? brief(product) : "";
          cell.style.setProperty("--share", `${Number.isFinite(product) ? (75 * Math.abs(product)) / most : 0}%`);
          const here = p === part && i === index;
          if (here && !cell.classList.contains("pointed")) reveal(cell, blocks);
          cell.className = `${product < 0 ? "below" : ""} ${here ? "pointed" : ""}`;
        });
      });
      tape.replaceChildren(
        ...steps.map(({ words, value }) => element("li", {}, element("span", {}, words), element("b", {}, number(value)))),
        element("li", { class: "note" }, "numbers are rounded"),
      );
    },
    /** Take the place that the picture leaves free. */
    layOut(/** @type {State} */ { level, scene: { free } }) {
      whole.hidden = level < 3;
      Object.assign(whole.style, { left: `${free.x}px`, top: `${free.y}px`, width: `${free.width}px`, height: `${free.height}px` });
    },
    /** Point at the next product in a direction. */
    step(/** @type {number} */ down, /** @type {number} */ right) {
      const places = cells.flat().map((cell) => ({ cell, x: cell.getBoundingClientRect().x, y: cell.getBoundingClientRect().y }));
      const from = places.find(({ cell }) => cell.classList.contains("pointed"));
      if (from) ahead(from, places, down, right)?.cell.click();
    },
  });
}

/** What is said below the stage. */
export function stripWords() {
  const [said, aside] = [status(), status()];
  const note = element("p", { class: "strip-note" });
  return Object.assign(element("div", { class: "strip-words" }, said, aside, note), {
    /**
     * @param {State} state
     * @param {number | undefined} label of a digit of the test set
     */
    show(state, label) {
      aside.show(asideWords(state));
      note.textContent = noteWords(state);
      said.show(mainWords(state, label));
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
