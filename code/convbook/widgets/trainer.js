/** Train the network in the page: its settings, its curves, its maps while they change, and then a pad to draw for it. */
import { refusal } from "./shared/address.js";
import { button, change, element, fill, follow, status } from "./shared/elements.js";
import { pack } from "./shared/pictures.js";
import { runCurves } from "./shared/run_curves.js";
import { fileButtons } from "./shared/trainer_files.js";
import { insidePanel } from "./shared/trainer_inside.js";
import { progressWords, runWords, shareOver } from "./shared/trainer_run.js";
import { trainingSession } from "./shared/trainer_session.js";
import { layersOf, ratesOf, settingsInAddress, settingsOf, settingsPanel } from "./shared/trainer_settings.js";

/**
 * @typedef {import("./shared/address.js").Settings} Settings
 * @typedef {import("./shared/run_file.js").Trained} Trained
 * @typedef {import("./shared/trainer_run.js").Phase} Phase
 */

const PACE = 200; // milliseconds between two drawings of the curves
/** What the main button does. @type {Record<Phase, string>} */
const LABELS = { idle: "Train", loading: "Loading …", running: "Pause", paused: "Go on", done: "Train again" };

/** @param {{model: any, el: HTMLElement, host: any}} place */
function render({ model, el, host }) {
  const anchor = (el.closest(".interactive") && el.closest("figure")?.id) || "";
  let ownRate = false; // whether the reader has chosen the rate, which then stays when the schedule changes

  // What a reader does.
  const problem = element("p", { class: "problem", role: "alert" });
  const refuse = (/** @type {string} */ sentence) => {
    problem.textContent = sentence;
  };
  const input = (/** @type {string} */ name, /** @type {any} */ value) => {
    refuse("");
    files.note(""); // what it said may no longer hold
    ownRate ||= name === "rate";
    const rate = name === "schedule" && !ownRate ? { rate: model.get("schedules")[value].takes.initial } : {};
    change(model, { [name]: value, ...rate });
  };
  const opened = (/** @type {Trained} */ saved, /** @type {string} */ file) => {
    drawing.close();
    refuse("");
    ownRate = true;
    change(model, saved.settings);
    session.open(saved, file);
  };
  const press = {
    main() {
      const { phase } = session.now();
      if (phase === "running") return session.tell({ type: "pause" });
      if (phase === "paused") return session.tell({ type: "resume" });
      drawing.close();
      refuse("");
      files.note("");
      session.start(settingsOf(model));
    },
    step: () => session.tell({ type: "step" }),
    stop: () => session.stop(),
    draw() {
      const { run, phase } = session.now();
      if (!drawing.hidden) drawing.close();
      else if (run?.flat) {
        if (phase === "running") session.tell({ type: "pause" });
        drawing.open(run).catch(({ message }) => refuse(`The network cannot be shown here (${message}). You can still save it.`));
      }
      show();
    },
  };

  // The parts.
  const buttons = runButtons(press);
  const settings = settingsPanel(model, input, refuse);
  const curves = runCurves();
  const inside = insidePanel(model, () => layersOf(model, settingsOf(model)));
  const training = element("div", { class: "training" }, settings, curves, inside);
  const drawing = drawingPlace(model, host);
  const files = fileButtons(model, anchor, () => session.now().run, opened);
  const bar = element("progress", { max: 1, value: 0, "aria-label": "Progress of the training" });
  const words = element("p", { class: "progress-words" });
  const said = status();
  fill(el, buttons, element("div", { class: "progress-line" }, bar, words), said, problem, training, drawing, files, files.noted);
  el.classList.add("trainer");

  // Drawing.
  let [asked, shownAt] = [0, 0];
  const soon = () => {
    const wait = shownAt + PACE - performance.now();
    asked ||= window.setTimeout(() => requestAnimationFrame(() => ((asked = 0), show())), wait);
  };
  const show = () => {
    shownAt = performance.now();
    const { phase, run, before, busy } = session.now();
    const wanted = settingsOf(model);
    const here = run ?? { settings: wanted, history: [], trace: [] };
    settings.show(wanted, busy);
    el.classList.toggle("busy", busy);
    buttons.show(phase, busy, !!run?.flat, !drawing.hidden);
    files.show(busy);
    training.hidden = !drawing.hidden;
    curves.show({ run: here, before, ...comparisons(model, here.settings, wanted) });
    bar.value = shareOver(phase, here);
    words.textContent = progressWords(phase, here, Object.keys(wanted).some((name) => here.settings[name] !== wanted[name]));
    inside.show();
    said.show(runWords(phase, here, wanted));
  };
  const session = trainingSession(model, inside, refuse, show, soon);

  let width = 0;
  const fit = (/** @type {ResizeObserverEntry[]} */ [{ contentRect: { width: room } }]) => {
    if (!room || room === width) return;
    width = room;
    inside.fit(); // the maps are as large as there is room
    settings.fit(width);
  };
  const fromAddress = () => {
    const found = settingsInAddress(model, anchor);
    if (!found || session.now().busy) return;
    ownRate ||= "rate" in found.settings;
    change(model, found.settings);
    refuse(refusal(found.problems));
  };
  // The browser asks before a network is lost that took minutes.
  const leave = (/** @type {BeforeUnloadEvent} */ event) => {
    const { run, busy } = session.now();
    if (busy || (run?.weights && !run.saved)) event.preventDefault();
  };
  const seen = new ResizeObserver(fit);
  seen.observe(el); // which fits it before anything is seen
  fromAddress();
  window.addEventListener("beforeunload", leave);
  window.addEventListener("hashchange", fromAddress);
  model.on("change:digit", session.look);
  const stop = follow(model, [...Object.keys(settingsOf(model)), "digit"], show);
  return () => {
    session.end();
    clearTimeout(asked);
    drawing.close();
    seen.disconnect();
    window.removeEventListener("hashchange", fromAddress);
    window.removeEventListener("beforeunload", leave);
    model.off("change:digit", session.look);
    stop();
  };
}

