/** The trained network from the pixels to the ten probabilities: draw, point, and zoom in to a single product. */
import { addressOf, columnsOf, explain, fieldWords, placeOf, windowOf, withoutRelus } from "./shared/anatomy.js";
import { onTurn } from "./shared/colours.js";
import { button, change, choice, element, fill, status } from "./shared/elements.js";
import { backward, cutWeights, forward, outputsOf } from "./shared/network.js";
import { minus, number, signed, withArticle } from "./shared/numbers.js";
import { drawingPad } from "./shared/pad.js";
import { imageAt, pack, same, unpack } from "./shared/pictures.js";
import { between, FOOT, layerScene, LINE, mapScene, networkScene, unitScene } from "./shared/scene.js";
import { joined, offAddress, offOf, packDrawing, partsOf, rounded, unpackDrawing } from "./shared/strip_address.js";
import { coloursOf, paintFrame, paintOutline, paintRibbon, paintSprite, paintTile, paintWire } from "./shared/strip_paint.js";
import { pathOf, percent, probabilityBars, productTables } from "./shared/strip_parts.js";

/**
 * @typedef {import("./shared/convolution.js").Maps} Maps
 * @typedef {import("./shared/anatomy.js").Unit} Unit
 * @typedef {import("./shared/scene.js").Tile} Tile
 * @typedef {import("./shared/scene.js").Scene} Scene
 * @typedef {import("./shared/strip_address.js").Off} Off
 * @typedef {{image: Maps, off: Off, outputs: Record<string, Maps>, runs?: Run[]}} Run of the network, or the mean of several
 */

const PACE = 280; // milliseconds from one level of the zoom to another
const REST = 200; // milliseconds before the address follows, as browsers refuse to change it all the time

/**
 * Compute what the strip shows first, a layer at a time: on a slow phone the page listens in between.
 *
 * @param {import("./shared/elements.js").Model} model
 * @returns {Promise<Run>}
 */
async function firstRun(model) {
  const { layers, pieces } = networkOf(model);
  const run = { image: imageOf(model), off: nothing(), outputs: /** @type {Record<string, Maps>} */ ({}) };
  for (const [name, maps] of outputsOf(layers, pieces, run.image)) {
    run.outputs[name] = maps;
    await pause();
  }
  return run;
}

/**
 * @param {{model: import("./shared/elements.js").Model, el: HTMLElement}} place
 * @param {Run} [ready] what `firstRun` has computed
 */
