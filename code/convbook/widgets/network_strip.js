/** The trained network from the pixels to the ten probabilities: draw, point, and zoom in to a single product. */
import { addressOf, placeOf } from "./shared/anatomy.js";
import { onTurn } from "./shared/colours.js";
import { change, element, fill } from "./shared/elements.js";
import { pack, unpack } from "./shared/pictures.js";
import { sceneOf } from "./shared/scene.js";
import { digitPad, networkChoice, switchRow, toolRow } from "./shared/strip_controls.js";
import { stripHistory } from "./shared/strip_address.js";
import { pathOf, probabilityBars, productTables, stripWords } from "./shared/strip_parts.js";
import { stripPicture } from "./shared/strip_picture.js";
import { firstRun, imageOf, networkOf, nothing } from "./shared/strip_runs.js";
import { stripStage } from "./shared/strip_stage.js";
import { beginning, computeUse, keepOrForget, otherMap, otherRelu, shift, shifted, takeAverage, takeImage, takeNetwork, turn, zoom } from "./shared/strip_state.js";

/**
 * @typedef {import("./shared/anatomy.js").Unit} Unit
 * @typedef {import("./shared/elements.js").Model} Model
 * @typedef {import("./shared/anatomy.js").Off} Off
 * @typedef {import("./shared/strip_runs.js").Run} Run
 */

/**
 * @param {{model: Model, el: HTMLElement}} place
 * @param {Run} [ready] what `firstRun` has computed
 */
function render({ model, el }, ready) {
  const state = beginning(model, ready);
  /** @type {{name?: string, title: string, data: string | null}[]} the first one has its data here */
  const others = model.get("networks");

  // Drawing.
  let asked = 0;
  const ask = () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      draw();
    });
  };
  const draw = () => {
    if (!picture.width || !state.scene.tiles.length) return; // it has no size yet, as where a page lays out only what is near
    computeUse(state, ask);
    if (picture.draw(state, model.get("highlight").split(" "))) ask();
    show();
  };
  const layOut = (/** @type {boolean} */ moving) => {
    const { net, level, unit, scene } = state;
    const box = stage.getBoundingClientRect();
    state.scene = sceneOf(net.columns, level, unit, box.width, box.height);
    picture.begin(box, scene.tiles.length ? scene : state.scene, moving);
    tables.layOut(state);
    draw(); // at once, as a canvas of a new size is empty
  };
  const show = () => {
    el.dataset.level = String(state.level);
    for (const part of [bars, path, switches, tools, tables]) part.show(state);
    words.show(state, model.get("labels")[pad.find(state.base.data)]);
  };

  // What the reader does.
  const go = (/** @type {number} */ to, /** @type {Unit} */ at = state.unit, travelling = false) => {
    const [from, level] = [state.level, Math.min(to, 3)];
    const deeper = level > from && !travelling;
    if (deeper) address.write(); // where the browser's Back leads to
    zoom(state, level, at);
    change(model, { place: addressOf(level, state.unit, state.net.columns) });
    if (deeper) address.write(1);
    else address.remember();
    layOut(level !== from);
  };
  const turnTo = (/** @type {Off} */ off) => {
    turn(state, off);
    address.remember();
    ask();
  };
  const turnMap = (/** @type {number} */ channel) => turnTo(otherMap(state, channel));
  const send = () => change(model, { image: pack(shifted(state).data, [28, 28]) });
  const shiftTo = (/** @type {number[]} */ to) => {
    shift(state, to);
    send();
    ask();
  };
  const choose = async (/** @type {number} */ i) => {
    const { data } = others[i];
    takeNetwork(state, i, networkOf(data ? await inner(model, data) : model));
    networks.show(String(i));
  };
  const average = async () => {
    if (state.view === "average") {
      state.view = "now";
      return ask();
    }
    state.averaging = true;
    tools.show(state);
    try {
      await takeAverage(state, unpack((await inner(model, model.get("many"))).get("digits")));
    } finally {
      state.averaging = false;
      tools.show(state);
    }
    if (state.view === "average") go(Math.min(state.level, 2));
  };

  // The parts.
  const picture = stripPicture();
  const tables = productTables((part, index) => {
    state.product = { part, index };
    ask();
  });
  const words = stripWords();
  const entered = () => words.scrollIntoView({ block: "nearest" }); // what is said of the unit belongs to the picture
  const stage = stripStage(state, picture, tables, { go, turnMap, ask, entered });
  const bars = probabilityBars();
  const path = pathOf(go);
  const switches = switchRow({
    allOn() {
      stage.focus({ preventScroll: true }); // the button goes
      turnTo(nothing());
    },
    turnRelu: () => turnTo(otherRelu(state)),
    turnMap: () => turnMap(state.unit.channel),
  });
  const networks = networkChoice(others, async (i) => {
    await choose(i);
    go(0);
  });
  const tools = toolRow(
    {
      shift: (down, right) => shiftTo([state.moved[0] + down, state.moved[1] + right]),
      unshift: () => shiftTo([0, 0]),
      keep: () => (keepOrForget(state), ask()),
      look(view) {
        state.view = view;
        go(state.level);
      },
      average,
    },
    networks,
  );
  const pad = digitPad(model);
  const address = stripHistory(el, state, pad, others, { choose, send, go });

  const head = element("div", { class: "strip-head" }, path, switches);
  fill(el, element("div", { class: "strip-row" }, pad, head, stage, bars), words, tools);
  el.classList.add("strip");
  pad.show(state.base.data);
  computeUse(state, ask);
  show(); // its words take their room before anything is seen

  // The life of the figure.
  const imageChanged = () => {
    takeImage(state, imageOf(model));
    pad.show(state.base.data);
    address.remember();
    ask();
  };
  const placeChanged = () => {
    const { level, unit, net } = state;
    if (addressOf(level, unit, net.columns) === model.get("place")) return;
    const wanted = placeOf(model.get("place"), net.columns);
    go(wanted?.level ?? 0, wanted?.unit);
  };
  model.on("change:image", imageChanged);
  model.on("change:place", placeChanged);
  const seen = new ResizeObserver(() => layOut(false));
  seen.observe(stage);
  address.read();
  const stop = onTurn(() => {
    picture.recolour();
    ask();
  });
  return () => {
    cancelAnimationFrame(asked);
    seen.disconnect();
    address.stop();
    stop();
    model.off("change:image", imageChanged);
    model.off("change:place", placeChanged);
  };
}

/**
 * Get a model that is inside another one, with what it holds; on the site it loads only now.
 *
 * @param {any} model
 * @param {string} reference
 * @returns {Promise<Model>}
 */
function inner(model, reference) {
  return model.widget_manager.get_model(reference.slice("IPY_MODEL_".length));
}

export default () => {
  /** @type {Run | undefined} */
  let ready;
  return {
    /** @param {{model: Model}} its */
    async initialize({ model }) {
      ready = await firstRun(model).catch(() => undefined); // the trainer gives its strip a network later
    },
    /** @param {Parameters<typeof render>[0]} place */
    render: (place) => render(place, ready),
  };
};
