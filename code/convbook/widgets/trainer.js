/** Train the network in the page: its settings, its curves, its maps while they change, and then a pad to draw for it. */
import { refusal, settingsFrom, settingsText } from "./shared/address.js";
import { button, change, checkbox, choice, element, fill, follow, slider, status } from "./shared/elements.js";
import { settingsProblem } from "./shared/learner_settings.js";
import { cutWeights, folded, forward, stagesOf } from "./shared/network.js";
import { precise, withArticle } from "./shared/numbers.js";
import { bytesOf, imageAt, pack, paint, picture, range, unpack } from "./shared/pictures.js";
import { runCurves } from "./shared/run_curves.js";
import { fileOf, readRun } from "./shared/run_file.js";
import { SCHEDULES } from "./shared/schedules.js";
import { paintTiles } from "./shared/tiles.js";
import { unzipDigits } from "./shared/zipped_digits.js";

/**
 * @typedef {import("./shared/network.js").Layer} Layer
 * @typedef {import("./shared/address.js").Settings} Settings
 * @typedef {import("./shared/run_curves.js").Run} Curves
 * @typedef {import("./shared/learner_worker.js").FromWorker} FromWorker
 * @typedef {import("./shared/learner_worker.js").ToWorker} ToWorker
 * @typedef {{epoch: number, step: number, steps: number, secondsLeft: number}} Now where a run is
 * @typedef {Curves & {settings: Settings, layers: Layer[], weights: Float32Array | null, flat: Float32Array | null, now?: Now, file?: string, saved?: boolean}} Run
 *   weights as Keras has them, and as the figures take them, after the last epoch that is over; the name of the file that
 *   they come from
 * @typedef {"idle" | "loading" | "running" | "paused" | "done"} Phase
 */

const QUIET = 30_000; // milliseconds without a word, after which the thread is given up
const PACE = 200; // milliseconds between two drawings of the curves
const SIDE = 28; // pixels of a digit
const PIXELS = SIDE ** 2;
const ROOM = 40; // letters of the page's size, from which width on the settings are always open, as in trainer.css

