/** The trained network from the pixels to the ten probabilities: draw, point, and zoom in to a single product. */
import { addressOf, columnsOf, explain, placeOf, windowOf, withoutRelus } from "./shared/anatomy.js";
import { onTurn } from "./shared/colours.js";
import { button, change, choice, element, fill, status } from "./shared/elements.js";
import { backward, cutWeights, forward } from "./shared/network.js";
import { minus, number } from "./shared/numbers.js";
import { drawingPad } from "./shared/pad.js";
import { imageAt, pack, same, unpack } from "./shared/pictures.js";
import { between, FOOT, layerScene, mapScene, networkScene, unitScene } from "./shared/scene.js";
import { coloursOf, paintFrame, paintOutline, paintRibbon, paintSprite, paintTile, paintWire } from "./shared/strip_paint.js";
import { pathOf, probabilityBars, productTables } from "./shared/strip_parts.js";

/**
 * @typedef {import("./shared/convolution.js").Maps} Maps
 * @typedef {import("./shared/anatomy.js").Unit} Unit
 * @typedef {import("./shared/scene.js").Tile} Tile
 * @typedef {import("./shared/scene.js").Scene} Scene
 * @typedef {{image: Maps, outputs: Record<string, Maps>, runs?: Run[]}} Run of the network, or the mean of several
 */

const PACE = 280; // milliseconds from one level of the zoom to another

