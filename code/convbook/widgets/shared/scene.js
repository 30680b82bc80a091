/**
 * Where everything stands on the strip: a scene for each level of the zoom, in pixels of the page.
 *
 * @typedef {import("./anatomy.js").Column} Column
 * @typedef {{kind: "digit" | "used" | "map" | "slice", layer: number, channel: number, x: number, y: number, side: number,
 *   size: number}} Tile a square picture of `size` rows; -1 is the layer of the digit and of what a unit uses of it
 * @typedef {{text: string, x: number, y: number, strong?: boolean, layer?: number, of?: Tile}} Label in the middle over x; `of`
 *   is the map that it numbers, or the picture of what a unit uses
 * @typedef {{x: number, y: number, width: number, height: number, layer: number}} Band behind the maps of a layer
 * @typedef {{tiles: Tile[], labels: Label[], bands: Band[], free: {x: number, y: number, width: number, height: number}}} Scene
 *   `free` is where the products of a unit go
 */

const GAP = 3; // between tiles of a layer
export const LINE = 15; // height of a line of text
export const FOOT = 36; // below the maps, for two lines of text
const ROWS = 8; // of maps in a layer
const FEW = 10; // maps that stand in one column, as the ten digits do
const NARROW = 560;
const RESULT = 168; // width of what comes out of a unit
const SIGN = 13; // for a × between a map and a slice
const LEAST = 6; // between layers
const SLOT = 46; // of a layer at least: as wide as its name and size
const EDGE = 7; // around everything, where the ribbon and frames go

/**
 * Where everything stands at a level of the zoom.
 *
 * @param {Column[]} columns
 * @param {number} level
 * @param {import("./anatomy.js").Unit} unit
 * @param {number} width
 * @param {number} height
 * @returns {Scene}
 */
export function sceneOf(columns, level, { layer, channel }, width, height) {
  if (level === 0) return networkScene(columns, width, height);
  if (level === 1) return layerScene(columns, layer, width, height);
  return (level === 2 ? mapScene : unitScene)(columns, layer, channel, width, height);
}

/**
 * A stage with nothing on it.
 *
 * @param {number} width
 * @param {number} height
 * @returns {Scene}
 */
export function emptyScene(width = 0, height = 0) {
  return { tiles: [], labels: [], bands: [], free: { x: 0, y: 0, width, height } };
}

/**
 * The whole network from left to right; on a narrow page in two rows.
 *
 * @param {Column[]} columns
 * @param {number} width
 * @param {number} height
 * @returns {Scene}
 */
function networkScene(columns, width, height) {
  const scene = emptyScene();
  const across = columns.map(({ channels }) => (channels <= FEW ? 1 : Math.ceil(channels / ROWS)));
  if (width >= NARROW) {
    const digit = Math.min(120, width / 6);
    stand(scene, columns, across, 0, { x: 0, y: 0, width, height, digit });
    return scene;
  }
  let half = 0; // the first row has the digit and about half of the rest
  for (let sum = 3, all = 3 + across.reduce((a, b) => a + b); sum + across[half] <= all / 2 + 1; half++) sum += across[half];
  const rest = height / 2;
  stand(scene, columns.slice(0, half), across, 0, { x: 0, y: 0, width, height: rest, digit: Math.min(76, width / 4.5) });
  stand(scene, columns.slice(half), across, half, { x: 0, y: rest, width, height: rest, digit: 0 });
  return scene;
}

/**
 * Put the digit, if it has a place, and some layers into one row.
 *
 * @param {Scene} scene
 * @param {Column[]} columns
 * @param {number[]} across columns of maps of every layer of the network
 * @param {number} first which layer the first one is
 * @param {{x: number, y: number, width: number, height: number, digit: number}} box
 */
function stand(scene, columns, across, first, { x, y, width, height, digit }) {
  const high = height - FOOT - EDGE;
  const slots = (/** @type {number} */ side) => columns.map((_, i) => Math.max(across[first + i] * (side + GAP) - GAP, SLOT));
  const sum = (/** @type {number} */ side) => slots(side).reduce((a, b) => a + b, digit);
  const gaps = columns.length - (digit ? 0 : 1);
  let side = Math.floor(high / ROWS) - GAP;
  while (side > 4 && sum(side) + gaps * LEAST > width - 2 * EDGE) side--;
  const gap = (width - 2 * EDGE - sum(side)) / gaps;
  const middle = y + EDGE + high / 2;
  x += EDGE;
  if (digit) {
    scene.tiles.push({ kind: "digit", layer: -1, channel: 0, x, y: middle - digit / 2, side: digit, size: 28 });
    scene.labels.push({ text: "digit", x: x + digit / 2, y: y + height - FOOT + LINE, strong: true, layer: -1 });
    scene.labels.push({ text: "28 × 28", x: x + digit / 2, y: y + height - FOOT + 2 * LINE });
    x += digit + gap;
  }
  slots(side).forEach((slot, i) => {
    const column = columns[i];
    const wide = across[first + i];
    const rows = Math.ceil(column.channels / wide);
    const pitch = wide === 1 ? Math.min(high / rows, side + GAP) : side + GAP;
    const left = x + (slot - wide * pitch + GAP) / 2;
    addMaps(scene, column, first + i, { x: left, y: middle - (rows * pitch - GAP) / 2, side: pitch - GAP, across: wide, pitch });
    scene.labels.push({ text: column.name, x: x + slot / 2, y: y + height - FOOT + LINE, strong: true, layer: first + i });
    scene.labels.push({ text: `${column.size} × ${column.size}`, x: x + slot / 2, y: y + height - FOOT + 2 * LINE });
    x += slot + gap;
  });
}

