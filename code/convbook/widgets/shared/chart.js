/** Charts: lines over two axes, as SVG in the colours of the page. */
import { element } from "./elements.js";

const BOX = { width: 460, height: 240, left: 64, right: 12, top: 14, bottom: 44 };
// Okabe & Ito (2008); each has a dash of its own, so that colour carries nothing alone.
const LOOKS = [
  ["#0072b2", ""],
  ["#d55e00", "7 4"],
  ["#009e73", "2 3"],
];

/**
 * @param {string} tag
 * @param {Record<string, any>} attributes
 * @param {...(Node | string)} children
 * @returns {any}
 */
function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/**
 * A chart.
 *
 * @param {string} alt what it shows
 * @returns {HTMLElement & {draw: typeof draw}}
 */
export function chart(alt) {
  const view = svg("svg", { viewBox: `0 0 ${BOX.width} ${BOX.height}`, role: "img", "aria-label": alt });
  const whole = element("div", { class: "chart" }, view);
  /**
   * @param {{x: [number, number], y: [number, number], xName: string, yName: string, log?: boolean,
   *   lines: {name: string, points: [number, number][]}[], dots?: [number, number][], dotsName?: string,
   *   at?: number | null}} what `at` is a place on the x axis to be marked; points that are not finite leave a gap
   */
  function draw({ x, y, xName, yName, log = false, lines, dots = [], dotsName = "", at = null }) {
    const scaled = (/** @type {number} */ value) => (log ? Math.log10(value) : value);
    const low = scaled(y[0]);
    const high = scaled(y[1]);
    const across = (/** @type {number} */ value) =>
      BOX.left + ((value - x[0]) / (x[1] - x[0] || 1)) * (BOX.width - BOX.left - BOX.right);
    const up = (/** @type {number} */ value) =>
      BOX.height - BOX.bottom - ((scaled(value) - low) / (high - low || 1)) * (BOX.height - BOX.top - BOX.bottom);
    const floor = BOX.height - BOX.bottom;
    const size = { width: BOX.width - BOX.left - BOX.right, height: floor - BOX.top };
    const corner = { x: BOX.left, y: BOX.top };
    // An svg of its own cuts off what leaves it.
    const inside = svg("svg", { ...corner, ...size, viewBox: `${corner.x} ${corner.y} ${size.width} ${size.height}` });
    const parts = [];
    for (const tick of ticks(x[0], x[1], 6)) {
      parts.push(svg("path", { class: "tick", d: `M${across(tick)} ${floor}v4` }));
      parts.push(svg("text", { x: across(tick), y: floor + 17, "text-anchor": "middle" }, tickLabel(tick)));
    }
    for (const tick of log ? decades(low, high) : ticks(low, high, 5)) {
      parts.push(svg("path", { class: "grid", d: `M${BOX.left} ${up(tick)}H${BOX.width - BOX.right}` }));
      parts.push(svg("text", { x: BOX.left - 6, y: up(tick) + 4, "text-anchor": "end" }, tickLabel(tick)));
    }
    parts.push(svg("path", { class: "axis", d: `M${BOX.left} ${BOX.top}V${floor}H${BOX.width - BOX.right}` }));
    parts.push(svg("text", { x: (BOX.left + BOX.width) / 2, y: BOX.height - 6, "text-anchor": "middle" }, xName));
    const middle = BOX.top + (floor - BOX.top) / 2;
    const turned = { x: 0, y: 0, transform: `translate(12 ${middle}) rotate(-90)`, "text-anchor": "middle" };
    parts.push(svg("text", turned, yName));
    if (at !== null) parts.push(svg("path", { class: "at", d: `M${across(at)} ${BOX.top}V${floor}` }));
    lines.forEach(({ points }, i) => {
      let down = false;
      const d = points.map(([px, py]) => {
        const command = down ? "L" : "M";
        down = Number.isFinite(scaled(py));
        return down ? `${command}${across(px).toFixed(1)} ${up(py).toFixed(1)}` : "";
      });
      const [stroke, dash] = LOOKS[i % LOOKS.length];
      inside.append(svg("path", { class: "line", d: d.join(""), stroke, "stroke-dasharray": dash }));
    });
    parts.push(inside);
    for (const [px, py] of dots) parts.push(svg("circle", { class: "dot", cx: across(px), cy: up(py), r: 3 }));
    view.replaceChildren(...parts);
    const keys = lines.map(({ name }, i) => {
      const [stroke, dash] = LOOKS[i % LOOKS.length];
      const sample = svg("svg", { width: 34, height: 10, "aria-hidden": "true" });
      sample.append(svg("path", { class: "line", d: "M0 5H34", stroke, "stroke-dasharray": dash }));
      return element("span", { class: "key" }, sample, name);
    });
    if (dotsName) {
      const sample = svg("svg", { width: 34, height: 10, "aria-hidden": "true" });
      sample.append(svg("circle", { class: "dot", cx: 17, cy: 5, r: 3 }));
      keys.push(element("span", { class: "key" }, sample, dotsName));
    }
    legend.replaceChildren(...(keys.length > 1 ? keys : []));
  }
  const legend = element("div", { class: "legend" });
  whole.append(legend);
  return Object.assign(whole, { draw });
}

/**
 * Round numbers that divide a range.
 *
 * @param {number} low
 * @param {number} high
 * @param {number} count about how many
 */
function ticks(low, high, count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

/**
 * Powers of ten in a range of exponents, thinned out where there are many.
 *
 * @param {number} low
 * @param {number} high
 */
function decades(low, high) {
  const step = Math.max(1, Math.ceil((high - low) / 6));
  const first = Math.ceil(low - 1e-9);
  return Array.from({ length: Math.floor((high - first) / step + 1e-9) + 1 }, (_, i) => 10 ** (first + i * step));
}

/** @param {number} value */
const tickLabel = (value) => {
  const size = Math.abs(value);
  return size !== 0 && (size < 0.001 || size >= 1e5) ? value.toExponential(0) : String(Number(value.toPrecision(3)));
};