/** @param {{model: import("./shared/elements.js").Model, el: HTMLElement}} place */
function render({ model, el }) {
  let net = networkOf(model.get("layers"), unpack(model.get("weights")).data);
  const off = { relus: /** @type {Set<string>} */ (new Set()), channels: /** @type {Record<string, Set<number>>} */ ({}) };
  let { level, unit } = placeOf(model.get("place"), net.columns) ?? { level: 0, unit: middleOf(0, net) };
  let hover = /** @type {Unit | null} */ (null);
  let byKeys = false; // then the chosen unit is pointed at
  let product = { part: 0, product: 0, chosen: false };
  let view = "now";
  let kept = /** @type {Run | null} */ (null);
  let mean = /** @type {Run | null} */ (null);
  let now = /** @type {Run} */ ({});
  let scene = /** @type {Scene} */ ({ tiles: [], labels: [], bands: [], free: { x: 0, y: 0, width: 0, height: 0 } });
  let earlier = scene;
  let started = -PACE; // of the way from the earlier scene
  let colours = /** @type {import("./shared/strip_paint.js").Colours} */ ({});
  /** @type {Map<string, HTMLCanvasElement>} */
  const sprites = new Map();

  /** @type {{title: string, data: string | null}[]} the first is the one that is shown, which has its data here */
  const others = model.get("networks");

  // The parts.
  const canvas = element("canvas", { "aria-hidden": "true" });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const tables = productTables((part, index) => {
    product = { part, product: index, chosen: true };
    ask();
  });
  const stage = element("div", {
    class: "strip-stage",
    tabindex: 0,
    role: "application",
    "aria-roledescription": "network to explore with the arrow keys",
    "aria-label": "The network. Arrow keys move, Enter zooms in, Escape zooms out.",
  });
  stage.append(canvas, tables);
  const bars = probabilityBars();
  const said = status();
  const path = pathOf((to) => go(to));
  const reluSwitch = button("", () => flip(() => toggle(off.relus, net.columns[unit.layer].relu)));
  const mapSwitch = button("", () => {
    const { shown } = net.columns[unit.layer];
    flip(() => toggle((off.channels[shown] ??= new Set()), unit.channel));
  });
  const allOn = button("Turn everything on", () =>
    flip(() => {
      off.relus.clear();
      off.channels = {};
    }),
  );
  const pad = padOf(model);
  const views = element("div", { class: "strip-views", role: "group", "aria-label": "What the maps show" });
  const shift = element("div", { class: "strip-views", role: "group", "aria-label": "Shift the digit by a pixel" }, element("span", {}, "Shift"));
  for (const [sign, words, down, right] of /** @type {[string, string, number, number][]} */ ([
    ...[["←", "left", 0, -1], ["↑", "up", -1, 0], ["↓", "down", 1, 0], ["→", "right", 0, 1]],
  ])) {
    const made = button(sign, () => {
      kept ??= now; // before the shift
      change(model, { image: pack(shifted(now.image, down, right).data, [28, 28]) });
    });
    made.setAttribute("aria-label", `Shift the digit ${words}`);
    shift.append(made);
  }
  const keep = button("Keep this digit to compare", () => {
    kept = kept ? null : now;
    view = kept ? "difference" : "now";
    ask();
  });
  const averaging = button("Average over many digits", () => average());
  const networks = choice({
    label: "Network",
    options: Object.fromEntries(others.map(({ title }, i) => [String(i), title])),
    input: async (i) => {
      const { data } = others[Number(i)];
      const its = data ? await inner(model, data) : model;
      net = networkOf(its.get("layers"), unpack(its.get("weights")).data);
      off.relus.clear();
      off.channels = {};
      [view, kept, mean] = ["now", null, null];
      compute();
      go(0, middleOf(0, net));
    },
  });
  networks.hidden = others.length < 2;

  /** What the maps show. */
  const shownRun = () => (view === "kept" ? kept : view === "average" ? mean : view === "difference" ? difference(now, kept) : now) ?? now;
  const exact = () => view === "now" || view === "kept";

  // Computing.
  const compute = () => {
    const image = { data: unpack(model.get("image")).data, height: 28, width: 28, channels: 1 };
    now = { image, outputs: forward(withoutRelus(net.layers, off.relus), net.pieces, image, off.channels) };
  };
  const inputOf = (/** @type {Run} */ run, /** @type {number} */ layer) => {
    const { reads } = net.columns[layer];
    return reads ? run.outputs[reads] : run.image;
  };
  /** @type {{key: string, maps: Maps} | null} */
  let used = null;
  const usedBy = (/** @type {Run} */ run, channel = unit.channel) => {
    const layers = withoutRelus(net.layers, off.relus);
    const { shown } = net.columns[unit.layer];
    return backward(layers, net.pieces, run.image, run.outputs, shown, { ...unit, channel }, off.channels);
  };
  /** The mean of |gradient| over all maps at the unit's place and all digits, as it comes in. */
  const averageUse = async () => {
    const key = addressOf(3, { ...unit, channel: 0 }, net.columns);
    if (!mean?.runs || used?.key === key) return;
    const sums = new Float32Array(784);
    const maps = { data: sums, height: 28, width: 28, channels: 1 };
    used = { key, maps };
    let since = performance.now();
    for (const run of mean.runs) {
      for (let channel = 0; channel < net.columns[unit.layer].channels; channel++) {
        usedBy(run, channel).data.forEach((value, i) => (sums[i] += Math.abs(value)));
        if (performance.now() - since < 20) continue;
        ask();
        await pause();
        if (used?.maps !== maps) return; // another unit was chosen
        since = performance.now();
      }
    }
    ask();
  };

  // Drawing.
  let asked = 0;
  const ask = () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      draw();
    });
  };
  const sceneNow = () => {
    const { width, height } = stage.getBoundingClientRect();
    if (level === 0) return networkScene(net.columns, width, height);
    if (level === 1) return layerScene(net.columns, unit.layer, width, height);
    return (level === 2 ? mapScene : unitScene)(net.columns, unit.layer, unit.channel, width, height);
  };
  const layOut = (/** @type {boolean} */ moving) => {
    earlier = scene;
    scene = sceneNow();
    if (earlier.tiles.length === 0) earlier = scene;
    started = moving && !matchMedia("(prefers-reduced-motion: reduce)").matches ? performance.now() : -PACE;
    const { width, height } = stage.getBoundingClientRect();
    [canvas.width, canvas.height] = [width, height].map((length) => Math.round(length * devicePixelRatio));
    tables.hidden = level < 3;
    Object.assign(tables.style, place(scene.free));
    draw(); // at once, as a canvas of a new size is empty
  };
  const spriteOf = (/** @type {string} */ key, /** @type {Maps} */ maps, apart = false) => {
    const sprite = sprites.get(key) ?? element("canvas");
    sprites.set(key, sprite);
    paintSprite(sprite, maps, colours, apart);
    return sprite;
  };
  const paintSprites = () => {
    const run = shownRun();
    const layers = new Set(scene.tiles.map(({ layer }) => layer));
    spriteOf("digit", run.image);
    net.columns.forEach(({ shown }, layer) => {
      if (layers.has(layer)) spriteOf(`map ${layer}`, run.outputs[shown]);
    });
    if (level < 2) return;
    // Below the whole of a layer, the maps are what the layer reads, as it reads them.
    if (unit.layer > 0) spriteOf(`map ${unit.layer - 1}`, inputOf(run, unit.layer));
    if (view === "average") averageUse();
    else used = { key: "", maps: usedBy(view === "kept" && kept ? kept : now) };
    if (used) spriteOf("used", used.maps);
    const slices = slicesOf(net, unit);
    if (slices) spriteOf("slice", slices);
  };

  const draw = () => {
    if (!canvas.width) return;
    const share = Math.min((performance.now() - started) / PACE, 1);
    paintSprites();
    const scale = devicePixelRatio;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const pointed = hover ?? (level >= 2 || byKeys ? unit : null);
    if (level === 0 && share === 1) {
      paintRibbon(context, [digitBox(scene), ...scene.bands], colours.line);
      for (const band of scene.bands.filter(({ layer }) => lit(layer))) paintOutline(context, band, colours.action);
    }
    for (const tile of between(earlier, scene, ease(share))) {
      const { kind, layer, channel } = tile;
      const name = kind === "map" ? (layer < 0 ? "digit" : `map ${layer}`) : kind;
      const strong = kind === "map" && level === 1 && layer === unit.layer && channel === (hover ?? unit).channel;
      const isOff = kind === "map" && layer >= 0 && off.channels[net.columns[layer].shown]?.has(channel);
      paintTile(context, tile, sprites.get(name), { colours, strong, off: isOff });
    }
    if (share === 1) {
      writeLabels(pointed);
      if (pointed) mark(pointed);
    } else ask();
    speak(pointed);
  };
  const writeLabels = (/** @type {Unit | null} */ pointed) => {
    const { fontFamily } = getComputedStyle(stage);
    context.textAlign = "center";
    for (const { text, x, y, strong, layer } of scene.labels) {
      const here = level === 0 && layer !== undefined && layer >= 0 && (pointed?.layer === layer || lit(layer));
      context.font = `${here || strong ? 600 : 400} ${strong ? 13 : 12}px ${fontFamily}`;
      context.fillStyle = strong ? colours.ink : colours.quiet;
      context.fillText(text, x, y);
      if (!here) continue;
      const wide = context.measureText(text).width;
      context.fillStyle = pointed?.layer === layer ? colours.point : colours.action;
      context.fillRect(x - wide / 2, y + 3, wide, 2);
    }
  };
  const lit = (/** @type {number} */ layer) => model.get("highlight").split(" ").includes(net.columns[layer].name);

  /** Light up what a unit reads, what it can see of the digit, and how much each map that it reads contributes. */
  const mark = (/** @type {Unit} */ at) => {
    const column = net.columns[at.layer];
    const run = shownRun();
    const { top, left, side } = windowOf(column, inputOf(run, at.layer).height, at);
    const { field, jump, start } = column;
    const frame = (/** @type {Tile} */ tile, /** @type {number} */ y, /** @type {number} */ x, /** @type {number} */ size) => ({
      tile, top: y, left: x, height: size, width: size,
    });
    const its = scene.tiles.find(({ kind, layer, channel }) => kind === "map" && layer === at.layer && channel === at.channel);
    const parts = explain(column, net.pieces, inputOf(run, at.layer), at, off).parts;
    const most = Math.max(...parts.map(({ sum }) => Math.abs(sum))) || 1;
    const unitFrame = its && frame(its, at.row, at.column, 1);
    const windows = parts.flatMap(({ channel, sum }) => {
      const tiles = scene.tiles.filter(
        (tile) => tile.layer === at.layer - 1 && (at.layer === 0 ? tile.kind !== "used" : tile.kind === "map" && tile.channel === channel),
      );
      return tiles.map((tile) => ({ frame: frame(tile, top, left, side), share: sum / most }));
    });
    if (unitFrame && level < 2) {
      for (const { frame: from, share } of windows) paintWire(context, { from, to: unitFrame, share }, colours);
    }
    const fields = scene.tiles.filter(({ kind }) => kind === "digit" || kind === "used");
    const frames = fields.map((tile) => frame(tile, start + at.row * jump, start + at.column * jump, field));
    for (const each of [...frames, ...windows.map((window) => window.frame), ...(unitFrame ? [unitFrame] : [])]) {
      paintFrame(context, each, colours);
    }
  };

  // Words.
  const nameOf = (/** @type {Unit} */ at) => {
    const { name, after } = net.columns[at.layer];
    const silent = off.relus.has(net.columns[at.layer].relu);
    return `${name}, map ${at.channel}, unit (${at.row}, ${at.column}) · ${silent ? "ReLU turned off" : after}`;
  };
  const valueOf = (/** @type {Unit} */ at) => {
    const { data, width, channels } = shownRun().outputs[net.columns[at.layer].shown];
    return data[(at.row * width + at.column) * channels + at.channel];
  };
  const speak = (/** @type {Unit | null} */ pointed) => {
    const run = shownRun();
    const result = Array.from((view === "difference" ? now : run).outputs[net.last].data);
    const best = result.indexOf(Math.max(...result));
    const percent = `${(100 * result[best]).toFixed(1)} %`;
    const empty = view === "now" && now.image.data.every((value) => value === 0);
    const verdict = `The network says ${best}`;
    const chosen = view === "now" ? pad.chosen() : undefined;
    bars.show(result, view === "average" ? "On average" : "The network says", kept && view !== "kept" ? Array.from(kept.outputs[net.last].data) : null);
    bars.classList.toggle("empty", empty);
    const { name, size, channels, after } = net.columns[unit.layer];
    const names = ["Network", name, `map ${unit.channel}`, `unit (${unit.row}, ${unit.column})`];
    path.show(names.slice(0, level + 1));
    el.dataset.level = String(level);
    const { relu, shown } = net.columns[unit.layer];
    reluSwitch.hidden = level < 1 || !relu;
    reluSwitch.textContent = `Turn the ReLU ${off.relus.has(relu) ? "on" : "off"}`;
    mapSwitch.hidden = level < 2;
    mapSwitch.textContent = `Turn map ${unit.channel} ${off.channels[shown]?.has(unit.channel) ? "on" : "off"}`;
    allOn.hidden = off.relus.size === 0 && !Object.values(off.channels).some((set) => set.size);
    keep.textContent = kept ? "Forget the kept digit" : "Keep this digit to compare";
    averaging.setAttribute("aria-pressed", String(view === "average"));
    showViews();
    if (level === 3) return speakOfProducts(run);
    const many = view === "average" && mean?.runs?.length;
    if (pointed) {
      const { layers: [{ kernel_size, pool_size, kind }], field } = net.columns[pointed.layer];
      const kernel = kernel_size ?? pool_size;
      const maps = inputOf(run, pointed.layer).channels;
      const reads = kind === "MaxPooling2D" ? "one map" : maps === 1 ? "the digit" : `each of ${maps} maps`;
      said.show(
        `${nameOf(pointed)}: ${number(valueOf(pointed))}. It reads ${kernel} × ${kernel} of ${reads} and can see ` +
          `${field} × ${field} pixels of the digit${level === 2 ? `; ${share(used?.maps)}` : ""}.`,
      );
    } else if (many) {
      said.show(`The mean over ${many} digits of the test set: every map, and every probability. Go to a map to see what its units use on average.`);
    } else if (view === "difference") {
      said.show("Now less the kept digit: blue where a value is larger now, orange where it is smaller. The marks on the bars show the kept digit.");
    } else if (empty) {
      said.show(
        `The pad is empty, and still the network answers: ${best}, with ${percent}. Its biases and normalisations are not 0, ` +
          "and the softmax divides 100 % among ten digits, whatever it gets.",
      );
    } else if (level === 1) {
      said.show(`${name}: ${channels} maps of ${size} × ${size} · ${after}. Press a map to see its filter.`);
    } else said.show(`${verdict}, with ${percent}${chosen === undefined ? "" : ` (a ${chosen} from the test set)`}. Point at the maps to see what a unit reads; press a layer to zoom in.`);
  };
  const speakOfProducts = (/** @type {Run} */ run) => {
    const column = net.columns[unit.layer];
    const { parts, steps } = explain(column, net.pieces, inputOf(run, unit.layer), unit, off);
    if (!product.chosen) product = { ...strongest(parts), chosen: false };
    const { part, product: index } = product;
    tables.show(parts, steps, product, unit.layer ? "map" : "digit");
    const { channel, values, weights, products } = parts[part] ?? parts[0];
    const { top, left, kernel, step } = windowOf(column, inputOf(run, unit.layer).height, unit);
    const at = minus(`(${top + Math.floor(index / kernel) * step}, ${left + (index % kernel) * step})`); // it can be beyond the border
    const from = unit.layer ? `${net.columns[unit.layer - 1].name}, map ${channel}, unit ${at}` : `digit, pixel ${at}`;
    const count = parts.length * kernel ** 2;
    const beginning = product.chosen ? "" : `The ${weights.length ? "largest" : "kept one"} of ${count}: `;
    said.show(
      weights.length
        ? `${beginning}${from}: ${number(values[index])} × weight ${number(weights[index])} = ${number(products[index])}.`
        : `${beginning}${from}: ${number(values[index])}.`,
    );
  };
  const showViews = () => {
    const names = kept ? { now: "Now", kept: "Kept", difference: "Difference" } : {};
    const wanted = Object.keys(names).join();
    if (views.dataset.views !== wanted) {
      views.dataset.views = wanted;
      views.replaceChildren(
        ...Object.entries(names).map(([name, text]) =>
          Object.assign(button(text, () => ((view = name), ask())), { value: name }),
        ),
      );
    }
    for (const each of views.children) each.setAttribute("aria-pressed", String(each.value === view));
    views.hidden = !kept;
  };

  // Moving.
  const go = (/** @type {number} */ to, /** @type {Unit} */ at = unit) => {
    const deepest = exact() ? 3 : 2;
    const { size, channels } = net.columns[at.layer];
    const inside = (/** @type {number} */ value, /** @type {number} */ end) => Math.min(Math.max(value, 0), end - 1);
    unit = { layer: at.layer, channel: inside(at.channel, channels), row: inside(at.row, size), column: inside(at.column, size) };
    const moving = level !== Math.min(to, deepest);
    level = Math.min(to, deepest);
    hover = null;
    product = { part: 0, product: 0, chosen: false };
    change(model, { place: addressOf(level, unit, net.columns) });
    remember();
    layOut(moving);
  };
  const flip = (/** @type {() => void} */ what) => {
    what();
    mean = null;
    if (view === "average") view = "now";
    compute();
    ask();
  };
  // On the site, "#fig-strip:conv5/3" is the figure's anchor with the place in it; in a notebook the address is not ours.
  const anchor = el.closest(".interactive") && el.closest("figure")?.id;
  const remember = () => {
    if (!anchor) return;
    history.replaceState(history.state, "", `#${anchor}${level ? `:${addressOf(level, unit, net.columns)}` : ""}`);
  };
  const fromAddress = () => {
    const [name, address] = decodeURIComponent(location.hash.slice(1)).split(":");
    if (!anchor || name !== anchor || !address) return;
    const wanted = placeOf(address, net.columns);
    if (wanted) go(wanted.level, wanted.unit);
  };

  const tileAt = (/** @type {PointerEvent} */ event) => {
    const box = stage.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const inside = (/** @type {Tile} */ t) => x >= t.x - 2 && y >= t.y - 2 && x < t.x + t.side + 2 && y < t.y + t.side + 2;
    const tile = scene.tiles.find((each) => each.kind === "map" && each.layer >= 0 && inside(each));
    const band = level === 0 ? scene.bands.find((each) => x >= each.x - 5 && x < each.x + each.width + 5 && y >= each.y && y < each.y + each.height + FOOT) : undefined;
    if (!tile) return band ? { tile: null, at: { ...unit, layer: band.layer } } : null;
    const cell = (/** @type {number} */ way) => Math.min(Math.max(Math.floor((way / tile.side) * tile.size), 0), tile.size - 1);
    return { tile, at: { layer: tile.layer, channel: tile.channel, row: cell(y - tile.y), column: cell(x - tile.x) } };
  };
  const point = (/** @type {PointerEvent} */ event) => {
    const found = tileAt(event);
    const next = found?.tile && (level < 2 || found.at.layer === unit.layer) ? found.at : null;
    stage.classList.toggle("over", found !== null);
    if (JSON.stringify(next) === JSON.stringify(hover)) return;
    hover = next;
    byKeys = false;
    ask();
  };
  stage.addEventListener("pointermove", point);
  stage.addEventListener("pointerdown", point);
  stage.addEventListener("pointerleave", () => {
    hover = null;
    ask();
  });
  stage.addEventListener("click", (/** @type {PointerEvent} */ event) => {
    const found = tileAt(event);
    if (!found) return;
    const { at } = found;
    if (level === 0) go(1, at);
    else if (level === 1) go(at.layer === unit.layer ? 2 : 1, at);
    else go(at.layer === unit.layer ? 3 : 2, at);
  });
  /** @type {Record<string, [number, number]>} */
  const ways = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  stage.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const way = ways[event.key];
    const known = way || event.key === "Enter" || (event.key === "Escape" && level > 0);
    if (!known) return;
    event.preventDefault(); // the page stays where it is
    event.stopPropagation();
    byKeys = true;
    if (event.key === "Enter") go(level + 1);
    else if (event.key === "Escape") go(level - 1);
    else step(...way);
  });
  const step = (/** @type {number} */ down, /** @type {number} */ right) => {
    const { layer, channel, row, column } = unit;
    if (level === 0 && right) return go(0, middleOf(Math.min(Math.max(layer + right, 0), net.columns.length - 1), net));
    if (level === 2) return go(2, { ...unit, row: row + down, column: column + right });
    if (level === 3) return stepProduct(down, right);
    const its = scene.tiles.filter((tile) => tile.kind === "map" && tile.layer === layer);
    const from = its[channel];
    const away = (/** @type {Tile} */ to) => (to.y - from.y) * down + (to.x - from.x) * right;
    const aside = (/** @type {Tile} */ to) => Math.abs((to.x - from.x) * down) + Math.abs((to.y - from.y) * right);
    const next = its.filter((tile) => away(tile) > 1).sort((a, b) => away(a) + 3 * aside(a) - away(b) - 3 * aside(b))[0];
    if (next) go(level, { ...unit, channel: next.channel });
  };
  const stepProduct = (/** @type {number} */ down, /** @type {number} */ right) => {
    const { parts } = explain(net.columns[unit.layer], net.pieces, inputOf(shownRun(), unit.layer), unit, off);
    const kernel = Math.sqrt(parts[0].products.length);
    let { part, product: index } = product;
    let [row, column] = [Math.floor(index / kernel) + down, (index % kernel) + right];
    if (column < 0 || row < 0) [part, column, row] = [part - 1, (column + kernel) % kernel, (row + kernel) % kernel];
    else if (column >= kernel || row >= kernel) [part, column, row] = [part + 1, column % kernel, row % kernel];
    if (part < 0 || part >= parts.length) return;
    product = { part, product: row * kernel + column, chosen: true };
    ask();
  };

  // Many digits.
  const average = async () => {
    if (view === "average") {
      view = "now";
      return ask();
    }
    averaging.disabled = true;
    averaging.textContent = "Averaging …";
    const { data, shape } = unpack((await inner(model, model.get("many"))).get("digits"));
    const layers = withoutRelus(net.layers, off.relus);
    const runs = [];
    for (let n = 0; n < shape[0]; n++) {
      const image = imageAt({ data, shape }, n);
      runs.push({ image, outputs: forward(layers, net.pieces, image, off.channels) });
      if (n % 10 === 9) await pause();
    }
    mean = meanOf(runs);
    view = "average";
    averaging.disabled = false;
    averaging.textContent = "Average over many digits";
    go(Math.min(level, 2));
  };

  fill(
    el,
    element("div", { class: "strip-head" }, path, element("div", { class: "strip-switches" }, reluSwitch, mapSwitch, allOn)),
    element("div", { class: "strip-row" }, pad, stage, bars),
    said,
    element("div", { class: "strip-tools" }, shift, keep, views, averaging, networks, legend()),
  );
  el.classList.add("strip");
  colours = coloursOf();
  compute();

  const imageChanged = () => {
    compute();
    if (view === "average" || view === "kept") view = "now";
    ask();
  };
  const placeChanged = () => {
    if (addressOf(level, unit, net.columns) === model.get("place")) return;
    const wanted = placeOf(model.get("place"), net.columns);
    go(wanted?.level ?? 0, wanted?.unit);
  };
  model.on("change:image", imageChanged);
  model.on("change:place", placeChanged);
  const seen = new ResizeObserver(() => layOut(false));
  seen.observe(stage);
  window.addEventListener("hashchange", fromAddress);
  fromAddress();
  const stop = onTurn(() => {
    colours = coloursOf();
    ask();
  });
  return () => {
    cancelAnimationFrame(asked);
    seen.disconnect();
    window.removeEventListener("hashchange", fromAddress);
    stop();
    model.off("change:image", imageChanged);
    model.off("change:place", placeChanged);
  };
}