/**
 * The maps of one layer in rows.
 *
 * @param {Scene} scene
 * @param {Column} column
 * @param {number} layer
 * @param {{x: number, y: number, side: number, across: number, pitch: number}} place
 * @returns {Band}
 */
function addMaps(scene, { channels, size }, layer, { x, y, side, across, pitch }) {
  for (let channel = 0; channel < channels; channel++) {
    const [row, at] = [Math.floor(channel / across), channel % across];
    scene.tiles.push({ kind: "map", layer, channel, x: x + at * (side + GAP), y: y + row * pitch, side, size });
  }
  const rows = Math.ceil(channels / across);
  const band = { x, y, width: across * (side + GAP) - GAP, height: (rows - 1) * pitch + side, layer };
  scene.bands.push(band);
  return band;
}

/**
 * The number of columns that makes squares largest.
 *
 * @param {number} count
 * @param {number} width
 * @param {number} height
 * @param {number} wide width of one in sides of a square
 * @param {number} below height of one beyond its side
 * @param {number} beside width of one beyond that
 */
function grid(count, width, height, wide = 1, below = 0, beside = 2 * GAP) {
  let best = { across: 1, side: 0 };
  for (let across = 1; across <= count; across++) {
    const rows = Math.ceil(count / across);
    const side = Math.floor(Math.min((width / across - beside) / wide, height / rows - below - GAP));
    if (side > best.side) best = { across, side };
  }
  return best;
}

/**
 * The digit with what is before a layer, and the maps of the layer, as large as they can be.
 *
 * @param {Column[]} columns
 * @param {number} layer
 * @param {number} width
 * @param {number} height
 * @returns {Scene}
 */
function layerScene(columns, layer, width, height) {
  const { scene, free } = beginning(width, height, 1);
  const column = columns[layer];
  const before = columns[layer - 1];
  if (before && width >= NARROW) {
    const across = Math.ceil(before.channels / ROWS);
    const side = Math.min((free.height - LINE) / ROWS, 32) - GAP;
    const rows = Math.ceil(before.channels / across);
    const y = free.y + (free.height - LINE - rows * (side + GAP)) / 2;
    const band = addMaps(scene, before, layer - 1, { x: free.x, y, side, across, pitch: side + GAP });
    scene.labels.push({ text: before.name, x: band.x + band.width / 2, y: band.y + band.height + LINE });
    const taken = band.width + 48;
    Object.assign(free, { x: free.x + taken, width: free.width - taken });
  } else if (before) {
    const digit = scene.tiles[0];
    const across = Math.ceil(before.channels / 2);
    const [x, room] = [EDGE + digit.side + 16, width - 2 * EDGE - digit.side - 16];
    const side = Math.min(room / across, (digit.side + GAP) / Math.ceil(before.channels / across)) - GAP;
    const band = addMaps(scene, before, layer - 1, { x, y: digit.y, side, across, pitch: side + GAP });
    scene.labels.push({ text: before.name, x: band.x + band.width / 2, y: band.y + band.height + LINE });
  }
  const { across, side } = grid(column.channels, free.width, free.height, 1, LINE);
  const rows = Math.ceil(column.channels / across);
  const pitch = side + LINE + GAP;
  const x = free.x + (free.width - across * (side + GAP)) / 2;
  addMaps(scene, column, layer, { x, y: free.y + (free.height - rows * pitch) / 2, side, across, pitch });
  for (const tile of scene.tiles.filter(({ kind, layer: of }) => kind === "map" && of === layer)) {
    scene.labels.push({ text: String(tile.channel), x: tile.x + side / 2, y: tile.y + side + LINE - 3, of: tile });
  }
  return scene;
}

/**
 * One map with the slices of its filter, each beside the map that it reads.
 *
 * @param {Column[]} columns
 * @param {number} layer
 * @param {number} channel
 * @param {number} width
 * @param {number} height
 * @returns {Scene}
 */
