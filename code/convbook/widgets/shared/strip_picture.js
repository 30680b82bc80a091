/**
 * The picture of the strip: its maps on their way from one scene to another, their labels, and what a unit reads.
 *
 * @typedef {import("./convolution.js").Maps} Maps
 * @typedef {import("./anatomy.js").Unit} Unit
 * @typedef {import("./scene.js").Label} Label
 * @typedef {import("./scene.js").Scene} Scene
 * @typedef {import("./scene.js").Tile} Tile
 * @typedef {import("./strip_paint.js").Frame} Frame
 * @typedef {import("./strip_paint.js").Wire} Wire
 * @typedef {import("./strip_runs.js").Net} Net
 * @typedef {import("./strip_runs.js").Run} Run
 * @typedef {import("./strip_state.js").State} State
 */
import { explain, windowOf } from "./anatomy.js";
import { element } from "./elements.js";
import { between, emptyScene } from "./scene.js";
import { coloursOf, paintFrame, paintOutline, paintRibbon, paintSprite, paintTile, paintWire } from "./strip_paint.js";
import { inputOf, isOff } from "./strip_runs.js";
import { pointedAt, shownRun } from "./strip_state.js";

const PACE = 280; // milliseconds from one level of the zoom to another

/** A canvas with the picture of the strip. */
export function stripPicture() {
  let colours = coloursOf(); // before anything is added, or the browser would lay out the page once more
  const canvas = element("canvas", { "aria-hidden": "true" });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  /** @type {Map<string, HTMLCanvasElement>} */
  const sprites = new Map();
  let earlier = emptyScene();
  let started = -PACE; // of the way from the earlier scene

  const paintSprites = (/** @type {State} */ state, /** @type {Run} */ run) => {
    for (const [name, [maps, signed, others]] of Object.entries(spritesOf(state, run))) {
      const sprite = sprites.get(name) ?? element("canvas");
      sprites.set(name, sprite);
      paintSprite(sprite, maps, colours, signed, others?.data);
    }
  };
  const paintGround = (/** @type {State} */ { net, scene }, /** @type {string[]} */ lit) => {
    const { x, y, side } = scene.tiles[0]; // the digit
    paintRibbon(context, [{ x, y, width: side, height: side }, ...scene.bands], colours.line);
    const bands = scene.bands.filter(({ layer }) => lit.includes(net.columns[layer].name));
    for (const band of bands) paintOutline(context, band, colours.action);
  };
  const paintTiles = (/** @type {State} */ state, /** @type {Run} */ run, /** @type {number} */ share) => {
    const { net, level, scene } = state;
    const pointed = pointedAt(state);
    for (const tile of between(earlier, scene, 1 - (1 - share) ** 3)) {
      const { kind, layer, channel } = tile;
      const name = kind === "map" ? mapName(layer) : kind;
      const strong = kind === "map" && level === 1 && layer === pointed?.layer && channel === pointed.channel;
      paintTile(context, tile, sprites.get(name), { colours, strong, off: isTileOff(net, run, tile) });
    }
  };
  const writeLabels = (/** @type {State} */ state, /** @type {Run} */ run, /** @type {string[]} */ lit) => {
    const { net: { columns }, level, scene } = state;
    const pointed = pointedAt(state);
    const { fontFamily } = getComputedStyle(canvas);
    context.textAlign = "center";
    for (const label of scene.labels) {
      const { x, y, strong, layer = -1, of } = label;
      const text = labelText(state, run, label);
      const here = level === 0 && layer >= 0 && (layer === pointed?.layer || lit.includes(columns[layer].name));
      context.font = `${here || strong ? 600 : 400} ${strong ? 13 : 12}px ${fontFamily}`;
      context.fillStyle = strong ? colours.ink : colours.quiet;
      context.fillText(text, x, y);
      const wide = context.measureText(text).width;
      if (level === 1 && of?.kind === "map") context.fillRect(x - wide / 2, y + 2, wide, 1); // a press turns the map off
      if (!here) continue;
      context.fillStyle = layer === pointed?.layer ? colours.point : colours.action;
      context.fillRect(x - wide / 2, y + 3, wide, 2);
    }
  };
  const paintMarks = (/** @type {State} */ state, /** @type {Run} */ run) => {
    const pointed = pointedAt(state);
    if (!pointed) return;
    const { wires, frames } = marksOf(state, run, pointed);
    for (const wire of wires) paintWire(context, wire, colours);
    for (const frame of frames) paintFrame(context, frame, colours);
  };

  return Object.assign(/** @type {HTMLCanvasElement} */ (canvas), {
    /**
     * Take a size, which empties the canvas, and set out from a scene.
     *
     * @param {{width: number, height: number}} size in pixels of the page
     * @param {Scene} from
     * @param {boolean} moving whether what both scenes have moves from one place to the other
     */
    begin({ width, height }, from, moving) {
      earlier = from;
      started = moving && !matchMedia("(prefers-reduced-motion: reduce)").matches ? performance.now() : -PACE;
      [canvas.width, canvas.height] = [width, height].map((length) => Math.round(length * devicePixelRatio));
    },
    /**
     * @param {State} state
     * @param {string[]} lit names of the layers that are lit
     * @returns {boolean} whether it is still on its way
     */
    draw(state, lit) {
      const run = shownRun(state);
      const share = Math.min((performance.now() - started) / PACE, 1);
      paintSprites(state, run);
      context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      if (state.level === 0 && share === 1) paintGround(state, lit);
      paintTiles(state, run, share);
      if (share < 1) return true;
      writeLabels(state, run, lit);
      paintMarks(state, run);
      return false;
    },
    /** Take the colours of the page anew. */
    recolour() {
      colours = coloursOf();
    },
  });
}

