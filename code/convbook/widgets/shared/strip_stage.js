/**
 * The stage of the strip: what is pointed at and pressed on its picture, by mouse, touch or keys.
 *
 * @typedef {import("./anatomy.js").Unit} Unit
 * @typedef {import("./scene.js").Tile} Tile
 * @typedef {import("./strip_state.js").State} State
 */
import { element } from "./elements.js";
import { ahead, FOOT, LINE } from "./scene.js";
import { middleOf } from "./strip_state.js";

/** @type {Record<string, [number, number]>} down and to the right */
const WAYS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * The stage, with what stands on it.
 *
 * @param {State} state
 * @param {HTMLElement} picture
 * @param {ReturnType<typeof import("./strip_parts.js").productTables>} tables
 * @param {{go: (level: number, unit?: Unit) => void, turnMap: (channel: number) => void, ask: () => void,
 *   entered: () => void}} does `ask` is called when another unit is pointed at, and `entered` when the keys come to the stage
 * @returns {HTMLElement}
 */
export function stripStage(state, picture, tables, { go, turnMap, ask, entered }) {
  const stage = element(
    "div",
    {
      class: "strip-stage",
      tabindex: 0,
      role: "application",
      "aria-roledescription": "network to explore with the arrow keys",
      "aria-label": "The network. Arrow keys move, Enter zooms in, Escape zooms out, the space bar turns a map off or on.",
    },
    picture,
    tables,
  );

  const found = (/** @type {PointerEvent} */ { clientX, clientY }) => {
    const { left, top } = stage.getBoundingClientRect();
    return placeAt(state, clientX - left, clientY - top);
  };
  const point = (/** @type {PointerEvent} */ event) => {
    const { level, unit, hover } = state;
    const place = found(event);
    const next = place?.kind === "unit" && (level < 2 || place.at.layer === unit.layer) ? place.at : null;
    stage.classList.toggle("over", place !== null);
    if (JSON.stringify(next) === JSON.stringify(hover)) return;
    [state.hover, state.byKeys] = [next, false];
    ask();
  };
  stage.addEventListener("pointermove", point);
  stage.addEventListener("pointerdown", point);
  stage.addEventListener("pointerleave", () => {
    state.hover = null;
    ask();
  });
  stage.addEventListener("click", (/** @type {PointerEvent} */ event) => {
    const { level, unit } = state;
    const place = found(event);
    if (!place) return;
    const { kind, at } = place;
    if (kind === "number") turnMap(at.channel);
    else go(level === 0 || at.layer === unit.layer ? level + 1 : level, at);
  });
  stage.addEventListener("focus", () => {
    if (!stage.matches(":focus-visible")) return;
    state.byKeys = true;
    ask();
    entered();
  });

  const step = (/** @type {number} */ down, /** @type {number} */ right) => {
    const { net, level, unit, scene } = state;
    const { layer, channel, row, column } = unit;
    if (level === 0 && right) return go(0, middleOf(Math.min(Math.max(layer + right, 0), net.columns.length - 1), net));
    if (level === 2) return go(2, { ...unit, row: row + down, column: column + right });
    if (level === 3) return tables.step(down, right);
    const maps = scene.tiles.filter((tile) => tile.kind === "map" && tile.layer === layer);
    const next = ahead(maps[channel], maps, down, right);
    if (next) go(level, { ...unit, channel: next.channel });
  };
  stage.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const { key } = event;
    const { level, unit } = state;
    const way = WAYS[key];
    const known = way || key === "Enter" || ((key === "Escape" || key === " ") && level > 0);
    if (!known || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault(); // the page stays where it is
    event.stopPropagation();
    state.byKeys = true;
    if (key === "Enter") go(level + 1);
    else if (key === "Escape") go(level - 1);
    else if (key === " ") turnMap(unit.channel);
    else step(...way);
  });
  return stage;
}

/**
 * What is at a point of the stage: a unit, the number below a map, or, in the whole network, a layer.
 *
 * @param {State} state
 * @param {number} x
 * @param {number} y
 * @returns {{kind: "unit" | "number" | "layer", at: Unit} | null}
 */
function placeAt({ level, unit, scene }, x, y) {
  const inside = (/** @type {Tile} */ t, below = 2) => x >= t.x - 2 && y >= t.y - 2 && x < t.x + t.side + 2 && y < t.y + t.side + below;
  const numbered = scene.labels.find(({ of }) => of?.kind === "map" && inside(of, 2 + LINE) && !inside(of))?.of;
  if (numbered) return { kind: "number", at: { ...unit, channel: numbered.channel } };
  const tile = scene.tiles.find((each) => each.kind === "map" && each.layer >= 0 && inside(each));
  if (tile) {
    const cell = (/** @type {number} */ way) => Math.min(Math.max(Math.floor((way / tile.side) * tile.size), 0), tile.size - 1);
    return { kind: "unit", at: { layer: tile.layer, channel: tile.channel, row: cell(y - tile.y), column: cell(x - tile.x) } };
  }
  if (level > 0) return null;
  const band = scene.bands.find((each) => x >= each.x - 5 && x < each.x + each.width + 5 && y >= each.y && y < each.y + each.height + FOOT);
  return band ? { kind: "layer", at: { ...unit, layer: band.layer } } : null;
}
