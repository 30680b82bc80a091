/** Learning-rate schedules over twenty epochs, with the rates of the notes' log on top. */
import { chart } from "./shared/chart.js";
import { change, choice, element, fill, follow, slider, status, checkbox } from "./shared/elements.js";

/** @type {Record<string, (epoch: number, v: Record<string, number>) => number>} as in `convbook.schedules`, epochs from 0 */
export const SCHEDULES = {
  inverse_time: (e, { initial, decay }) => initial / (1 + decay * e),
  constant: (_, { initial }) => initial,
  step: (e, { initial, factor, every }) => initial * factor ** Math.floor(e / every),
  cosine: (e, { initial, epochs }) => (initial * (1 + Math.cos((Math.PI * e) / epochs))) / 2,
  one_cycle: (e, { initial, epochs, warm_up, start }) => {
    const rise = warm_up * epochs;
    if (e < rise) return initial * (start + ((1 - start) * e) / rise);
    return (initial * (1 + Math.cos((Math.PI * (e - rise)) / (epochs - rise)))) / 2;
  },
};

/** @param {{model: import("./shared/elements.js").Model, el: HTMLElement}} place */
function render({ model, el }) {
  /** @type {Record<string, {label: string, takes: string[]}>} */
  const schedules = model.get("schedules");
  const names = Object.fromEntries(Object.entries(schedules).map(([name, { label }]) => [name, label]));
  const unknown = Object.keys(schedules).filter((name) => !SCHEDULES[name]);
  if (unknown.length) throw new RangeError(`the page cannot compute the schedule ${unknown.join(", ")}`);
  const limits = model.get("limits");
  const plot = chart("Learning rate of every epoch");
  const said = status();
  const set = (/** @type {string} */ name) => (/** @type {any} */ value) => change(model, { [name]: value });
  const rate = (/** @type {number} */ value) => value.toPrecision(3);
  const controls = {
    schedule: choice({ label: "Schedule", options: names, input: set("schedule") }),
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
      control.hidden = !["schedule", "log", ...schedules[name].takes].includes(key);
    }
    const rates = Array.from({ length: epochs }, (_, e) => SCHEDULES[name](e, { ...values, epochs }));
    const high = Math.max(...rates, ...logged) * 1.05;
    const lines = [{ name: names[name], points: rates.map((value, e) => /** @type {[number, number]} */ ([e + 1, value])) }];
    plot.draw({
      x: [1, epochs],
      y: values.log ? [1e-5, 0.03] : [0, high],
      xName: "epoch",
      yName: "learning rate",
      log: values.log,
      lines,
      dots: logged.map((value, e) => ({ at: [e + 1, value] })),
      dotsName: "the notes' log",
    });
    const sum = rates.reduce((a, b) => a + b, 0) / logged.reduce((a, b) => a + b, 0);
    const fits = rates.every((value, e) => Math.abs(value - logged[e]) < 1e-9);
    said.show(
      `From ${rate(rates[0])} in epoch 1 to ${rate(rates[epochs - 1])} in epoch ${epochs}, ${rate(sum)} times the notes' rates in sum.` +
        (fits ? " This is the notes' schedule: it goes through all twenty points of their log." : ""),
    );
  };
  fill(el, plot, said, element("div", { class: "controls" }, ...Object.values(controls)));
  return follow(model, Object.keys(controls), draw);
}

export default { render };
