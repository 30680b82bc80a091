/** Charts: lines and dots over two axes, as SVG in the colours of the page, as wide as their place. */
import { element } from "./elements.js";
import { grouped, powerOfTen, precise } from "./numbers.js";

export const EDGE = { left: 58, right: 14, top: 12, bottom: 42 }; // around the area between the axes, in pixels of the page
// A line without a colour of its own takes the next; each has a dash of its own, so that colour carries nothing alone.
const LOOKS = ["first", "second", "third", "fourth"];
const DASHES = ["", "7 4", "2 3", "9 3 2 3"];

/**
 * @typedef {[number, number]} Point
 * @typedef {{name: string, points: Point[], color?: string, dash?: string, faint?: boolean}} Line colours are those of the tokens
 * @typedef {{name: string, low: Point[], high: Point[], color: string}} Band what is between two lines
 * @typedef {{x: Point, y: Point, xName: string, yName: string, log?: boolean, logX?: boolean, lines?: Line[], bands?: Band[],
 *   dots?: {at: Point, color?: string, hollow?: boolean}[], dotsName?: string, at?: number | null, points?: Point[],
 *   note?: string, xTicks?: number[], yTicks?: {at: number, text: string}[], labels?: {at: Point, text: string, below?: boolean}[]}} Drawing `at` is a place on the x axis to be marked and `points` are where the
 *   reader points; what is not finite leaves a gap; a note stands where nothing could be drawn
 */

/**
 * @param {string} tag
 * @param {Record<string, any>} attributes
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/**
 * @param {number} i
 * @param {Line} line
 */
function look(i, { color = LOOKS[i % LOOKS.length], dash = DASHES[i % DASHES.length], faint = false }) {
  return { class: faint ? "line faint" : "line", style: `stroke: var(--sc-${color})`, "stroke-dasharray": dash };
}

/**
 * A chart.
 *
 * @param {string} alt what it shows
 * @param {{height?: number, press?: (x: number, y: number) => void, drag?: (x: number, y: number) => void}} options get
 *   the place, in numbers of the axes, that the reader presses, or that they press and then drag to
 * @returns {HTMLElement & {draw(what: Drawing): void}}
 */