function mapScene(columns, layer, channel, width, height) {
  const { scene, free } = beginning(width, height, 3, columns[layer], layer, channel);
  const { channels: from, size } = columns[layer - 1] ?? { channels: 1, size: 28 };
  const filtered = columns[layer].layers[0].kind === "Conv2D";
  const read = filtered ? Array.from({ length: from }, (_, c) => c) : [channel];
  const { across, side: largest } = grid(read.length, free.width, free.height, filtered ? 2 : 1, LINE, filtered ? SIGN + 14 : 8);
  const side = Math.min(largest, 130);
  const rows = Math.ceil(read.length / across);
  const [wide, high] = [(filtered ? 2 * side + SIGN + 14 : side + 8), side + LINE + GAP];
  const left = free.x + (free.width - across * wide) / 2;
  const top = free.y + (free.height - rows * high) / 2;
  read.forEach((c, i) => {
    const [x, y] = [left + (i % across) * wide, top + Math.floor(i / across) * high];
    if (layer > 0) scene.tiles.push({ kind: "map", layer: layer - 1, channel: c, x, y, side, size });
    else scene.tiles.push({ kind: "map", layer: -1, channel: 0, x, y, side, size: 28 });
    if (filtered) {
      const kernel = columns[layer].layers[0].kernel_size ?? 1;
      scene.tiles.push({ kind: "slice", layer, channel: c, x: x + side + SIGN, y, side, size: kernel });
      scene.labels.push({ text: "×", x: x + side + SIGN / 2, y: y + side / 2 + 4 });
    }
    const name = layer > 0 ? `${read.length > 1 ? "" : "map "}${c}` : "digit";
    scene.labels.push({ text: name, x: x + side / 2, y: y + side + LINE - 3 });
  });
  return scene;
}

/**
 * One unit: the digit, the gradient, its map, and room for its products.
 *
 * @param {Column[]} columns
 * @param {number} layer
 * @param {number} channel
 * @param {number} width
 * @param {number} height
 * @returns {Scene}
 */
function unitScene(columns, layer, channel, width, height) {
  return beginning(width, height, 3, columns[layer], layer, channel).scene;
}

/**
 * What every level below the network begins with: the digit and, for a map or a unit, its gradient and the map; at the
 * left, or on top of a narrow page.
 *
 * @param {number} width
 * @param {number} height
 * @param {number} count of pictures
 * @param {Column} [column]
 * @param {number} [layer]
 * @param {number} [channel]
 */
function beginning(width, height, count, column, layer = 0, channel = 0) {
  const scene = emptyScene(width, height);
  const wide = width >= NARROW;
  /** @type {{kind: "digit" | "used" | "map", text: string, layer: number, channel: number, size: number}[]} */
  const all = [
    { kind: "digit", text: "digit", layer: -1, channel: 0, size: 28 },
    { kind: "used", text: "its gradient", layer: -1, channel: 0, size: 28 },
  ];
  if (column) all.push({ kind: "map", text: `${column.name}, map ${channel}`, layer, channel, size: column.size });
  const shown = all.slice(0, count);
  const side = wide ? Math.min(112, (height - 2 * LINE) / 2 - 8) : Math.min(96, (width - 2 * EDGE - 20) / (count === 1 ? 4 : 3));
  const pitch = side + LINE + 10;
  const top = (height - Math.min(count, 2) * pitch) / 2;
  shown.forEach(({ kind, text, ...rest }, i) => {
    let [x, y] = wide ? [EDGE, top + i * pitch] : [EDGE + i * (side + 10), EDGE];
    if (wide && i === 2) [x, y] = [width - EDGE - side - (RESULT - side) / 2, EDGE];
    const tile = { kind, x, y, side, ...rest };
    scene.tiles.push(tile);
    scene.labels.push({ text, x: x + side / 2, y: y + side + LINE, strong: i === 2, of: kind === "used" ? tile : undefined });
  });
  const right = count === 3 ? RESULT + 16 : 0;
  if (wide) scene.free = { x: side + 28, y: 0, width: width - side - 28 - right, height };
  else scene.free = { x: 0, y: pitch + EDGE, width, height: height - pitch - EDGE };
  return { scene, free: { ...scene.free } };
}

/**
 * A scene on the way from one to another: what both have moves, what only the second has appears.
 *
 * @param {Scene} from
 * @param {Scene} to
 * @param {number} share of the way, from 0 to 1
 * @returns {(Tile & {opacity: number})[]}
 */
export function between(from, to, share) {
  const key = (/** @type {Tile} */ { kind, layer, channel }) => `${kind} ${layer} ${channel}`;
  const before = new Map(from.tiles.map((tile) => [key(tile), tile]));
  const mix = (/** @type {number} */ a, /** @type {number} */ b) => a + (b - a) * share;
  return to.tiles.map((tile) => {
    const old = before.get(key(tile));
    if (!old) return { ...tile, opacity: share };
    return { ...tile, x: mix(old.x, tile.x), y: mix(old.y, tile.y), side: mix(old.side, tile.side), opacity: 1 };
  });
}

/**
 * The nearest of several places in one of four directions, rather those straight ahead.
 *
 * @template {{x: number, y: number}} Place
 * @param {Place} from
 * @param {Place[]} places
 * @param {number} down
 * @param {number} right
 * @returns {Place | undefined}
 */
export function ahead(from, places, down, right) {
  const away = (/** @type {Place} */ to) => (to.y - from.y) * down + (to.x - from.x) * right;
  const aside = (/** @type {Place} */ to) => Math.abs((to.x - from.x) * down) + Math.abs((to.y - from.y) * right);
  return places.filter((to) => away(to) > 1).sort((a, b) => away(a) + 3 * aside(a) - away(b) - 3 * aside(b))[0];
}