/** @param {number} layer */
function mapName(layer) {
  return layer < 0 ? "digit" : `map ${layer}`;
}

/**
 * The maps of every tile by name, whether they have signs, and the maps whose colours they keep.
 *
 * @param {State} state
 * @param {Run} run
 */
function spritesOf({ net, unit, level, view, now, whole, scene, used }, run) {
  const full = run === now && whole ? whole : run; // whatever is turned off, the other maps keep their colours
  const signed = view === "difference";
  /** @type {Record<string, [Maps, boolean, Maps?]>} */
  const sprites = { digit: [run.image, signed] };
  for (const layer of new Set(scene.tiles.map((tile) => tile.layer))) {
    const column = net.columns[layer];
    if (column) sprites[mapName(layer)] = [run.outputs[column.shown], signed, full.outputs[column.shown]];
  }
  if (level < 2) return sprites;
  // Below the whole of a layer, the maps are what the layer reads, as it reads them.
  const before = net.columns[unit.layer - 1];
  if (before) sprites[mapName(unit.layer - 1)] = [inputOf(net, run, unit.layer), before.normalised || signed, inputOf(net, full, unit.layer)];
  if (used) sprites.used = [used.maps, view !== "average"];
  const slices = slicesOf(net, unit);
  if (slices) sprites.slice = [slices, true];
  return sprites;
}

/**
 * The slices of a unit's filter as maps; none for a pool.
 *
 * @param {Net} net
 * @param {Unit} unit
 * @returns {Maps | null}
 */
function slicesOf({ pieces, columns }, { layer, channel }) {
  const { layers: [{ name, kind, kernel_size: size = 1 }], channels } = columns[layer];
  if (kind !== "Conv2D") return null;
  return { data: pieces[name][0].filter((_, i) => i % channels === channel), height: size, width: size, channels: columns[layer - 1]?.channels ?? 1 };
}

/**
 * @param {Net} net
 * @param {Run} run
 * @param {Tile} tile
 */
function isTileOff(net, { off }, tile) {
  return tile.kind === "map" && tile.layer >= 0 && isOff(off, net, tile);
}

/**
 * @param {State} state
 * @param {Run} run
 * @param {Label} label
 */
function labelText({ net, view, used }, run, { text, of }) {
  if (of?.kind !== "used") return of && isTileOff(net, run, of) ? `${text} off` : text;
  if (!used?.maps.data.some(Boolean)) return "nothing here";
  return view === "average" ? "what it uses" : text;
}

/**
 * What shows where a unit's value comes from: what it reads, what it can see of the digit, and how much each map that it
 * reads contributes.
 *
 * @param {State} state
 * @param {Run} run
 * @param {Unit} at
 * @returns {{wires: Wire[], frames: Frame[]}}
 */
function marksOf({ net, level, scene: { tiles } }, run, at) {
  const column = net.columns[at.layer];
  const input = inputOf(net, run, at.layer);
  const { parts } = explain(column, net.pieces, input, at, run.off);
  const most = Math.max(...parts.map(({ sum }) => Math.abs(sum))) || 1;
  const frame = (/** @type {Tile} */ tile, /** @type {number} */ top, /** @type {number} */ left, /** @type {number} */ side) => ({
    tile, top, left, height: side, width: side,
  });
  const its = tiles.find(({ kind, layer, channel }) => kind === "map" && layer === at.layer && channel === at.channel);
  const unit = its && frame(its, at.row, at.column, 1);
  const { top, left, side } = windowOf(column, input.height, at);
  const windows = parts.flatMap(({ channel, sum }) =>
    tiles
      .filter(({ kind, ...of }) => of.layer === at.layer - 1 && (at.layer ? kind === "map" && of.channel === channel : kind !== "used"))
      .map((tile) => ({ from: frame(tile, top, left, side), share: sum / most })),
  );
  const { field, jump, start } = column;
  const seen = tiles.filter(({ kind }) => kind === "digit" || kind === "used");
  const fields = seen.map((tile) => frame(tile, start + at.row * jump, start + at.column * jump, field));
  return {
    wires: unit && level < 2 ? windows.map((window) => ({ ...window, to: unit })) : [],
    frames: [...fields, ...windows.map(({ from }) => from), ...(unit ? [unit] : [])],
  };
}