/**
 * A network, ready to compute.
 *
 * @param {import("./shared/network.js").Layer[]} layers
 * @param {Float32Array} weights
 */
function networkOf(layers, weights) {
  const last = layers[layers.length - 1].name;
  return { layers, pieces: cutWeights(layers, weights), columns: columnsOf(layers), last };
}

/**
 * The unit in the middle of a layer's first map.
 *
 * @param {number} layer
 * @param {ReturnType<typeof networkOf>} net
 * @returns {Unit}
 */
function middleOf(layer, { columns }) {
  const middle = Math.floor((columns[layer].size - 1) / 2);
  return { layer, channel: 0, row: middle, column: middle };
}

/**
 * The pad with ten digits of the test set below it.
 *
 * @param {import("./shared/elements.js").Model} model
 */
function padOf(model) {
  const digits = unpack(model.get("digits"));
  const drawing = drawingPad((image) => change(model, { image: pack(image ?? new Float32Array(784), [28, 28]) }));
  const hint = element("span", { class: "hint", "aria-hidden": "true" }, "Draw a digit");
  const stage = /** @type {HTMLElement} */ (drawing.querySelector(".stage"));
  stage.append(hint);
  for (const begun of ["pointerdown", "keydown"]) stage.addEventListener(begun, () => (hint.hidden = true));
  drawing.querySelector("button")?.addEventListener("click", () => (hint.hidden = false));
  const shelf = model.get("labels").map((/** @type {number} */ label, /** @type {number} */ i) => {
    const press = () => change(model, { image: pack(imageAt(digits, i).data, [28, 28]) });
    const made = button(String(label), press);
    made.setAttribute("aria-label", `A ${label} from the test set`);
    return made;
  });
  const images = shelf.map((/** @type {HTMLElement} */ _, /** @type {number} */ i) => imageAt(digits, i).data);
  const shown = () => {
    const { data } = unpack(model.get("image"));
    return images.findIndex((/** @type {Float32Array} */ each) => same(data, each));
  };
  const mark = () => {
    const chosen = shown();
    shelf.forEach((/** @type {HTMLElement} */ made, /** @type {number} */ i) => made.setAttribute("aria-pressed", String(i === chosen)));
  };
  model.on("change:image", mark);
  mark();
  const ready = element("div", { class: "ready" }, element("span", {}, "or choose one of these"), ...shelf);
  return Object.assign(element("div", { class: "strip-pad" }, drawing, ready), {
    /** @returns {number | undefined} which digit of the test set is shown, if one is */
    chosen: () => model.get("labels")[shown()],
  });
}