function render({ model, el }, ready) {
  let net = networkOf(model);
  let off = nothing(); // never changed in place, as every run keeps its own
  let { level, unit } = placeOf(model.get("place"), net.columns) ?? { level: 0, unit: middleOf(0, net) };
  let hover = /** @type {Unit | null} */ (null);
  let byKeys = false; // then the chosen unit is pointed at
  let product = { part: 0, product: 0, chosen: false };
  let view = "now";
  let base = imageOf(model); // the digit before any shift
  let moved = [0, 0]; // pixels down and to the right
  let kept = /** @type {Run | null} */ (null);
  let shifting = false; // then what is kept is the digit before the shift
  let whole = /** @type {Run | null} */ (null); // with everything on, where something is off
  let mean = /** @type {Run | null} */ (null);
  let now = /** @type {Run} */ ({});
  let scene = /** @type {Scene} */ ({ tiles: [], labels: [], bands: [], free: { x: 0, y: 0, width: 0, height: 0 } });
  let earlier = scene;
  let started = -PACE; // of the way from the earlier scene
  let colours = coloursOf(); // before anything is added, or the browser would lay out the page once more
  /** @type {Map<string, HTMLCanvasElement>} */
  const sprites = new Map();

  /** @type {{name?: string, title: string, data: string | null}[]} the first one has its data here */
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
    "aria-label": "The network. Arrow keys move, Enter zooms in, Escape zooms out, the space bar turns a map off or on.",
  });
  stage.append(canvas, tables);
  const bars = probabilityBars();
  const [said, aside] = [status(), status()];
  const note = element("p", { class: "strip-note" });
  const words = element("div", { class: "strip-words" }, said, aside, note);
  const path = pathOf((to) => go(to));
  const turnRelu = () => turn({ ...off, relus: toggled(off.relus, net.columns[unit.layer].relu) });
  const turnMap = (/** @type {number} */ channel) => {
    const { shown } = net.columns[unit.layer];
    turn({ ...off, channels: { ...off.channels, [shown]: toggled(off.channels[shown] ?? new Set(), channel) } });
  };
  const reluSwitch = button("", turnRelu);
  const mapSwitch = button("", () => turnMap(unit.channel));
  const allOn = button("All on", () => {
    stage.focus({ preventScroll: true }); // the button goes
    turn(nothing());
  });
  const pad = padOf(model);
  const first = pad.find(base.data);
  const views = element("div", { class: "strip-views", role: "group", "aria-label": "What the maps show" });
  const shift = element("div", { class: "strip-views", role: "group", "aria-label": "Shift the digit by a pixel" }, element("span", {}, "Shift"));
  for (const [sign, words, down, right] of /** @type {[string, string, number, number][]} */ ([
    ...[["←", "left", 0, -1], ["↑", "up", -1, 0], ["↓", "down", 1, 0], ["→", "right", 0, 1]],
  ])) {
    const made = button(sign, () => shiftTo([moved[0] + down, moved[1] + right]));
    made.setAttribute("aria-label", `Shift the digit ${words}`);
    shift.append(made);
  }
  const unshift = button("Reset", () => shiftTo([0, 0]));
  unshift.setAttribute("aria-label", "Reset the shift");
  shift.append(unshift);
  const shiftTo = (/** @type {number[]} */ to) => {
    if (!kept) [kept, shifting] = [now, true];
    moved = to.map(within);
    change(model, { image: pack(shifted(base, moved).data, [28, 28]) });
    ask();
  };
  const forget = () => {
    [kept, shifting] = [null, false];
    if (view === "kept" || view === "difference") view = "now";
  };
  const keep = button("Keep this digit to compare", () => {
    if (kept && !shifting) forget();
    else [kept, shifting] = [now, false];
    ask();
  });
  const averaging = button("Average over many digits", () => average());
  const networks = choice({
    label: "Network",
    options: Object.fromEntries(others.map(({ title }, i) => [String(i), title])),
    input: async (i) => {
      await choose(Number(i));
      go(0, middleOf(0, net));
    },
  });
  let chosen = 0; // which of the networks
  const choose = async (/** @type {number} */ i) => {
    const { data } = others[i];
    const its = data ? await inner(model, data) : model;
    chosen = i;
    networks.show(String(i));
    net = networkOf(its);
    [off, view, mean, level, unit] = [nothing(), "now", null, 0, middleOf(0, net)];
    forget();
    compute();
  };
  networks.hidden = others.length < 2;

  /** What the maps show. */
  const shownRun = () => (view === "kept" ? kept : view === "average" ? mean : view === "difference" ? difference(now, kept) : now) ?? now;
  const exact = () => view === "now" || view === "kept";
  const at = () => (level >= 2 && hover) || unit;

  // Computing.
  const runOf = (/** @type {Maps} */ image, its = off) => ({
    image,
    off: its,
    outputs: forward(withoutRelus(net.layers, its.relus), net.pieces, image, its.channels),
  });
  const compute = () => {
    now = runOf(imageOf(model));
    whole = isAny(off) ? runOf(now.image, nothing()) : null;
  };
  const inputOf = (/** @type {Run} */ run, /** @type {number} */ layer) => {
    const { reads } = net.columns[layer];
    return reads ? run.outputs[reads] : run.image;
  };
  /** @type {{key: string, maps: Maps} | null} */
  let used = null;
  const usedBy = (/** @type {Run} */ run, /** @type {Unit} */ its) => {
    const layers = withoutRelus(net.layers, run.off.relus);
    return backward(layers, net.pieces, run.image, run.outputs, net.columns[its.layer].shown, its, run.off.channels);
  };
  /** The mean of |gradient| over all maps at the unit's place and all digits, as it comes in. */
  const averageUse = async () => {
    const its = at();
    const key = addressOf(3, { ...its, channel: 0 }, net.columns);
    if (!mean?.runs || used?.key === key) return;
    const sums = new Float32Array(784);
    const maps = { data: sums, height: 28, width: 28, channels: 1 };
    used = { key, maps };
    let since = performance.now();
    for (const run of mean.runs) {
      for (let channel = 0; channel < net.columns[its.layer].channels; channel++) {
        usedBy(run, { ...its, channel }).data.forEach((value, i) => (sums[i] += Math.abs(value)));
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
  const spriteOf = (/** @type {string} */ key, /** @type {Maps} */ maps, signed = view === "difference", others = maps) => {
    const sprite = sprites.get(key) ?? element("canvas");
    sprites.set(key, sprite);
    paintSprite(sprite, maps, colours, signed, others.data);
    return sprite;
  };
  const paintSprites = () => {
    const run = shownRun();
    const full = run === now && whole ? whole : run; // whatever is turned off, the other maps keep their colours
    const layers = new Set(scene.tiles.map(({ layer }) => layer));
    spriteOf("digit", run.image);
    net.columns.forEach(({ shown }, layer) => {
      if (layers.has(layer)) spriteOf(`map ${layer}`, run.outputs[shown], undefined, full.outputs[shown]);
    });
    if (level < 2) return;
    // Below the whole of a layer, the maps are what the layer reads, as it reads them.
    const before = net.columns[unit.layer - 1];
    if (before) spriteOf(`map ${unit.layer - 1}`, inputOf(run, unit.layer), before.normalised || view === "difference", inputOf(full, unit.layer));
    if (view === "average") averageUse();
    else used = { key: "", maps: usedBy(view === "kept" && kept ? kept : now, at()) };
    if (used) spriteOf("used", used.maps, view !== "average");
    const slices = slicesOf(net, unit);
    if (slices) spriteOf("slice", slices, true);
  };

  const draw = () => {
    if (!canvas.width || !scene.tiles.length) return; // it has no size yet, as where a page lays out only what is near
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
      const strong = kind === "map" && level === 1 && layer === pointed?.layer && channel === pointed.channel;
      paintTile(context, tile, sprites.get(name), { colours, strong, off: isOff(tile) });
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
    for (const { text: words, x, y, strong, layer, of } of scene.labels) {
      const gradient = view === "average" ? "what it uses" : words;
      const text = of?.kind === "used" ? (used?.maps.data.some(Boolean) ? gradient : "nothing here") : of && isOff(of) ? `${words} off` : words;
      const here = level === 0 && layer !== undefined && layer >= 0 && (pointed?.layer === layer || lit(layer));
      context.font = `${here || strong ? 600 : 400} ${strong ? 13 : 12}px ${fontFamily}`;
      context.fillStyle = strong ? colours.ink : colours.quiet;
      context.fillText(text, x, y);
      const pressable = level === 1 && of?.kind === "map"; // turns its map off
      const wide = context.measureText(text).width;
      if (pressable) context.fillRect(x - wide / 2, y + 2, wide, 1);
      if (!here) continue;
      context.fillStyle = pointed?.layer === layer ? colours.point : colours.action;
      context.fillRect(x - wide / 2, y + 3, wide, 2);
    }
  };
  const isOff = (/** @type {Tile} */ { kind, layer, channel }) =>
    kind === "map" && layer >= 0 && !!shownRun().off.channels[net.columns[layer].shown]?.has(channel);
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
    const parts = explain(column, net.pieces, inputOf(run, at.layer), at, run.off).parts;
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
  const stateOf = (/** @type {Unit} */ { layer, channel }) => {
    const { relu, shown, after, size } = net.columns[layer];
    const its = shownRun().off;
    if (its.channels[shown]?.has(channel)) return "map turned off";
    if (its.relus.has(relu)) return "ReLU turned off";
    return layer === net.columns.length - 1 && size === 1 ? `score (logit) of the digit ${channel}` : after;
  };
  const nameOf = (/** @type {Unit} */ { layer, channel, row, column }) => `${net.columns[layer].name}, map ${channel}, unit (${row}, ${column})`;
  const valueOf = (/** @type {Unit} */ at) => {
    const { data, width, channels } = shownRun().outputs[net.columns[at.layer].shown];
    const value = number(data[(at.row * width + at.column) * channels + at.channel]);
    if (view === "average") return `mean ${value}`;
    return view === "difference" ? `now minus ${keptName()} ${value}` : value;
  };
  const keptName = () => (shifting ? "before" : "kept");
  /** What a unit can see, and how much of it counts. */
  const seenWords = (/** @type {Unit} */ at) => {
    const sees = `can see ${fieldWords(net.columns[at.layer], at)}`;
    if (level < 2) return sees;
    const half = halfOf(used?.maps);
    if (half) return `${sees}; ${half} of them carry half of its gradient`;
    const { off: its } = view === "kept" && kept ? kept : now;
    const because = its.channels[net.columns[at.layer].shown]?.has(at.channel) ? "this map is turned off" : `its ReLU or one before it gives 0${isAny(its) ? ", or because of what is turned off" : ""}`;
    return `${sees}, but here none of them changes it, because ${because}`;
  };
  const bestOf = (/** @type {Run} */ run) => {
    const result = run.outputs[net.last].data;
    return result.indexOf(Math.max(...result));
  };
  const verdictOf = (/** @type {Run} */ run) => `${bestOf(run)}, with ${percent(run.outputs[net.last].data[bestOf(run)])}`;
  const offWords = () => {
    const run = shownRun();
    if (!isAny(run.off)) return "";
    const maps = net.columns.flatMap(({ name, shown }) => {
      const numbers = [...(run.off.channels[shown] ?? [])].sort((a, b) => a - b);
      return numbers.length ? [`map${numbers.length > 1 ? "s" : ""} ${numbers.join(", ")} of ${name}`] : [];
    });
    const relus = net.columns.filter(({ relu }) => run.off.relus.has(relu)).map(({ name }) => `the ReLU of ${name}`);
    const list = `Turned off: ${[...relus, ...maps].join("; ")}.`;
    if (view !== "now" || !whole) return list;
    const best = bestOf(whole);
    const words = (/** @type {Run} */ { outputs }) => `${signed(outputs[net.scores].data[best])} (${percent(outputs[net.last].data[best])})`;
    return `${list} The score of ${best} was ${words(whole)} with everything on and is ${words(now)} now.${kept ? "" : " Marks on the bars: everything on."}`;
  };
  const keptWords = () => {
    const way = [[moved[0], "down", "up"], [moved[1], "right", "left"]].flatMap(([by, more, less]) => (by ? [`${Math.abs(Number(by))} ${Number(by) > 0 ? more : less}`] : []));
    const far = way.length ? `Shifted by ${way.join(" and ")}. ` : "";
    if (!kept || view === "kept" || view === "average") return far;
    return `${far}Marks on the bars: ${shifting ? "before the shift" : "the kept digit"} (${verdictOf(kept)}).`;
  };
  const noteOf = () => {
    if (level < 2 && byKeys) return "Arrow keys move, Enter zooms in, Escape zooms out, the space bar turns a map off or on.";
    const counted = "Unit (3, 5) is in row 3 and column 5, counted from 0.";
    if (level === 0) return `${counted} A blue line adds to a unit, an orange one takes away; a thicker line counts more.`;
    if (level === 1) return counted;
    const { layers: [{ kind, kernel_size: kernel = 1 }], name } = net.columns[unit.layer];
    const { name: before, normalised } = net.columns[unit.layer - 1] ?? { name: "the digit", normalised: false };
    const differs = normalised ? ` ${name} reads ${before} normalised, so the values differ from those after the ReLU: blue is above 0, orange below.` : "";
    if (kind === "MaxPooling2D") return `Of each window, the pool keeps the largest value.${differs}`;
    if (level === 2) return `Press a unit of map ${unit.channel} to see its products: every map that ${name} reads is multiplied with its own slice of the filter.${differs}`;
    if (kernel === 1) return `Each number is one product; above it is the number of the map of ${before}.${differs}`;
    return `Each square has the ${kernel ** 2} products of one map, with their sum above it.${differs}`;
  };
  const speak = (/** @type {Unit | null} */ pointed) => {
    const run = shownRun();
    const many = view === "average" ? mean?.runs?.length : 0;
    const other = view === "now" || view === "difference" ? (kept ?? whole) : null;
    const empty = view === "now" && now.image.data.every((value) => value === 0);
    bars.show(Array.from((view === "difference" ? now : run).outputs[net.last].data), other?.outputs[net.last].data, many ? `Mean of ${many} digits` : "");
    bars.classList.toggle("empty", empty);
    const { name, size, channels, relu } = net.columns[unit.layer];
    path.show(["Network", name, `map ${unit.channel}`, `unit (${at().row}, ${at().column})`].slice(0, level + 1));
    el.dataset.level = String(level);
    const shownOff = isAny(off);
    reluSwitch.hidden = level < 1 || !relu;
    reluSwitch.textContent = `Turn the ReLU ${off.relus.has(relu) ? "on" : "off"}`;
    mapSwitch.hidden = level < 2;
    mapSwitch.textContent = `Turn map ${unit.channel} ${off.channels[net.columns[unit.layer].shown]?.has(unit.channel) ? "on" : "off"}`;
    allOn.hidden = level < 1 && !shownOff;
    allOn.style.visibility = shownOff ? "" : "hidden"; // it keeps its room, so that nothing jumps
    unshift.disabled = !moved.some(Boolean);
    keep.textContent = kept && !shifting ? "Forget the kept digit" : "Keep this digit to compare";
    if (!averaging.disabled) averaging.textContent = view === "average" ? "Back to one digit" : "Average over many digits";
    showViews();
    aside.show([offWords(), keptWords()].filter(Boolean).join(" "));
    note.textContent = noteOf();
    if (level === 3) return speakOfProducts(run);
    if (pointed) {
      const { layers: [{ kernel_size, pool_size, kind }] } = net.columns[pointed.layer];
      const kernel = kernel_size ?? pool_size;
      const maps = inputOf(run, pointed.layer).channels;
      const normalised = net.columns[pointed.layer - 1]?.normalised ? "normalised " : "";
      const reads = kind === "MaxPooling2D" ? "one map" : maps === 1 ? "the digit" : `each of ${maps} ${normalised}maps`;
      said.show(`${nameOf(pointed)} · ${stateOf(pointed)}: ${valueOf(pointed)}. It reads ${kernel} × ${kernel} of ${reads} and ${seenWords(pointed)}.`);
    } else if (many) {
      said.show(
        `The mean over ${many} digits of the test set: every map, and every probability. The bars are no verdict: each is about as long ` +
          "as its digit is frequent among them. Go to a map to see what its units use on average.",
      );
    } else if (view === "difference" && kept) {
      const none = same(now.image.data, kept.image.data) && now.off === kept.off;
      said.show(
        none
          ? "No difference yet: this is the digit that was kept. Choose, draw or shift a digit to compare it."
          : `Now minus ${shifting ? "before the shift" : "the kept digit"}: blue where a value is larger now, orange where it is smaller.`,
      );
    } else if (empty) {
      said.show(
        `The pad is empty, and still the network answers: ${verdictOf(now)}. Its biases and normalisations are not 0, ` +
          "and the softmax divides 100 % among ten digits, whatever it gets.",
      );
    } else if (level === 1) {
      const { relu: its, after } = net.columns[unit.layer];
      const state = run.off.relus.has(its) ? "ReLU turned off" : after;
      said.show(`${name}: ${channels} maps of ${size} × ${size} · ${state}. Press a map to see its filter, or its number to turn it off or on.`);
    } else {
      const label = view === "now" ? model.get("labels")[pad.find(base.data)] : undefined;
      const its = shifting ? " (before the shift)" : " (the kept digit)";
      const from = view === "kept" ? its : label === undefined ? "" : ` (${withArticle(label)} from the test set)`;
      said.show(`The network says ${verdictOf(run)}${from}. Point at the maps to see what a unit reads; press a layer to zoom in.`);
    }
  };
  const speakOfProducts = (/** @type {Run} */ run) => {
    const its = at();
    const column = net.columns[its.layer];
    const { parts, steps } = explain(column, net.pieces, inputOf(run, its.layer), its, run.off);
    const { part, product: index } = product.chosen ? product : strongest(parts);
    tables.show(parts, steps, { part, product: index }, its.layer ? "map" : "digit");
    const { channel, values, weights, products } = parts[part] ?? parts[0];
    const { top, left, kernel, step } = windowOf(column, inputOf(run, its.layer).height, its);
    const where = minus(`(${top + Math.floor(index / kernel) * step}, ${left + (index % kernel) * step})`); // it can be beyond the border
    const before = net.columns[its.layer - 1];
    const from = before ? `${before.name}, map ${channel}, unit ${where}${before.normalised ? " · normalised" : ""}` : `digit, pixel ${where}`;
    const count = parts.length * kernel ** 2;
    const beginning = product.chosen ? "" : weights.length ? `Largest in size of ${count} products: ` : `The largest of ${count} values: `;
    const sum = weights.length ? ` × weight ${number(weights[index])} = ${number(products[index])}` : "";
    said.show(`${beginning}${from}: ${number(values[index])}${sum}. The unit ${seenWords(its)}.`);
  };
  const showViews = () => {
    const names = kept ? { now: "Now", kept: shifting ? "Before" : "Kept", difference: "Difference" } : {};
    const wanted = Object.values(names).join();
    if (views.dataset.views !== wanted) {
      views.dataset.views = wanted;
      views.replaceChildren(
        ...Object.entries(names).map(([name, text]) =>
          Object.assign(button(text, () => ((view = name), go(level))), { value: name }),
        ),
      );
    }
    for (const each of views.children) each.setAttribute("aria-pressed", String(each.value === view));
    views.hidden = !kept;
  };

  // Moving.
  const go = (/** @type {number} */ to, /** @type {Unit} */ at = unit, travelling = false) => {
    if (to > 2 && !exact()) view = "now"; // only the products of one digit are numbers to look at
    const { size, channels } = net.columns[at.layer];
    const inside = (/** @type {number} */ value, /** @type {number} */ end) => Math.min(Math.max(value, 0), end - 1);
    const wanted = Math.min(to, 3);
    const deeper = wanted > level && !travelling;
    if (deeper) write(); // where the browser's Back leads to
    unit = { layer: at.layer, channel: inside(at.channel, channels), row: inside(at.row, size), column: inside(at.column, size) };
    const moving = level !== wanted;
    level = wanted;
    hover = null;
    product = { part: 0, product: 0, chosen: false };
    change(model, { place: addressOf(level, unit, net.columns) });
    if (deeper) write(1);
    else remember();
    layOut(moving);
  };
  const turn = (/** @type {Off} */ to) => {
    off = to;
    mean = null;
    if (view === "average") view = "now";
    compute();
    remember();
    ask();
  };

  // On the site, "#fig-strip:conv5/3" is the figure's anchor with what it shows; in a notebook the address is not ours. Every
  // step of the zoom is an entry of the browser's history, with the place of each strip on the page. A step that is taken back
  // leaves its entry there, which Back then passes over.
  // A strip inside another figure has no address, and one in a frame of another page changes none.
  const alone = el.closest(".interactive") && !el.parentElement?.closest(".convbook-figure");
  const anchor = alone ? el.closest("figure")?.id : undefined;
  let entry = 0;
  let waiting = 0;
  const write = (/** @type {0 | 1} */ more = 0) => {
    clearTimeout(waiting);
    waiting = 0;
    if (!anchor || window !== parent) return;
    const place = addressOf(level, unit, net.columns);
    const sample = pad.find(base.data);
    const address = joined({
      place,
      network: chosen ? (others[chosen].name ?? "") : "",
      digit: sample < 0 || sample === first ? "" : String(sample),
      drawn: sample < 0 ? packDrawing(base.data) : "",
      shift: moved.some(Boolean) ? moved.join() : "",
      off: offAddress(off, net.columns),
    });
    const { strips, ...rest } = history.state ?? {};
    entry = (strips?.entry ?? 0) + more;
    const state = { ...rest, strips: { entry, places: { ...strips?.places, [anchor]: place } } };
    history[more ? "pushState" : "replaceState"](state, "", `#${anchor}${address && ":"}${address}`);
  };
  const remember = () => {
    waiting ||= setTimeout(write, REST);
  };
  const travelled = () => {
    clearTimeout(waiting);
    waiting = 0;
    const { strips } = history.state ?? {};
    const back = strips && strips.entry < entry;
    entry = strips?.entry ?? 0;
    if (!strips) return fromAddress(); // a link
    const place = strips.places[anchor ?? ""];
    if (place === undefined) return;
    const wanted = placeOf(place, net.columns) ?? { level: 0, unit };
    if (back && wanted.level >= level) return history.back();
    go(wanted.level, wanted.unit.layer === unit.layer && wanted.level < level ? unit : wanted.unit, true);
  };
  const fromAddress = async () => {
    const [name, ...rest] = decodeURIComponent(location.hash.slice(1)).split(":");
    if (!anchor || name !== anchor) return;
    if (!rest.length) return remember(); // the link to the figure itself
    // What the address does not name is as the figure begins.
    const parts = partsOf(rest.join(":"));
    const network = Math.max(others.findIndex((each) => each.name === parts.network), 0);
    if (network !== chosen) await choose(network);
    off = offOf(parts.off ?? "", net.columns);
    const data = unpackDrawing(parts.drawn ?? "", 784) ?? pad.images[Number(parts.digit ?? first)];
    if (data) base = { ...base, data };
    const way = /^(-?\d+),(-?\d+)$/.exec(parts.shift ?? "")?.slice(1).map(Number);
    forget();
    if (way) [kept, shifting] = [runOf(base), true];
    moved = (way ?? [0, 0]).map(within);
    change(model, { image: pack(shifted(base, moved).data, [28, 28]) });
    compute();
    const wanted = placeOf(parts.place ?? "", net.columns);
    go(wanted?.level ?? 0, wanted?.unit, true);
  };

  const tileAt = (/** @type {PointerEvent} */ event) => {
    const box = stage.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const inside = (/** @type {Tile} */ t, below = 2) => x >= t.x - 2 && y >= t.y - 2 && x < t.x + t.side + 2 && y < t.y + t.side + below;
    const numbered = scene.labels.find(({ of }) => of?.kind === "map" && inside(of, 2 + LINE) && !inside(of))?.of;
    if (numbered) return { tile: null, at: { ...unit, channel: numbered.channel }, number: true };
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
    if (found.number) turnMap(at.channel);
    else if (level === 0) go(1, at);
    else if (level === 1) go(at.layer === unit.layer ? 2 : 1, at);
    else go(at.layer === unit.layer ? 3 : 2, at);
  });
  stage.addEventListener("focus", () => {
    if (!stage.matches(":focus-visible")) return;
    byKeys = true;
    ask();
    words.scrollIntoView({ block: "nearest" }); // what is said of the unit belongs to the picture
  });
  /** @type {Record<string, [number, number]>} */
  const ways = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  stage.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const way = ways[event.key];
    const known = way || event.key === "Enter" || (event.key === "Escape" && level > 0) || (event.key === " " && level > 0);
    if (!known) return;
    event.preventDefault(); // the page stays where it is
    event.stopPropagation();
    byKeys = true;
    if (event.key === "Enter") go(level + 1);
    else if (event.key === "Escape") go(level - 1);
    else if (event.key === " ") turnMap(unit.channel);
    else step(...way);
  });
  const step = (/** @type {number} */ down, /** @type {number} */ right) => {
    const { layer, channel, row, column } = unit;
    if (level === 0 && right) return go(0, middleOf(Math.min(Math.max(layer + right, 0), net.columns.length - 1), net));
    if (level === 2) return go(2, { ...unit, row: row + down, column: column + right });
    if (level === 3) return stepProduct(down, right);
    const its = scene.tiles.filter((tile) => tile.kind === "map" && tile.layer === layer);
    const from = its[channel];
    const next = ahead(from, its, down, right);
    if (next) go(level, { ...unit, channel: next.channel });
  };
  const stepProduct = (/** @type {number} */ down, /** @type {number} */ right) => {
    const cells = Array.from(tables.querySelectorAll("td"), (cell) => ({ cell, x: cell.getBoundingClientRect().x, y: cell.getBoundingClientRect().y }));
    const from = cells.find(({ cell }) => cell.classList.contains("pointed"));
    if (from) ahead(from, cells, down, right)?.cell.click();
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
    const runs = [];
    for (let n = 0; n < shape[0]; n++) {
      runs.push(runOf(imageAt({ data, shape }, n)));
      if (n % 10 === 9) await pause();
    }
    mean = meanOf(runs);
    [view, used] = ["average", null];
    averaging.disabled = false;
    go(Math.min(level, 2));
  };

  fill(
    el,
    element(
      "div",
      { class: "strip-row" },
      pad,
      element("div", { class: "strip-head" }, path, element("div", { class: "strip-switches" }, allOn, reluSwitch, mapSwitch)),
      stage,
      bars,
    ),
    words,
    element("div", { class: "strip-tools" }, shift, keep, views, averaging, networks, legend()),
  );
  el.classList.add("strip");
  pad.show(base.data);
  if (ready && same(base.data, ready.image.data)) now = ready;
  else compute();
  speak(null); // its words take their room before anything is seen

  const imageChanged = () => {
    const image = imageOf(model);
    if (!same(image.data, shifted(base, moved).data)) {
      [base, moved] = [image, [0, 0]]; // another digit
      if (shifting) forget();
    }
    if (shifting && !moved.some(Boolean)) forget();
    pad.show(base.data);
    compute();
    if (view === "average" || view === "kept") view = "now";
    remember();
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
  window.addEventListener("popstate", travelled);
  fromAddress();
  const stop = onTurn(() => {
    colours = coloursOf();
    ask();
  });
  return () => {
    cancelAnimationFrame(asked);
    seen.disconnect();
    clearTimeout(waiting);
    window.removeEventListener("popstate", travelled);
    stop();
    model.off("change:image", imageChanged);
    model.off("change:place", placeChanged);
  };
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
function ahead(from, places, down, right) {
  const away = (/** @type {Place} */ to) => (to.y - from.y) * down + (to.x - from.x) * right;
  const aside = (/** @type {Place} */ to) => Math.abs((to.x - from.x) * down) + Math.abs((to.y - from.y) * right);
  return places.filter((to) => away(to) > 1).sort((a, b) => away(a) + 3 * aside(a) - away(b) - 3 * aside(b))[0];
}

/**
 * The network of a model, ready to compute.
 *
 * @param {import("./shared/elements.js").Model} model
 */
function networkOf(model) {
  /** @type {import("./shared/network.js").Layer[]} */
  const layers = model.get("layers");
  const weights = unpack(model.get("weights")).data;
  const last = layers[layers.length - 1].name;
  const scores = layers[layers.length - 2].name;
  return { layers, pieces: cutWeights(layers, weights), columns: columnsOf(layers), last, scores };
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

/** @param {import("./shared/elements.js").Model} model */
function imageOf(model) {
  return { data: unpack(model.get("image")).data, height: 28, width: 28, channels: 1 };
}

/**
 * The pad with ten digits of the test set below it.
 *
 * @param {import("./shared/elements.js").Model} model
 */
function padOf(model) {
  const digits = unpack(model.get("digits"));
  let drawn = new Float32Array();
  const drawing = drawingPad((image) => {
    drawn = rounded(image ?? new Float32Array(784));
    hint.hidden = image !== null;
    change(model, { image: pack(drawn, [28, 28]) });
  });
  const hint = element("span", { class: "hint", "aria-hidden": "true" }, "Draw a digit");
  const stage = /** @type {HTMLElement} */ (drawing.querySelector(".stage"));
  stage.append(hint);
  for (const begun of ["pointerdown", "keydown"]) stage.addEventListener(begun, () => (hint.hidden = true));
  /** @type {number[]} */
  const labels = model.get("labels");
  const images = labels.map((_, i) => imageAt(digits, i).data);
  const shelf = labels.map((label, i) => {
    const made = button(String(label), () => change(model, { image: pack(images[i], [28, 28]) }));
    made.setAttribute("aria-label", `${withArticle(label).replace("a", "A")} from the test set`);
    return made;
  });
  const find = (/** @type {Float32Array} */ data) => images.findIndex((each) => same(data, each));
  const ready = element("div", { class: "ready" }, element("span", {}, "or choose one of these"), ...shelf);
  return Object.assign(element("div", { class: "strip-pad" }, drawing, ready), {
    images,
    /** Which digit of the test set it is; -1 for none of them. */
    find,
    /** Mark the digit that is shown; a drawing that is no longer shown goes. */
    show(/** @type {Float32Array} */ data) {
      shelf.forEach((made, i) => made.setAttribute("aria-pressed", String(i === find(data))));
      if (same(data, drawn)) return;
      drawing.empty();
      hint.hidden = false;
    },
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

/** @returns {Off} */
function nothing() {
  return { relus: new Set(), channels: {} };
}

/** @param {Off} off */
function isAny({ relus, channels }) {
  return relus.size > 0 || Object.values(channels).some(({ size }) => size);
}

/**
 * @template T
 * @param {Set<T>} set
 * @param {T} value
 */
function toggled(set, value) {
  const other = new Set(set);
  if (!other.delete(value)) other.add(value);
  return other;
}

/** @param {number} pixels of a shift, beyond which nothing of the digit is left */
function within(pixels) {
  return Math.min(Math.max(pixels, -28), 28);
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
 * @param {number[]} way pixels down and to the right
 */
function shifted(image, [down, right]) {
  const { data, height, width } = image;
  return changed(image, (_, i) => {
    const [y, x] = [Math.floor(i / width) - down, (i % width) - right];
    return y < 0 || x < 0 || y >= height || x >= width ? 0 : data[y * width + x];
  });
}

/**
 * One run minus another, number by number.
 *
 * @param {Run} run
 * @param {Run | null} other
 * @returns {Run}
 */
function difference(run, other) {
  if (!other) return run;
  const less = (/** @type {Maps} */ a, /** @type {Maps} */ b) => changed(a, (value, i) => value - b.data[i]);
  const outputs = Object.entries(run.outputs).map(([name, maps]) => [name, less(maps, other.outputs[name])]);
  return { ...run, image: less(run.image, other.image), outputs: Object.fromEntries(outputs) };
}

/**
 * @param {Run[]} runs
 * @returns {Run}
 */
function meanOf(runs) {
  const mean = (/** @type {Maps[]} */ all) => changed(all[0], (_, i) => all.reduce((sum, { data }) => sum + data[i], 0) / all.length);
  const outputs = Object.keys(runs[0].outputs).map((name) => [name, mean(runs.map((run) => run.outputs[name]))]);
  return { ...runs[0], image: mean(runs.map(({ image }) => image)), outputs: Object.fromEntries(outputs), runs };
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
 * How many pixels carry half of a gradient.
 *
 * @param {Maps | undefined} gradient
 */
function halfOf(gradient) {
  const sizes = Float32Array.from(gradient?.data ?? [], Math.abs).sort().reverse();
  const total = sizes.reduce((a, b) => a + b, 0);
  let half = 0;
  for (let sum = 0; sum < total / 2; half++) sum += sizes[half];
  return half;
}

export default () => {
  /** @type {Run | undefined} */
  let ready;
  return {
    /** @param {{model: import("./shared/elements.js").Model}} its */
    async initialize({ model }) {
      ready = await firstRun(model).catch(() => undefined); // the trainer gives its strip a network later
    },
    /** @param {Parameters<typeof render>[0]} place */
    render: (place) => render(place, ready),
  };
};
