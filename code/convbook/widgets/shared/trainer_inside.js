/**
 * A look inside the network of the trainer: how it reads the hard digits, and for the chosen one its probabilities and
 * maps.
 *
 * @typedef {import("./network.js").Layer} Layer
 * @typedef {import("./convolution.js").Maps} Maps
 * @typedef {Omit<import("./learner_worker.js").Looked, "type" | "epoch" | "step">} Looked
 * @typedef {ReturnType<typeof unpack>} Images
 */
import { button, change, element } from "./elements.js";
import { cutWeights, forward, stagesOf } from "./network.js";
import { precise, withArticle } from "./numbers.js";
import { imageAt, paint, picture, range, unpack } from "./pictures.js";
import { paintTiles } from "./tiles.js";

const SIDE = 28; // pixels of a digit
const PIXELS = SIDE ** 2;

/**
 * The panel for all of it.
 *
 * @param {import("./elements.js").Model} model
 * @param {() => Layer[]} layersNow those of the network to come, which give the maps their sizes before there are any
 */
export function insidePanel(model, layersNow) {
  const hard = unpack(model.get("hard"));
  /** @type {number[]} */
  const labels = model.get("labels");
  /** @type {Layer[]} */
  const layers = model.get("layers");
  /** @type {string[]} */
  const shown = model.get("shown");
  let looked = /** @type {Looked | null} */ (null);
  let stale = false; // whether something else is to be shown than what was drawn last; at first there is no room
  let looks = 0; // counts what was asked for, as only the last answer is wanted

  const cards = digitCards(hard, labels, (digit) => change(model, { digit }));
  const about = element("p", { class: "title about" });
  const bars = tenBars();
  const maps = mapPictures(layers, shown);
  const title = (/** @type {string} */ words) => element("p", { class: "title" }, words);
  const reading = title("");
  const whole = element(
    "div",
    { class: "watching" },
    reading,
    cards,
    about,
    bars,
    title("Its maps: black is 0, white the largest value of the layer"),
    maps,
  );
  const draw = () => {
    stale = !whole.clientWidth; // it is hidden, so there is no room yet
    if (stale) return;
    const chosen = model.get("digit");
    reading.textContent = `Digits that are often misread${looked ? `: ${rightOf(looked, labels)} of ${labels.length} right now` : ""}`;
    about.textContent = `The chosen digit, ${withArticle(labels[chosen])} (bold), and the probability of each class${looked ? "" : ", once it trains"}`;
    cards.show(looked, chosen);
    bars.show(looked?.probabilities ?? new Float32Array(10), labels[chosen]);
    maps.show(looked, layersNow);
  };
  /** Draw if there is something else to show, in a task of its own, so that no task takes long. */
  const show = () => {
    if (stale) setTimeout(draw);
    stale = false;
  };
  return Object.assign(whole, {
    show,
    /** Draw again, as there is more room or less. */
    fit() {
      stale = true;
      show();
    },
    /** What a thread is to look at. */
    watched() {
      const others = Uint8Array.from(hard.data);
      const start = PIXELS * model.get("digit");
      return { digit: others.slice(start, start + PIXELS), layers: [...new Set([layers[0].name, ...shown])], others };
    },
    /** Take what is to be shown next; nothing where there is no network yet. */
    see(/** @type {Looked | null} */ what) {
      looks++;
      [looked, stale] = [what, true];
    },
    /** Look at a network without a thread; nothing where a thread looks. */
    async look(/** @type {{layers: Layer[], flat?: Float32Array} | null} */ network) {
      const mine = ++looks;
      stale = true;
      if (!network?.flat) return;
      const seen = await lookAt(network.layers, network.flat, hard, model.get("digit"), () => mine === looks);
      if (!seen) return;
      [looked, stale] = [seen, true];
      show();
    },
  });
}

/**
 * Look at a network as a thread does, a digit at a time, so that the page stays quick.
 *
 * @param {Layer[]} layers
 * @param {Float32Array} flat its weights
 * @param {Images} hard
 * @param {number} chosen of the digits
 * @param {() => boolean} wanted
 * @returns {Promise<Looked | null>} null if it is no longer wanted
 */
async function lookAt(layers, flat, hard, chosen, wanted) {
  const pieces = cutWeights(layers, flat);
  const count = hard.shape[0];
  const answers = new Float32Array(10 * count);
  let maps = /** @type {Record<string, Maps>} */ ({});
  for (let i = 0; i < count; i++) {
    const outputs = forward(layers, pieces, imageAt(hard, i));
    answers.set(outputs[layers[layers.length - 1].name].data, 10 * i);
    if (i === chosen) maps = outputs;
    await new Promise((done) => setTimeout(done));
    if (!wanted()) return null;
  }
  const { name } = layers[0];
  const kernels = { [name]: kernelsOf(layers[0], pieces[name][0]) };
  return { maps, kernels, probabilities: answers.slice(10 * chosen, 10 * chosen + 10), answers };
}