export function chart(alt, { height = 240, press, drag } = {}) {
  const view = svg("svg", { role: "img", "aria-label": alt, height });
  const legend = element("div", { class: "legend" });
  const whole = element("div", { class: drag ? "chart draggable" : press ? "chart pressable" : "chart" }, view, legend);
  /** @type {Drawing | null} */
  let drawn = null;
  let width = 0; // until there is room
  /** @type {(x: number, y: number) => Point} */
  let place = () => [0, 0];

  function paint() {
    if (!drawn || !width) return;
    const { x, y, xName, yName, log = false, logX = false, lines = [], bands = [], dots = [], dotsName = "", at = null, points = [], note = "" } = drawn;
    const byLog = (/** @type {boolean} */ whether) => (/** @type {number} */ value) => (whether ? Math.log10(value) : value);
    const [scaledX, scaledY] = [byLog(logX), byLog(log)];
    const [left, right, low, high] = [scaledX(x[0]), scaledX(x[1]), scaledY(y[0]), scaledY(y[1])];
    const floor = height - EDGE.bottom;
    const size = { width: width - EDGE.left - EDGE.right, height: floor - EDGE.top };
    const across = (/** @type {number} */ value) => EDGE.left + ((scaledX(value) - left) / (right - left || 1)) * size.width;
    const up = (/** @type {number} */ value) => floor - ((scaledY(value) - low) / (high - low || 1)) * size.height;
    const back = (/** @type {boolean} */ whether, /** @type {number} */ value) => (whether ? 10 ** value : value);
    place = (px, py) => [
      back(logX, left + ((px - EDGE.left) / size.width) * (right - left)),
      back(log, low + ((floor - py) / size.height) * (high - low)),
    ];
    const corner = { x: EDGE.left, y: EDGE.top };
    // An svg of its own cuts off what leaves it.
    const inside = svg("svg", { ...corner, ...size, viewBox: `${corner.x} ${corner.y} ${size.width} ${size.height}` });
    const parts = [];
    for (const tick of drawn.xTicks ?? (logX ? decades(left, right) : ticks(left, right, Math.max(2, size.width / 60)))) {
      parts.push(svg("path", { class: "tick", d: `M${across(tick)} ${floor}v4` }));
      parts.push(svg("text", { x: across(tick), y: floor + 17, "text-anchor": "middle" }, tickLabel(tick)));
    }
    const rows = (log ? decades(low, high) : ticks(low, high, 5)).map((tick) => ({ at: tick, text: tickLabel(tick) }));
    for (const tick of drawn.yTicks ?? rows) {
      parts.push(svg("path", { class: "grid", d: `M${EDGE.left} ${up(tick.at)}h${size.width}` }));
      parts.push(svg("text", { x: EDGE.left - 6, y: up(tick.at) + 4, "text-anchor": "end" }, tick.text));
    }
    parts.push(svg("path", { class: "axis", d: `M${EDGE.left} ${EDGE.top}V${floor}h${size.width}` }));
    const center = { x: EDGE.left + size.width / 2, y: EDGE.top + size.height / 2 };
    parts.push(svg("text", { x: center.x, y: height - 6, "text-anchor": "middle" }, xName));
    const turned = `translate(13 ${center.y}) rotate(-90)`;
    parts.push(svg("text", { transform: turned, "text-anchor": "middle" }, yName));
    if (at !== null) {
      for (const halo of ["halo", "at"]) inside.append(svg("path", { class: halo, d: `M${across(at)} ${EDGE.top}V${floor}` }));
    }
    for (const { low: under, high: over, color } of bands) {
      const corners = [...over, ...[...under].reverse()].map(([px, py]) => `${across(px).toFixed(1)} ${up(py).toFixed(1)}`);
      inside.append(svg("path", { class: "band", style: `fill: var(--sc-${color})`, d: `M${corners.join("L")}Z` }));
    }
    lines.forEach((line, i) => {
      let down = false;
      const d = line.points.map(([px, py]) => {
        const command = down ? "L" : "M";
        down = Number.isFinite(scaledY(py));
        return down ? `${command}${across(px).toFixed(1)} ${up(py).toFixed(1)}` : "";
      });
      inside.append(svg("path", { ...look(i, line), d: d.join("") }));
    });
    parts.push(inside);
    for (const [px, py] of points) parts.push(svg("circle", { class: "where", cx: across(px), cy: up(py), r: 7 }));
    for (const { at: [px, py], color = "ink", hollow = false } of dots) parts.push(dot(across(px), up(py), color, hollow));
    /** @type {{left: number, right: number, y: number}[]} */
    const taken = [];
    for (const { at: [px, py], text, below = false } of drawn.labels ?? []) {
      const half = 3.3 * text.length; // about half of its width
      const middle = Math.min(Math.max(across(px), EDGE.left + half), width - half);
      const box = { left: middle - half, right: middle + half, y: up(py) + (below ? 18 : -9) };
      const inTheWay = () => taken.some(({ left, right, y }) => left < box.right && right > box.left && Math.abs(y - box.y) < 13);
      while (inTheWay()) box.y += below ? 4 : -4;
      taken.push(box);
      parts.push(svg("text", { class: "label", x: middle, y: box.y, "text-anchor": "middle" }, text));
    }
    if (note) parts.push(svg("text", { x: center.x, y: center.y, "text-anchor": "middle" }, note));
    view.setAttribute("viewBox", `0 0 ${width} ${height}`);
    view.replaceChildren(...parts);
    const sample = (/** @type {Node} */ shown) => svg("svg", { width: 34, height: 10, "aria-hidden": "true" }, shown);
    const keys = lines.flatMap((line, i) =>
      line.name ? [element("span", { class: "key" }, sample(svg("path", { ...look(i, line), d: "M0 5H34" })), line.name)] : [],
    );
    for (const { name, color } of bands) {
      const swatch = svg("rect", { class: "band", style: `fill: var(--sc-${color})`, width: 34, height: 10 });
      keys.push(element("span", { class: "key" }, sample(swatch), name));
    }
    if (dotsName) keys.push(element("span", { class: "key" }, sample(dot(17, 5, dots[0]?.color ?? "ink", false)), dotsName));
    const wanted = element("div", { class: "legend" }, ...(keys.length > 1 ? keys : []));
    if (!wanted.isEqualNode(legend)) legend.replaceChildren(...wanted.childNodes); // else nothing has to be laid out anew
  }

  const tell = (/** @type {PointerEvent} */ event, /** @type {(x: number, y: number) => void} */ whom) => {
    const box = view.getBoundingClientRect();
    const scale = width / box.width;
    whom(...place((event.clientX - box.left) * scale, (event.clientY - box.top) * scale));
  };
  if (press) view.addEventListener("click", (/** @type {PointerEvent} */ event) => tell(event, press));
  if (drag) {
    view.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      if (event.button !== 0) return;
      view.setPointerCapture(event.pointerId);
      tell(event, drag);
    });
    view.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      if (view.hasPointerCapture(event.pointerId)) tell(event, drag);
    });
  }
  new ResizeObserver(([{ contentRect }]) => {
    const before = width;
    width = Math.round(contentRect.width) || before;
    if (width !== before) paint();
  }).observe(view);
  return Object.assign(whole, {
    draw(/** @type {Drawing} */ what) {
      drawn = what;
      paint();
    },
  });
}

/**
 * @param {number} cx
 * @param {number} cy
 * @param {string} color of the tokens
 * @param {boolean} hollow
 */
export function dot(cx, cy, color, hollow) {
  const paint = hollow ? `fill: var(--sc-surface); stroke: var(--sc-${color})` : `fill: var(--sc-${color})`;
  return svg("circle", { class: "dot", cx, cy, r: 3.5, style: paint });
}

/**
 * Round numbers that divide a range.
 *
 * @param {number} low
 * @param {number} high
 * @param {number} count about how many
 */
export function ticks(low, high, count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

/**
 * Powers of ten in a range of exponents, thinned out where there are many, with 2 and 5 between them where there are few.
 *
 * @param {number} low
 * @param {number} high
 */
function decades(low, high) {
  const step = Math.max(1, Math.ceil((high - low) / 6));
  const first = Math.ceil(low - 1e-9);
  const powers = Array.from({ length: Math.floor((high - first) / step + 1e-9) + 1 }, (_, i) => 10 ** (first + i * step));
  if (high - low > 1.5) return powers;
  const between = [10 ** (first - 1), ...powers].flatMap((power) => [2 * power, 5 * power]);
  return [...powers, ...between.filter((value) => Math.log10(value) >= low - 1e-9 && Math.log10(value) <= high + 1e-9)];
}

/** @param {number} value */
function tickLabel(value) {
  const size = Math.abs(value);
  if (size === 0 || (size >= 0.001 && size < 1e5)) return grouped(Number(value.toPrecision(3)));
  const power = Math.round(Math.log10(size));
  return Math.abs(size / 10 ** power - 1) < 1e-9 ? powerOfTen(power) : precise(value, 1);
}