/** What the colours of the maps mean. */
function legend() {
  const scale = (/** @type {string} */ name, /** @type {string[]} */ ...ends) =>
    element("span", { class: `scale ${name}` }, ...ends.map((end) => element("span", {}, end)));
  return element("p", { class: "strip-legend" }, scale("unsigned", "0", "large"), scale("signed", "negative", "0", "positive"));
}

/**
 * Get a model that is inside another one, with what it holds; on the site it loads only now.
 *
 * @param {any} model
 * @param {string} reference
 * @returns {Promise<import("./shared/elements.js").Model>}
 */
function inner(model, reference) {
  return model.widget_manager.get_model(reference.slice("IPY_MODEL_".length));
}

/** Let the page draw and listen. */
function pause() {
  return new Promise((done) => setTimeout(done));
}

/**
 * @param {Set<any>} set
 * @param {any} value
 */
function toggle(set, value) {
  if (!set.delete(value)) set.add(value);
}

/** @param {number} share of a way, from 0 to 1 */
function ease(share) {
  return 1 - (1 - share) ** 3;
}

/** @param {{x: number, y: number, width: number, height: number}} box */
function place({ x, y, width, height }) {
  return { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` };
}

/** @param {Scene} scene */
function digitBox({ tiles: [{ x, y, side }] }) {
  return { x, y, width: side, height: side };
}

/**
 * The slices of a unit's filter as maps; none for a pool.
 *
 * @param {ReturnType<typeof networkOf>} net
 * @param {Unit} unit
 * @returns {Maps | null}
 */
function slicesOf({ pieces, columns }, { layer, channel }) {
  const { layers: [{ name, kind, kernel_size: size = 1 }], channels } = columns[layer];
  if (kind !== "Conv2D") return null;
  return { data: pieces[name][0].filter((_, i) => i % channels === channel), height: size, width: size, channels: columns[layer - 1]?.channels ?? 1 };
}

/**
 * @param {Maps} maps
 * @param {(value: number, i: number) => number} change
 */
function changed(maps, change) {
  return { ...maps, data: maps.data.map(change) };
}

/**
 * @param {Maps} image
 * @param {number} down
 * @param {number} right
 */
function shifted(image, down, right) {
  const { data, height, width } = image;
  return changed(image, (_, i) => {
    const [y, x] = [Math.floor(i / width) - down, (i % width) - right];
    return y < 0 || x < 0 || y >= height || x >= width ? 0 : data[y * width + x];
  });
}

/**
 * One run less another, number by number.
 *
 * @param {Run} run
 * @param {Run | null} other
 * @returns {Run}
 */
function difference(run, other) {
  if (!other) return run;
  const less = (/** @type {Maps} */ a, /** @type {Maps} */ b) => changed(a, (value, i) => value - b.data[i]);
  const outputs = Object.entries(run.outputs).map(([name, maps]) => [name, less(maps, other.outputs[name])]);
  return { image: less(run.image, other.image), outputs: Object.fromEntries(outputs) };
}

/**
 * @param {Run[]} runs
 * @returns {Run}
 */
function meanOf(runs) {
  const mean = (/** @type {Maps[]} */ all) => changed(all[0], (_, i) => all.reduce((sum, { data }) => sum + data[i], 0) / all.length);
  const outputs = Object.keys(runs[0].outputs).map((name) => [name, mean(runs.map((run) => run.outputs[name]))]);
  return { image: mean(runs.map(({ image }) => image)), outputs: Object.fromEntries(outputs), runs };
}

/**
 * The product that counts most; of a pool, the value that it keeps.
 *
 * @param {import("./shared/anatomy.js").Part[]} parts
 */
function strongest(parts) {
  let best = { part: 0, product: 0 };
  const size = (/** @type {number} */ value) => (parts[0].weights.length ? Math.abs(value) : value);
  parts.forEach(({ products }, part) =>
    products.forEach((value, product) => {
      if (size(value) > size(parts[best.part].products[best.product])) best = { part, product };
    }),
  );
  return best;
}

/**
 * Say how many pixels carry half of a gradient.
 *
 * @param {Maps | undefined} gradient
 */
function share(gradient) {
  const sizes = Float32Array.from(gradient?.data ?? [], Math.abs).sort().reverse();
  const total = sizes.reduce((a, b) => a + b, 0);
  if (!total) return "here none of them changes it, because its ReLU or one before it gives 0";
  let half = 0;
  for (let sum = 0; sum < total / 2; half++) sum += sizes[half];
  return `${half} of them carry half of its gradient`;
}

export default { render };