/**
 * What the network takes a hard digit for.
 *
 * @param {Looked} looked
 * @param {number} i
 */
function bestOf({ answers }, i) {
  const shares = answers.subarray(10 * i, 10 * (i + 1));
  return shares.indexOf(Math.max(...shares));
}

/**
 * How many of the hard digits the network reads right.
 *
 * @param {Looked} looked
 * @param {number[]} labels
 */
function rightOf(looked, labels) {
  return labels.filter((label, i) => bestOf(looked, i) === label).length;
}

/**
 * The hard digits, each with what the network takes it for.
 *
 * @param {Images} hard
 * @param {number[]} labels
 * @param {(i: number) => void} choose
 */
function digitCards(hard, labels, choose) {
  const cards = labels.map((label, i) => {
    const canvas = element("canvas", { "aria-hidden": "true" });
    paint(canvas, imageAt(hard, i), { limits: [0, 1] });
    const verdict = element("span", { class: "verdict-words" }, "–");
    const card = button("", () => choose(i));
    card.append(canvas, element("span", {}, withArticle(label)), verdict);
    return { card, verdict, label };
  });
  const whole = element("div", { class: "cards", role: "group", "aria-label": "Hard digits; press one to choose it" }, ...cards.map(({ card }) => card));
  return Object.assign(whole, {
    show(/** @type {Looked | null} */ looked, /** @type {number} */ chosen) {
      cards.forEach(({ card, verdict, label }, i) => {
        const best = looked ? bestOf(looked, i) : label;
        verdict.textContent = !looked ? "–" : best === label ? "right ✓" : `read as ${best}`;
        card.classList.toggle("wrong", best !== label);
        card.setAttribute("aria-pressed", String(i === chosen));
        card.setAttribute("aria-label", `Digit ${i + 1}, ${withArticle(label)}${looked ? `: the network takes it for ${withArticle(best)}` : ""}`);
      });
    },
  });
}

/** The ten probabilities of the chosen digit, as bars. */
function tenBars() {
  const rows = Array.from({ length: 10 }, (_, k) => {
    const bar = element("span", { class: "bar" });
    const share = element("span", { class: "share" });
    return { bar, share, row: element("li", {}, element("span", {}, String(k)), element("span", { class: "rail" }, bar), share) };
  });
  return Object.assign(element("ol", { class: "bars", "aria-label": "Probability of each digit" }, ...rows.map(({ row }) => row)), {
    show(/** @type {ArrayLike<number>} */ shares, /** @type {number} */ label) {
      rows.forEach(({ bar, share, row }, k) => {
        bar.style.width = `${100 * shares[k]}%`;
        share.textContent = `${(100 * shares[k]).toFixed(1)} %`;
        row.classList.toggle("best", k === label);
      });
    },
  });
}

/**
 * The kernels of the first layer, and the maps of some.
 *
 * @param {Layer[]} layers
 * @param {string[]} shown the names of those with maps
 */
function mapPictures(layers, shown) {
  const first = layers[0];
  const kernels = picture(`${first.name}: its ${first.filters} kernels`, `The kernels of the first layer, orange below 0 and blue above`);
  const pictures = shown.map((name) => {
    const { kind } = /** @type {Layer} */ (layers.find((layer) => layer.name === name));
    return picture(kind === "MaxPooling2D" ? name : `${name} · after ReLU`, `The feature maps of ${name}`);
  });
  return Object.assign(element("div", { class: "inside" }, kernels, ...pictures), {
    show(/** @type {Looked | null} */ looked, /** @type {() => Layer[]} */ layersNow) {
      const filters = looked?.kernels[first.name] ?? kernelsOf(first);
      const [widthOfKernels, ...widths] = [kernels, ...pictures].map((figure) => figure.clientWidth);
      paintTiles(kernels, filters, widthOfKernels, "signed");
      kernels.ramp(looked ? precise(range(filters.data, "signed")[1]) : "…");
      const maps = looked?.maps ?? emptyMaps(layersNow());
      shown.forEach((name, i) => paintTiles(pictures[i], maps[name], widths[i]));
    },
  });
}

/**
 * The kernels of a first layer, all 0 before there are any.
 *
 * @param {Layer} layer
 * @returns {Maps}
 */
function kernelsOf({ filters = 0, kernel_size = 0 }, /** @type {Float32Array} */ data = new Float32Array(kernel_size ** 2 * filters)) {
  return { data, height: kernel_size, width: kernel_size, channels: filters };
}

/**
 * Maps of the sizes that they will have, before there are any.
 *
 * @param {Layer[]} layers
 * @returns {Record<string, Maps>}
 */
function emptyMaps(layers) {
  let channels = 1;
  return Object.fromEntries(
    stagesOf(layers, SIDE).map(({ size }, i) => {
      channels = layers[i].filters ?? channels;
      return [layers[i].name, { data: new Float32Array(size * size * channels), height: size, width: size, channels }];
    }),
  );
}