/**
 * The buttons of a run.
 *
 * @param {Record<"main" | "step" | "stop" | "draw", () => void>} press what each of them does
 */
function runButtons(press) {
  const main = button("", press.main);
  main.className = "main";
  const step = button("One step", press.step);
  const stop = button("Stop", press.stop);
  const draw = button("", press.draw);
  return Object.assign(element("div", { class: "buttons" }, main, step, stop, draw), {
    /**
     * @param {Phase} phase
     * @param {boolean} busy
     * @param {boolean} drawable whether there is a network to draw for
     * @param {boolean} drawing
     */
    show(phase, busy, drawable, drawing) {
      main.textContent = LABELS[phase];
      main.disabled = phase === "loading";
      step.disabled = phase !== "paused";
      stop.disabled = !busy;
      draw.textContent = drawing ? "Back to the training" : "Draw a digit for it";
      draw.disabled = !drawable;
    },
  });
}

/**
 * A place to draw for the network that was trained: the strip of the network, with its pad. It is hidden until `open`.
 *
 * @param {import("./shared/elements.js").Model} model
 * @param {any} host runs the strip, which is a figure of its own
 */
function drawingPlace(model, host) {
  const inner = element("div", {});
  const whole = /** @type {HTMLElement} */ (element("div", { class: "drawn", hidden: true }, inner));
  let strip = /** @type {AbortController | null} */ (null);
  let firstImage = /** @type {any} */ (null);
  return Object.assign(whole, {
    close() {
      whole.hidden = true;
      strip?.abort();
      strip = null;
      inner.replaceChildren();
    },
    /** @param {import("./shared/trainer_run.js").Run} run with at least one epoch */
    async open(run) {
      whole.hidden = false;
      const mine = (strip = new AbortController());
      const reference = model.get("strip");
      const its = await host.getModel(reference);
      firstImage ??= its.get("image"); // the pad is empty each time, so no earlier drawing may stay beside it
      const flat = /** @type {Float32Array} */ (run.flat);
      change(its, { layers: run.layers, weights: pack(flat, [flat.length]), place: "", image: firstImage });
      const figure = await host.getWidget(reference);
      if (mine === strip) await figure.render({ el: inner, signal: mine.signal });
    },
  });
}

/**
 * What the curves of a run are compared with: the rates of the next run if they are others, and what holds for its
 * settings alone.
 *
 * @param {import("./shared/elements.js").Model} model
 * @param {Settings} settings of the run
 * @param {Settings} wanted
 */
function comparisons(model, settings, wanted) {
  const [rates, next] = [settings, wanted].map((each) => ratesOf(model, each));
  return {
    rates,
    next: String(next) === String(rates) ? null : next,
    keras: model.get("keras"),
    ceiling: settings.logit_dropout ? model.get("ceiling") : null,
  };
}

export default { render };
