/** Learning-rate schedules over twenty epochs, with the rates of the notes' log, and beside them what runs with each did. */
import { chart } from "./shared/chart.js";
import { change, choice, element, fill, follow, slider, status, checkbox } from "./shared/elements.js";
import { precise } from "./shared/numbers.js";
import { SCHEDULES } from "./shared/schedules.js";

// The look of each curve; there are four colours for curves, and ink is the fifth.
const LOOKS = [
  { color: "first", dash: "" },
  { color: "second", dash: "7 4" },
  { color: "third", dash: "" },
  { color: "fourth", dash: "9 3 2 3" },
  { color: "ink", dash: "2 3" },
];

/** @param {{model: import("./shared/elements.js").Model, el: HTMLElement}} place */
function render({ model, el }) {
  /** @type {Record<string, {label: string, takes: Record<string, number>}>} */
  const schedules = model.get("schedules");
  const names = Object.fromEntries(Object.entries(schedules).map(([name, { label }]) => [name, label]));
  const unknown = Object.keys(schedules).filter((name) => !SCHEDULES[name]);
  if (unknown.length) throw new RangeError(`the page cannot compute the schedule ${unknown.join(", ")}`);
  const limits = model.get("limits");
  const plot = chart("Learning rate of every epoch", { height: 200 });
  const runs = chart("Errors on held-out digits after every epoch, for each schedule", { height: 200 });
  /** @type {{errors: Record<string, number[]>, runs: number, digits: number, held_out: number}} */
  const measured = model.get("measured");
  const about = element("p", { class: "hint" });
  const order = Object.keys(schedules);
  const said = status();
  const set = (/** @type {string} */ name) => (/** @type {any} */ value) => change(model, { [name]: value });
  const rate = (/** @type {number} */ value) => precise(value, 3);
  const controls = {
    schedule: choice({ label: "Schedule", options: names, input: (name) => change(model, { schedule: name, ...schedules[name].takes }) }),
    initial: slider({ label: "First or highest rate", ...limits.initial, words: rate, input: set("initial") }),
    decay: slider({ label: "Decay", ...limits.decay, words: rate, input: set("decay") }),
    factor: slider({ label: "Factor of a step", ...limits.factor, words: rate, input: set("factor") }),
    every: slider({ label: "Epochs between steps", ...limits.every, input: set("every") }),
    warm_up: slider({ label: "Share of the epochs that rise", ...limits.warm_up, words: rate, input: set("warm_up") }),
    start: slider({ label: "First rate as a share of the highest", ...limits.start, words: rate, input: set("start") }),
    log: checkbox({ label: "Logarithmic axis", input: set("log") }),
  };
  /** @type {number[]} */
  const logged = model.get("logged");
  const epochs = logged.length;

  const draw = () => {
    const name = model.get("schedule");
    const values = Object.fromEntries(Object.keys(controls).map((key) => [key, model.get(key)]));
    for (const [key, control] of Object.entries(controls)) {
      control.show(values[key]);
      control.hidden = !["schedule", "log", ...Object.keys(schedules[name].takes)].includes(key);
    }
    const rates = Array.from({ length: epochs }, (_, e) => SCHEDULES[name](e, { ...values, epochs }));
    const high = Math.max(...rates, ...logged) * 1.05;
    const point = (/** @type {number} */ x, /** @type {number} */ y) => /** @type {[number, number]} */ ([x, y]);
    const stairs = rates.flatMap((value, e) => [point(e + 0.5, value), point(e + 1.5, value)]);
    const smooth = rates.map((value, e) => point(e + 1, value));
    plot.draw({
      x: [0.5, epochs + 0.5],
      y: values.log ? [1e-5, 0.03] : [0, high],
      xName: "epoch",
      yName: "learning rate",
      log: values.log,
      lines: [{ name: names[name], points: name === "step" ? stairs : smooth, ...LOOKS[order.indexOf(name)] }],
      dots: logged.map((value, e) => ({ at: point(e + 1, value) })),
      dotsName: "the notes' log",
    });
    const line = (/** @type {string} */ each) => ({
      name: each === name ? names[each] : "",
      points: measured.errors[each].map((value, e) => point(e + 1, 100 * value)),
      ...LOOKS[order.indexOf(each)],
      faint: each !== name,
    });
    const others = Object.keys(measured.errors).filter((each) => each !== name);
    runs.draw({
      x: [0.5, epochs + 0.5],
      y: [1, 10], // before, all are alike
      log: true,
      xName: "epoch",
      yName: "errors, %",
      lines: [...others, name].map(line),
    });
    const end = (/** @type {string} */ each) => (measured.held_out * measured.errors[each][epochs - 1]).toFixed(0);
    const asMeasured = Object.entries(schedules[name].takes).every(([key, value]) => Math.abs(values[key] - value) < 1e-9);
    about.textContent =
      `${measured.runs} runs of each schedule on ${measured.digits.toLocaleString("en")} digits, and the mean of their errors on ` +
      `${measured.held_out.toLocaleString("en")} others. ` +
      (asMeasured
        ? `After the last epoch ${end(name)} errors are left, with the others ${others.map((each) => `${end(each)} (${names[each]})`).join(", ")}.`
        : `No run was trained with the settings that you have chosen: the strong line is ${names[name]} with its first settings.`);
    const sum = rates.reduce((a, b) => a + b, 0) / logged.reduce((a, b) => a + b, 0);
    const fits = rates.every((value, e) => Math.abs(value - logged[e]) < 1e-9);
    said.show(
      `From ${rate(rates[0])} in epoch 1 to ${rate(rates[epochs - 1])} in epoch ${epochs}, ${rate(sum)} times the notes' rates in sum.` +
        (fits ? " This is the notes' schedule: it goes through all twenty points of their log." : ""),
    );
  };
  fill(
    el,
    element("div", { class: "controls" }, ...Object.values(controls)),
    element(
      "div",
      { class: "two" },
      element("div", {}, element("p", { class: "title" }, "The schedule"), plot, said),
      element("div", {}, element("p", { class: "title" }, "What it does. Errors above 10 % are cut off."), runs, about),
    ),
  );
  return follow(model, Object.keys(controls), draw);
}

export default { render };
