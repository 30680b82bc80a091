/**
 * The settings of the trainer: what each may be, what they mean for a run, how they stand in an address, and their controls.
 *
 * @typedef {import("./elements.js").Model} Model
 * @typedef {import("./network.js").Layer} Layer
 * @typedef {import("./address.js").Settings} Settings
 */
import { hashText, settingsFrom, settingsText } from "./address.js";
import { checkbox, choice, element, slider } from "./elements.js";
import { grouped } from "./numbers.js";
import { SCHEDULES } from "./schedules.js";

const ROOM = 40; // letters of the page's size, from which width on the controls are always open, as in trainer.css

/**
 * What each setting of a trainer may be.
 *
 * @param {Model} model
 */
export function rangesOf(model) {
  const [limits, choices] = [model.get("limits"), model.get("choices")];
  return {
    epochs: { ...limits.epochs, whole: true },
    digits: { values: choices.digits },
    batch_size: { values: choices.batch_size },
    schedule: { values: Object.keys(model.get("schedules")) },
    rate: { values: choices.rate },
    logit_dropout: { flag: true },
    second_block: { values: choices.second_block },
    seed: { ...limits.seed, whole: true },
  };
}

/**
 * The settings that a trainer has now.
 *
 * @param {Model} model
 * @returns {Settings}
 */
export function settingsOf(model) {
  return Object.fromEntries(Object.keys(rangesOf(model)).map((name) => [name, model.get(name)]));
}

/**
 * The learning rate of every epoch.
 *
 * @param {Model} model
 * @param {Settings} settings
 * @returns {number[]}
 */
export function ratesOf(model, { schedule, rate, epochs }) {
  const values = { ...model.get("schedules")[schedule].takes, initial: rate, epochs };
  return Array.from({ length: epochs }, (_, e) => SCHEDULES[schedule](e, values));
}

/**
 * The layers of the network of the notes, changed as the settings ask for.
 *
 * @param {Model} model
 * @param {Settings} settings
 * @returns {Layer[]}
 */
export function layersOf(model, { second_block, logit_dropout }) {
  /** @type {Layer[]} */
  const layers = model.get("layers");
  const second = layers.filter(({ kind }) => kind === "Conv2D")[1];
  const onLogits = layers.filter(({ kind }) => kind === "Dropout").pop();
  return layers.map((layer) => {
    if (layer === second) return { ...layer, filters: second_block };
    return layer === onLogits && !logit_dropout ? { ...layer, rate: 0 } : layer;
  });
}

/**
 * The end of an address that brings the settings to whoever opens it.
 *
 * @param {string} anchor of the figure
 * @param {Settings} settings
 * @param {Settings} first which the figure has without an address
 */
export function hashOf(anchor, settings, first) {
  const text = settingsText(Object.fromEntries(Object.entries(settings).filter(([name, value]) => value !== first[name])));
  return `#${anchor}${text ? `:${text}` : ""}`;
}

/**
 * Read the settings in the address of the page.
 *
 * @param {Model} model
 * @param {string} anchor of the figure; empty where there is none
 * @returns {ReturnType<typeof settingsFrom> | null} null where the address has none for this figure
 */
export function settingsInAddress(model, anchor) {
  const [name, text] = hashText().split(":");
  return anchor && name === anchor && text?.includes("=") ? settingsFrom(text, rangesOf(model)) : null;
}

/**
 * The controls in one part that opens and closes; what is to be seen of it when it is closed says the settings.
 *
 * @param {Model} model
 * @param {(name: string, value: any) => void} input
 * @param {(problem: string) => void} refuse gets what is wrong with what somebody types
 */
export function settingsPanel(model, input, refuse) {
  const ranges = rangesOf(model);
  const schedules = model.get("schedules");
  const oneOf = (/** @type {"digits" | "rate" | "batch_size" | "second_block"} */ name, /** @type {string} */ label, words = grouped) =>
    choice({
      label,
      options: ranges[name].values.map((/** @type {number} */ value) => [String(value), words(value)]),
      input: (value) => input(name, Number(value)),
    });
  const controls = {
    epochs: slider({ label: "Epochs", ...ranges.epochs, input: (value) => input("epochs", value) }),
    digits: oneOf("digits", "Training digits"),
    schedule: choice({
      label: "Schedule",
      options: Object.fromEntries(Object.keys(schedules).map((name) => [name, schedules[name].label])),
      input: (name) => input("schedule", name),
    }),
    rate: oneOf("rate", "Learning rate", String),
    batch_size: oneOf("batch_size", "Batch size"),
    second_block: oneOf("second_block", "Kernels in block 2"),
    seed: seedBox(ranges.seed, (value) => input("seed", value), refuse),
    logit_dropout: checkbox({ label: "Dropout on the logits, too", input: (value) => input("logit_dropout", value) }),
  };
  const rateName = /** @type {HTMLElement} */ (controls.rate.firstChild);
  const fields = element("fieldset", { class: "controls" }, ...Object.values(controls));
  const summary = element("summary", {});
  const whole = /** @type {HTMLDetailsElement} */ (element("details", { class: "settings" }, summary, fields));
  const enough = ROOM * parseFloat(getComputedStyle(document.documentElement).fontSize);
  let wide = false;
  return Object.assign(whole, {
    /** Open where the figure becomes wide enough, close where it becomes too narrow. */
    fit(/** @type {number} */ width) {
      if (wide !== width >= enough) whole.open = wide = !wide;
    },
    show(/** @type {Settings} */ settings, /** @type {boolean} */ busy) {
      for (const [name, control] of Object.entries(controls)) control.show(settings[name]);
      fields.disabled = busy;
      const kind = rateKind(settings);
      rateName.textContent = `Learning rate${kind && `, ${kind}`}`;
      summary.textContent = `Settings: ${settings.epochs} ${settings.epochs === 1 ? "epoch" : "epochs"}, ${grouped(settings.digits)} digits, batches of ${settings.batch_size}, ${schedules[settings.schedule].label}, ${kind && `${kind} `}rate ${settings.rate}, dropout on the logits ${settings.logit_dropout ? "on" : "off"}`;
    },
  });
}

/** What the rate of the settings is to its schedule. @param {Settings} settings */
function rateKind({ schedule }) {
  return { constant: "", one_cycle: "highest" }[/** @type {string} */ (schedule)] ?? "first";
}

/**
 * A box for the seed. Anything else that is typed stays in the box, marked, and changes nothing.
 *
 * @param {{min: number, max: number}} limits
 * @param {(value: number) => void} input
 * @param {(problem: string) => void} refuse
 */
function seedBox({ min, max }, input, refuse) {
  const box = element("input", { type: "text", inputmode: "numeric", maxlength: 12, "aria-label": "Seed" });
  box.addEventListener("input", () => {
    const value = /^\d+$/.test(box.value.trim()) ? Number(box.value) : NaN;
    const usable = value >= min && value <= max;
    box.setAttribute("aria-invalid", String(!usable));
    if (usable) input(value);
    else refuse(`The seed must be a whole number from ${min} to ${grouped(max)}.`);
  });
  return Object.assign(element("label", { class: "control" }, element("span", {}, "Seed"), box), {
    show(/** @type {number} */ value) {
      if (box === document.activeElement) return; // what somebody is typing stays
      box.value = String(value);
      box.setAttribute("aria-invalid", "false");
    },
  });
}