/** @param {{model: any, el: HTMLElement, host: any}} place */
function render({ model, el, host }) {
  /** @type {Layer[]} */
  const recorded = model.get("layers");
  const limits = model.get("limits");
  /** @type {Record<string, number[]>} */
  const choices = model.get("choices");
  /** @type {Record<string, {label: string, takes: Record<string, number>}>} */
  const schedules = model.get("schedules");
  const keras = model.get("keras");
  /** @type {Record<string, import("./shared/address.js").Range>} */
  const ranges = {
    epochs: { ...limits.epochs, whole: true },
    digits: { values: choices.digits },
    batch_size: { values: choices.batch_size },
    schedule: { values: Object.keys(schedules) },
    rate: { values: choices.rate },
    logit_dropout: { flag: true },
    second_block: { values: choices.second_block },
    seed: { ...limits.seed, whole: true },
  };
  const first = settingsNow(); // of this figure, before anybody changes them
  const compared = Object.entries(keras.settings ?? {}); // none in a notebook that an earlier version has run
  let ownRate = false; // whether the reader has chosen the rate, which then stays when the schedule changes

  let phase = /** @type {Phase} */ ("idle");
  let run = /** @type {Run | null} */ (null);
  let before = /** @type {Run | null} */ (null);
  let worker = /** @type {Worker | null} */ (null);
  let looked = /** @type {Extract<FromWorker, {type: "maps"}> | null} */ (null);
  let loaded = /** @type {Promise<Awaited<ReturnType<typeof load>>> | null} */ (null);
  let drawing = false;
  let strip = /** @type {AbortController | null} */ (null);
  let looking = 0; // counts what was asked of a network without a thread
  let silence = 0;

  // The settings.
  function settingsNow() {
    return Object.fromEntries(Object.keys(ranges).map((name) => [name, model.get(name)]));
  }
  /** @param {Settings} settings */
  const ratesOf = ({ schedule, rate, epochs }) => {
    const values = { ...schedules[String(schedule)].takes, initial: Number(rate), epochs: Number(epochs) };
    return Array.from({ length: Number(epochs) }, (_, e) => SCHEDULES[String(schedule)](e, values));
  };
  /** @param {Settings} settings */
  const layersOf = ({ second_block, logit_dropout }) => {
    const second = recorded.filter(({ kind }) => kind === "Conv2D")[1];
    const onLogits = recorded.filter(({ kind }) => kind === "Dropout").pop();
    return recorded.map((layer) => {
      if (layer === second) return { ...layer, filters: Number(second_block) };
      return layer === onLogits && !logit_dropout ? { ...layer, rate: 0 } : layer;
    });
  };
  const set = (/** @type {string} */ name) => (/** @type {any} */ value) => {
    problem.textContent = "";
    note(""); // what it said may no longer hold
    change(model, { [name]: value });
  };
  const number = (/** @type {string} */ name) => (/** @type {string} */ value) => set(name)(Number(value));
  const options = (/** @type {string} */ name, words = (/** @type {number} */ value) => value.toLocaleString("en")) =>
    choices[name].map((value) => /** @type {[string, string]} */ ([String(value), words(value)]));
  const controls = {
    epochs: slider({ label: "Epochs", ...limits.epochs, input: set("epochs") }),
    digits: choice({ label: "Training digits", options: options("digits"), input: number("digits") }),
    schedule: choice({
      label: "Schedule",
      options: Object.fromEntries(Object.entries(schedules).map(([name, { label }]) => [name, label])),
      input: (name) => change(model, { schedule: name, ...(ownRate ? {} : { rate: schedules[name].takes.initial }) }),
    }),
    rate: choice({
      label: "Learning rate",
      options: options("rate", String),
      input: (value) => {
        ownRate = true;
        number("rate")(value);
      },
    }),
    batch_size: choice({ label: "Batch size", options: options("batch_size"), input: number("batch_size") }),
    second_block: choice({
      label: "Kernels in block 2",
      options: options("second_block"),
      input: number("second_block"),
    }),
    seed: seedBox(limits.seed, (value, words) => {
      if (value !== null) set("seed")(value);
      problem.textContent = words;
    }),
    logit_dropout: checkbox({ label: "Dropout on the logits, too", input: set("logit_dropout") }),
  };
  const rateName = /** @type {HTMLElement} */ (controls.rate.firstChild);
  /** What the rate is to the schedule. @param {Settings} settings */
  const rateKind = ({ schedule }) => ({ constant: "", one_cycle: "highest" })[String(schedule)] ?? "first";

  // The parts.
  const train = button("", () => {
    if (phase === "running") tell({ type: "pause" });
    else if (phase === "paused") tell({ type: "resume" });
    else start();
  });
  train.className = "main";
  const step = button("One step", () => tell({ type: "step" }));
  const stopping = button("Stop", () => stopRun());
  const draws = button("", () => toggleDrawing());
  const save = button("Save the network", () => saveRun());
  const picker = element("input", { type: "file", accept: ".json,application/json", hidden: true, onchange: () => openFile() });
  const open = button("Open a saved network", () => picker.click());
  const anchor = el.closest(".interactive") && el.closest("figure")?.id;
  const share = button("Copy a link with these settings", () => copyLink());
  share.hidden = !anchor;

  const bar = element("progress", { max: 1, value: 0, "aria-label": "Progress of the training" });
  const words = element("p", { class: "progress-words" });
  const said = status();
  const problem = element("p", { class: "problem", role: "alert" });
  const noted = element("p", { class: "noted", role: "status" }); // what came of the buttons beside it
  const note = (/** @type {string} */ sentence, wrong = false) => {
    noted.textContent = sentence;
    noted.classList.toggle("wrong", wrong);
  };
  const fields = element("fieldset", { class: "controls" }, ...Object.values(controls));
  const summary = element("summary", {});
  const settings = element("details", { class: "settings" }, summary, fields);
  const curves = runCurves();

  const hard = unpack(model.get("hard"));
  /** @type {number[]} */
  const labels = model.get("labels");
  const cards = labels.map((label, i) => {
    const canvas = element("canvas", { "aria-hidden": "true" });
    paint(canvas, imageAt(hard, i), { limits: [0, 1] });
    const verdict = element("span", { class: "verdict-words" }, "–");
    const card = button("", () => change(model, { digit: i }));
    card.append(canvas, element("span", {}, withArticle(label)), verdict);
    return { card, verdict, label };
  });
  const { name: firstLayer, filters: count = 0, kernel_size: side = 0 } = recorded[0];
  const kernels = picture(`${firstLayer}: its ${count} kernels`, `The kernels of the first layer, orange below 0 and blue above`);
  /** @type {string[]} */
  const shown = model.get("shown");
  const maps = shown.map((name) => {
    const { kind } = /** @type {Layer} */ (recorded.find((layer) => layer.name === name));
    return picture(kind === "MaxPooling2D" ? name : `${name} · after ReLU`, `The feature maps of ${name}`);
  });
  const bars = tenBars();
  const about = element("p", { class: "title about" });
  const inside = element("div", { class: "inside" }, kernels, ...maps);
  const watching = element(
    "div",
    { class: "watching" },
    element("p", { class: "title" }, "Hard digits, and how the network reads them now"),
    element("div", { class: "cards", role: "group", "aria-label": "Hard digits; press one to choose it" }, ...cards.map(({ card }) => card)),
    about,
    bars,
    element(
      "p",
      { class: "title" },
      "Its maps: black is 0, white the largest value of the layer. Which maps follow the strokes? When do the kernels stop changing?",
    ),
    inside,
  );
  const stripPlace = element("div", {});
  const training = element("div", { class: "training" }, settings, curves, watching);
  const drawn = element("div", { class: "drawn", hidden: true }, stripPlace);

  // The thread.
  const load = async () => {
    const data = await model.widget_manager.get_model(model.get("data").slice("IPY_MODEL_".length));
    const kernel = bytesOf(data.get("kernel"));
    if (typeof WebAssembly === "undefined" || !WebAssembly.validate(kernel)) {
      throw new RangeError(
        "This browser cannot train the network, because it lacks SIMD, a part of WebAssembly. Any current Firefox, Chrome, Edge or Safari has it.",
      );
    }
    const digits = await unzipDigits(data.get("digits"), data.get("training"));
    return { text: new TextDecoder().decode(bytesOf(data.get("worker"))), kernel, ...digits };
  };
  const tell = (/** @type {ToWorker} */ message) => worker?.postMessage(message);
  const watched = () => ({
    digit: Uint8Array.from(hard.data.slice(PIXELS * model.get("digit"), PIXELS * (model.get("digit") + 1))),
    layers: [...new Set([firstLayer, ...shown])],
    others: Uint8Array.from(hard.data),
  });
  const end = () => {
    clearTimeout(silence);
    worker?.terminate();
    worker = null;
  };
  /** End the run; the network of its last whole epoch stays. */
  const stopRun = () => {
    end();
    if (!run?.history.length) [run, looked] = [null, null];
    phase = run ? "done" : "idle";
    keepForPython();
    lookHere();
    show();
  };
  const fail = (/** @type {string} */ sentence) => {
    problem.textContent = sentence;
    stopRun();
  };
  const keepForPython = () => {
    if (run?.flat) change(model, { weights: pack(run.flat, [run.flat.length]), history: run.history });
  };
  /** Look at the network without its thread, a digit at a time, so that the page stays quick. */
  const lookHere = async () => {
    const mine = ++looking;
    stale = true;
    if (worker || !run?.flat) return;
    const { layers, flat } = run;
    const pieces = cutWeights(layers, flat);
    const answers = new Float32Array(10 * labels.length);
    const chosen = model.get("digit");
    let now = /** @type {Record<string, import("./shared/convolution.js").Maps>} */ ({});
    for (const i of labels.keys()) {
      const outputs = forward(layers, pieces, imageAt(hard, i));
      const shares = outputs[layers[layers.length - 1].name].data;
      answers.set(shares, 10 * i);
      if (i === chosen) now = outputs;
      await new Promise((done) => setTimeout(done));
      if (mine !== looking) return;
    }
    const filters = { data: pieces[firstLayer][0], height: side, width: side, channels: count };
    const probabilities = answers.slice(10 * chosen, 10 * chosen + 10);
    looked = { type: "maps", epoch: 0, step: 0, maps: now, kernels: { [firstLayer]: filters }, probabilities, answers };
    stale = true;
    show();
  };
  const start = async () => {
    end();
    stopDrawing();
    problem.textContent = "";
    const wanted = settingsNow();
    const rates = ratesOf(wanted);
    const wrong = settingsProblem({ rates, batchSize: wanted.batch_size, seed: wanted.seed }, wanted.digits);
    if (wrong) return fail(wrong);
    if (run?.history.length) before = run;
    [run, looked, phase, stale] = [null, null, "loading", true];
    looking++;
    note("");
    show();
    let data;
    try {
      data = await (loaded ??= load());
    } catch (error) {
      loaded = null;
      const message = /** @type {Error} */ (error).message;
      return fail(error instanceof RangeError ? message : `What the training needs could not be loaded (${message}). Check the connection, reload the page and press Train.`);
    }
    if (phase !== "loading") return; // the reader has changed their mind
    const layers = layersOf(wanted);
    run = { settings: wanted, layers, history: [], trace: [], weights: null, flat: null };
    const address = URL.createObjectURL(new Blob([data.text], { type: "text/javascript" }));
    const mine = (worker = new Worker(address));
    const release = () => URL.revokeObjectURL(address);
    mine.addEventListener("message", (/** @type {MessageEvent<FromWorker>} */ { data: message }) => {
      if (mine !== worker) return;
      if (message.type === "started" || message.type === "problem") release();
      hear(message);
    });
    mine.addEventListener("error", (event) => {
      event.preventDefault();
      if (mine === worker) fail("The training has stopped, because the browser has ended its thread. Perhaps the memory ran out: close other tabs, and press Train to start again.");
    });
    // All are views of one buffer, which a message copies once.
    const digits = { images: data.training.images.subarray(0, PIXELS * wanted.digits), labels: data.training.labels.subarray(0, wanted.digits) };
    tell({
      type: "start",
      kernel: data.kernel,
      layers,
      settings: { rates, batchSize: wanted.batch_size, seed: wanted.seed },
      training: digits,
      validation: data.validation,
      watched: watched(),
    });
    listen();
  };
  /** Give the thread up when it has said nothing for long: no event tells that a browser has killed it. */
  const listen = () => {
    clearTimeout(silence);
    silence = window.setTimeout(() => {
      if (phase !== "running" && phase !== "loading") return;
      if (document.hidden) return listen();
      fail(`Nothing has been heard from the training for ${QUIET / 1000} seconds, so it was ended. Perhaps the memory ran out: close other tabs, and press Train to start again.`);
    }, QUIET);
  };
  const hear = (/** @type {FromWorker} */ message) => {
    listen();
    if (!run) return;
    if (message.type === "started") phase = "running";
    else if (message.type === "paused") phase = "paused";
    else if (message.type === "resumed") phase = "running";
    else if (message.type === "progress") {
      const { epoch, step, steps, loss, accuracy, stepLoss, secondsLeft } = message;
      run.trace.push({ at: epoch - 1 + step / steps, loss, accuracy, stepLoss });
      run.now = { epoch, step, steps, secondsLeft };
    } else if (message.type === "epoch") {
      run.history.push(message.row);
      run.saved = false;
      [run.weights, run.flat] = [message.weights, message.flat];
    } else if (message.type === "maps") {
      looked = message;
      stale = true;
    }
    else if (message.type === "problem") return fail(message.message);
    else if (message.type === "done") {
      phase = "done";
      keepForPython();
    }
    soon();
  };

  // Drawing.
  let [asked, shownAt] = [0, 0];
  let stale = true; // whether the maps are not those that were looked at last
  const soon = () => {
    const wait = Math.max(0, PACE - (performance.now() - shownAt));
    asked ||= window.setTimeout(() => requestAnimationFrame(() => ((asked = 0), show())), wait);
  };
  const show = () => {
    shownAt = performance.now();
    const wanted = settingsNow();
    const here = run ?? { settings: wanted, history: [], trace: [] };
    const busy = phase === "running" || phase === "paused" || phase === "loading";
    for (const [name, control] of Object.entries(controls)) control.show(wanted[name]);
    fields.disabled = busy;
    el.classList.toggle("busy", busy);
    const kind = rateKind(wanted);
    rateName.textContent = `Learning rate${kind && `, ${kind}`}`;
    summary.textContent = `Settings: ${wanted.epochs} ${wanted.epochs === 1 ? "epoch" : "epochs"}, ${wanted.digits.toLocaleString("en")} digits, batches of ${wanted.batch_size}, ${schedules[wanted.schedule].label}, ${kind && `${kind} `}rate ${wanted.rate}, dropout on the logits ${wanted.logit_dropout ? "on" : "off"}`;
    train.textContent = { idle: "Train", loading: "Loading …", running: "Pause", paused: "Go on", done: "Train again" }[phase];
    train.disabled = phase === "loading";
    step.disabled = phase !== "paused";
    stopping.disabled = !busy;
    draws.textContent = drawing ? "Back to the training" : "Draw a digit for it";
    draws.disabled = !run?.flat;
    save.disabled = !run?.weights;
    open.disabled = busy;
    training.hidden = drawing;
    drawn.hidden = !drawing;

    const next = ratesOf(wanted);
    const rates = ratesOf(here.settings);
    curves.show({ run: here, before, rates, next: String(next) === String(rates) ? null : next, keras: compared.every(([name, value]) => here.settings[name] === value) ? keras : null, ceiling: here.settings.logit_dropout ? model.get("ceiling") : null });
    showProgress(here, Object.keys(ranges).some((name) => here.settings[name] !== wanted[name]));
    // In a frame of its own, so that no frame takes long.
    if (stale) requestAnimationFrame(showInside);
    stale = false;
    said.show(sentence(here, wanted));
  };
  const showProgress = (/** @type {any} */ { now, history, settings: { epochs } }, /** @type {boolean} */ changed) => {
    const share = phase === "done" ? history.length / epochs : now ? (now.epoch - 1 + now.step / now.steps) / epochs : 0;
    bar.value = share;
    if (phase === "loading") words.textContent = "Loading the digits and the program that trains …";
    else if (phase === "done" && changed) words.textContent = "This is your last run. Train again uses the new settings.";
    else if (phase === "done" || !now) words.textContent = "";
    else {
      const left = phase === "paused" ? "paused" : `about ${time(now.secondsLeft)} left`;
      const doing = now.step < now.steps ? `step ${now.step} of ${now.steps}` : "reading the held-out digits";
      words.textContent = `Epoch ${now.epoch} of ${epochs}, ${doing} · ${left}`;
    }
  };
  const showInside = () => {
    const chosen = model.get("digit");
    about.textContent = `The chosen digit, ${withArticle(labels[chosen])} (bold), and the probability of each class${looked ? "" : ", once it trains"}`;
    cards.forEach(({ card, verdict, label }, i) => {
      const shares = looked ? Array.from(looked.answers.subarray(10 * i, 10 * (i + 1))) : [];
      const best = shares.indexOf(Math.max(...shares));
      verdict.textContent = shares.length ? (best === label ? "right ✓" : `read as ${best}`) : "–";
      card.classList.toggle("wrong", shares.length > 0 && best !== label);
      card.setAttribute("aria-pressed", String(i === chosen));
      card.setAttribute("aria-label", `Digit ${i + 1}, ${withArticle(label)}${shares.length ? `: the network takes it for ${withArticle(best)}` : ""}`);
    });
    bars.show(Array.from(looked?.probabilities ?? new Float32Array(10)), labels[chosen]);
    const filters = looked?.kernels[firstLayer].data ?? new Float32Array(side ** 2 * count);
    paintTiles(kernels, { data: filters, height: side, width: side, channels: count }, "signed");
    kernels.ramp(looked ? precise(range(filters, "signed")[1]) : "…");
    const { maps: now = blank() } = looked ?? {};
    shown.forEach((name, i) => paintTiles(maps[i], now[name]));
  };
  /** Maps of the sizes that they will have, before there are any. */
  const blank = () => {
    const layers = layersOf(settingsNow());
    const stages = stagesOf(layers, SIDE);
    let channels = 1;
    return Object.fromEntries(
      stages.map(({ size }, i) => {
        channels = layers[i].filters ?? channels;
        return [layers[i].name, { data: new Float32Array(size * size * channels), height: size, width: size, channels }];
      }),
    );
  };
  /** What is to be seen, in one sentence for each epoch. */
  const sentence = (/** @type {any} */ { history, settings, parameters }, /** @type {Settings} */ wanted) => {
    const last = history[history.length - 1];
    if (!last && phase === "idle") {
      return `Press Train: the network learns from ${wanted.digits.toLocaleString("en")} digits, on this device.`;
    }
    if (!last) return phase === "loading" ? "The training is about to begin." : `The first of ${settings.epochs} epochs has begun.`;
    const share = (/** @type {number} */ value) => `${(100 * value).toFixed(1)} %`;
    const seconds = history.reduce((/** @type {number} */ sum, /** @type {any} */ row) => sum + row.seconds, 0);
    const reached = `validation ${share(last.val_accuracy)}, training ${share(last.accuracy)}.`;
    if (run?.file) return `Opened from ${run.file}: ${reached}`;
    if (phase === "done" && history.length === settings.epochs) return `Trained in ${time(seconds)}: ${reached}`;
    return `${phase === "done" ? "Stopped after epoch" : "Epoch"} ${last.epoch} of ${settings.epochs}${phase === "done" ? "" : " is over"}: ${reached}`;
  };

  // Then draw.
  let firstImage = /** @type {any} */ (null);
  const stopDrawing = () => {
    drawing = false;
    strip?.abort();
    strip = null;
    stripPlace.replaceChildren();
  };
  const toggleDrawing = async () => {
    const wanted = !drawing;
    stopDrawing();
    drawing = wanted;
    show();
    if (!drawing || !run?.flat) return;
    if (phase === "running") tell({ type: "pause" });
    const mine = (strip = new AbortController());
    try {
      const reference = model.get("strip");
      const its = await host.getModel(reference);
      firstImage ??= its.get("image"); // the pad is empty each time, so no earlier drawing may stay beside it
      change(its, { layers: run.layers, weights: pack(run.flat, [run.flat.length]), place: "", image: firstImage });
      const inner = await host.getWidget(reference);
      if (mine === strip) await inner.render({ el: stripPlace, signal: mine.signal });
    } catch (error) {
      problem.textContent = `The network cannot be shown here (${/** @type {Error} */ (error).message}). You can still save it.`;
    }
  };

  // Files and addresses.
  const saveRun = () => {
    if (!run?.weights) return;
    const { settings, history, weights } = run;
    const url = URL.createObjectURL(new Blob([fileOf({ settings, history, weights })], { type: "application/json" }));
    element("a", { href: url, download: "my-network.json" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
    run.saved = true;
    note(`Saved as my-network.json, where your browser keeps downloads: the network as it was after epoch ${history.length}.`);
  };
  const openFile = async () => {
    const file = picker.files?.[0];
    picker.value = ""; // so that the same file can be opened again
    if (!file) return;
    try {
      const { settings, history, weights } = await readRun(file, ranges, layersOf);
      end();
      stopDrawing();
      const layers = layersOf(settings);
      if (run?.history.length) before = run;
      run = { settings, layers, history, trace: [], weights, flat: folded(layers, weights), file: file.name.slice(0, 40), saved: true };
      [looked, phase, ownRate, problem.textContent] = [null, "done", true, ""];
      change(model, settings);
      keepForPython();
      lookHere();
      show();
      note(`${file.name.slice(0, 40)} is open. Above are its network and its settings.`);
    } catch (error) {
      note(error instanceof RangeError ? error.message : `The file could not be read (${/** @type {Error} */ (error).message}).`, true);
    }
  };
  const link = () => {
    const now = settingsNow();
    const changed = Object.fromEntries(Object.entries(now).filter(([name, value]) => value !== first[name]));
    const text = settingsText(changed);
    return `#${anchor}${text ? `:${text}` : ""}`;
  };
  const copyLink = async () => {
    history.replaceState(history.state, "", link());
    try {
      await navigator.clipboard.writeText(location.href);
      note("The link is copied. Whoever opens it finds your settings.");
    } catch {
      note("The address of this page now has your settings: copy it from there.");
    }
  };
  const fromAddress = () => {
    let text = "";
    try {
      const [name, rest] = decodeURIComponent(location.hash.slice(1)).split(":");
      if (anchor && name === anchor && rest?.includes("=")) text = rest;
    } catch {
      return; // an address that is no text
    }
    if (!text || phase === "running" || phase === "paused" || phase === "loading") return;
    const { settings: wanted, problems } = settingsFrom(text, ranges);
    ownRate ||= "rate" in wanted;
    change(model, wanted);
    if (problems.length) problem.textContent = refusal(problems);
  };

  fill(
    el,
    element("div", { class: "buttons" }, train, step, stopping, draws),
    element("div", { class: "progress-line" }, bar, words),
    said,
    problem,
    training,
    drawn,
    element("div", { class: "buttons" }, save, open, share, picker),
    noted,
  );
  el.classList.add("trainer");
  let [width, wide] = [0, false];
  const fit = () => {
    if (el.clientWidth === 0 || el.clientWidth === width) return;
    width = el.clientWidth;
    requestAnimationFrame(showInside); // the maps are as large as there is room
    const room = ROOM * parseFloat(getComputedStyle(document.documentElement).fontSize);
    if (wide === width >= room) return;
    wide = !wide;
    settings.open = wide;
  };
  fit(); // before anything is seen
  // The browser asks before a network is lost that took minutes.
  const leave = (/** @type {BeforeUnloadEvent} */ event) => {
    if (run?.weights && !run.saved) event.preventDefault();
  };
  window.addEventListener("beforeunload", leave);
  const seen = new ResizeObserver(fit);
  seen.observe(el);
  window.addEventListener("hashchange", fromAddress);
  fromAddress();
  const digitChanged = () => {
    if (worker) tell({ type: "watch", ...watched() });
    else lookHere();
    stale = true;
  };
  model.on("change:digit", digitChanged);
  const stop = follow(model, [...Object.keys(ranges), "digit"], show);
  return () => {
    end();
    clearTimeout(asked);
    strip?.abort();
    seen.disconnect();
    window.removeEventListener("hashchange", fromAddress);
    window.removeEventListener("beforeunload", leave);
    model.off("change:digit", digitChanged);
    stop();
  };
}

/**
 * A box for the seed. Anything else that is typed stays in the box, marked, and changes nothing.
 *
 * @param {{min: number, max: number}} limits
 * @param {(value: number | null, problem: string) => void} input
 */
function seedBox({ min, max }, input) {
  const box = element("input", { type: "text", inputmode: "numeric", maxlength: 12, "aria-label": "Seed" });
  box.addEventListener("input", () => {
    const value = /^\d+$/.test(box.value.trim()) ? Number(box.value) : NaN;
    const usable = value >= min && value <= max;
    box.setAttribute("aria-invalid", String(!usable));
    input(usable ? value : null, usable ? "" : `The seed must be a whole number from ${min} to ${max.toLocaleString("en")}.`);
  });
  return Object.assign(element("label", { class: "control" }, element("span", {}, "Seed"), box), {
    show(/** @type {number} */ value) {
      if (box === document.activeElement) return; // what somebody is typing stays
      box.value = String(value);
      box.setAttribute("aria-invalid", "false");
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
    show(/** @type {number[]} */ shares, /** @type {number} */ label) {
      rows.forEach(({ bar, share, row }, k) => {
        bar.style.width = `${100 * shares[k]}%`;
        share.textContent = `${(100 * shares[k]).toFixed(1)} %`;
        row.classList.toggle("best", k === label);
      });
    },
  });
}

/** @param {number} seconds */
function time(seconds) {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}

export default { render };
