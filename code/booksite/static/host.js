/**
 * The site's stand-in for a kernel: it brings the widgets of a page to life.
 *
 * The extension `booksite.widgets` leaves, in place of each widget, a picture of it and the models behind it. When the
 * reader comes near, `near.js` loads this host, and the widget's own module takes the place of the picture. What a module gets is what anywidget
 * hands out; what only a kernel could do fails in plain words.
 */

/**
 * @typedef {{path: (string | number)[], url: string}} Buffer a binary value and its place in the state
 * @typedef {{esm?: string, css?: string, state: Record<string, any>, buffers: Buffer[]}} Description of a model
 * @typedef {(...values: any[]) => void} Listener
 * @typedef {(values: Record<string, any>) => void} Send
 * @typedef {(model: ReturnType<Model["seenBy"]>) => void} Prepare gets the model before the widget is drawn
 * @typedef {{model: Model, render?: (view: object) => any, exports: object | undefined}} Widget
 */

/** The traits of a widget, shared by all that look at it. */
class Model {
  /**
   * @param {Record<string, any>} values
   * @param {Send} [send] takes what the page changes, where there is a kernel
   */
  constructor(values, send) {
    this.values = values;
    this.send = send;
    /** @type {Set<string>} */
    this.unsaved = new Set();
    /** @type {{event: string, listener: Listener, owner: unknown}[]} */
    this.listeners = [];
  }

  /**
   * @param {string | Record<string, any>} name or several values by name
   * @param {any} [value]
   */
  set(name, value) {
    const values = typeof name === "string" ? { [name]: value } : name;
    for (const each of this.take(values)) this.unsaved.add(each);
  }

  /**
   * Take new values, and tell all who listen.
   *
   * @param {Record<string, any>} values
   * @returns the names of those that have changed
   */
  take(values) {
    const changed = Object.keys(values).filter((each) => !equal(this.values[each], values[each]));
    Object.assign(this.values, values);
    for (const each of changed) this.tell(`change:${each}`, this, values[each]);
    if (changed.length) this.tell("change", this);
    return changed;
  }

  /** Send to the kernel what the page has changed. */
  save() {
    if (this.unsaved.size) this.send?.(Object.fromEntries([...this.unsaved].map((each) => [each, this.values[each]])));
    this.unsaved.clear();
  }

  /**
   * @param {string} event
   * @param {any[]} values
   */
  tell(event, ...values) {
    for (const each of this.listeners.filter((each) => each.event === event)) each.listener(...values);
  }

  /**
   * What anywidget calls a model, for one owner: the widget as a whole, or one view of it. Without a listener, `off`
   * ends all of the owner's listeners to an event; without an event, those to all events.
   *
   * @param {unknown} owner
   */
  seenBy(owner) {
    const split = (/** @type {string} */ events) => events.trim().split(/\s+/);
    return {
      get: (/** @type {string} */ name) => this.values[name],
      set: this.set.bind(this),
      save_changes: this.save.bind(this),
      send() {}, // nobody could read it
      on: (/** @type {string} */ events, /** @type {Listener} */ listener) => {
        for (const event of split(events)) this.listeners.push({ event, listener, owner });
      },
      off: (/** @type {string | null} */ events = null, /** @type {Listener | null} */ listener = null) => {
        const meant = events === null ? null : split(events);
        this.listeners = this.listeners.filter(
          (each) =>
            each.owner !== owner ||
            (meant !== null && !meant.includes(each.event)) ||
            (listener !== null && each.listener !== listener),
        );
      },
      widget_manager: { get_model: async (/** @type {string} */ id) => (await model(id)).seenBy(Symbol()) },
    };
  }
}

/**
 * Compare two values of a trait by what is in them.
 *
 * @param {any} a
 * @param {any} b
 * @returns {boolean}
 */
function equal(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (ArrayBuffer.isView(a)) return equalBytes(bytes(a), bytes(b));
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => name in b && equal(a[name], b[name]));
}

/** @param {ArrayBufferView} view */
function bytes({ buffer, byteOffset, byteLength }) {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
function equalBytes(a, b) {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** @type {Map<string, Description>} */
const descriptions = new Map();
/** @type {Map<string, Promise<Model>>} */
const models = new Map();
/** @type {Map<string, Send>} */
const kernels = new Map();
/** @type {Map<string, Promise<Widget>>} */
const widgets = new Map();
/** @type {Map<string, Promise<void>>} */
const styles = new Map();
/** @type {WeakMap<HTMLElement, ReturnType<Model["seenBy"]>>} */
const shown = new WeakMap();

/**
 * Return what a map holds for a key, made at the first call.
 *
 * @template T
 * @param {Map<string, T>} map
 * @param {string} key
 * @param {(key: string) => T} make
 * @returns {T}
 */
function once(map, key, make) {
  const made = map.get(key) ?? make(key);
  map.set(key, made);
  return made;
}

/** @param {string} id */
function description(id) {
  const found = descriptions.get(id);
  if (!found) throw new Error(`this page holds no widget model ${id}`);
  return found;
}

/** @param {string} id */
async function model(id) {
  const { state, buffers } = description(id);
  return once(models, id, async () => {
    const values = structuredClone(state);
    const loaded = await Promise.all(buffers.map(load));
    buffers.forEach(({ path }, i) => put(values, path, loaded[i]));
    return new Model(values, kernels.get(id));
  });
}

/** @param {string} id */
async function widget(id) {
  const { esm, css } = description(id);
  if (!esm) throw new Error(`the widget model ${id} is no anywidget, so it has no view here`);
  return once(widgets, id, async () => {
    const address = new URL(esm, document.baseURI).href; // an import would take it from this file's folder
    const [its, module] = await Promise.all([model(id), import(address), css && once(styles, css, style)]);
    // A module exports its methods, or a function that makes them; before anywidget 0.9 it was `render` alone.
    const exported = module.default ?? module;
    const { initialize, render } = typeof exported === "function" ? await exported() : exported;
    // A widget lives as long as its page, so its signal never comes and what it returns to end it is never called.
    const { signal } = new AbortController();
    const made = await initialize?.({ model: its.seenBy(Symbol()), signal, experimental });
    return { model: its, render, exports: typeof made === "object" && made !== null ? made : undefined };
  });
}

const experimental = {
  /** @param {string} name */
  async invoke(name) {
    throw new Error(`there is no kernel on this page that could run the command ${name}`);
  },
};

/**
 * Show a widget; returns when it is shown.
 *
 * @param {string} id
 * @param {HTMLElement} el
 * @param {AbortSignal} signal that ends the view
 */
export async function show(id, el, signal) {
  const { model, render } = await widget(id);
  const seen = model.seenBy(Symbol());
  const clear = await render?.({ model: seen, el, signal, host: host(signal), experimental });
  const end = () => {
    seen.off();
    clear?.();
  };
  if (signal.aborted) end();
  else signal.addEventListener("abort", end);
}

/**
 * What anywidget calls the host: the way from one widget to another, by the reference that stands in a trait.
 *
 * @param {AbortSignal} signal of the view that asks
 */
function host(signal) {
  return {
    /** @param {string} reference */
    async getModel(reference) {
      const seen = (await model(named(reference))).seenBy(Symbol());
      signal.addEventListener("abort", () => seen.off());
      return seen;
    },
    /** @param {string} reference */
    async getWidget(reference) {
      const id = named(reference);
      const { exports } = await widget(id);
      /** @param {{el: HTMLElement, signal?: AbortSignal}} view */
      const render = (view) => show(id, view.el, view.signal ?? signal);
      return { exports, render };
    },
  };
}

/** @param {string} reference */
function named(reference) {
  const [, id] = /^anywidget:(.+)$/.exec(reference) ?? [];
  if (!id) throw new Error(`${JSON.stringify(reference)} is no reference to a widget`);
  return id;
}

/**
 * Put a widget into the place of its picture.
 *
 * @param {HTMLElement} place
 * @param {Prepare} [prepare]
 * @returns {Promise<() => void>} ends the view and puts the picture back
 */
export async function mount(place, prepare) {
  const picture = [...place.childNodes];
  const el = document.createElement("div");
  const ended = new AbortController();
  try {
    const { view, models } = await described(place);
    for (const [id, its] of Object.entries(models)) once(descriptions, id, () => its);
    // In a notebook the widgets inside another one start before it is shown, too.
    await Promise.all(Object.keys(models).filter((id) => models[id].esm).map(widget));
    const its = (await model(view)).seenBy(place);
    prepare?.(its);
    await new Promise((done) => setTimeout(done)); // drawing is a task of its own, so that a phone stays quick
    shown.set(place, its);
    place.style.minHeight = `${place.offsetHeight}px`; // for a module that takes a moment to draw
    place.replaceChildren(el);
    await show(view, el, ended.signal);
    place.style.minHeight = "";
  } catch (error) {
    const problem = document.createElement("p");
    problem.className = "problem";
    problem.setAttribute("role", "alert");
    problem.textContent = `This figure could not be loaded (${/** @type {Error} */ (error).message}). Reload the page to try again.`;
    place.replaceChildren(...picture, problem);
    throw error;
  }
  return () => {
    ended.abort();
    place.replaceChildren(...picture);
  };
}

/**
 * Return the model of the widget in a place, once it is there.
 *
 * @param {HTMLElement} place
 */
export function modelAt(place) {
  return shown.get(place);
}

/**
 * @param {HTMLElement} place
 * @returns {Promise<{view: string, models: Record<string, Description>}>} the model to be shown, and it and all inside it by
 *   id: from the page, or from a file for several pages, each with a state of its own
 */
async function described(place) {
  const { models, state } = place.dataset;
  if (!models) return JSON.parse(place.querySelector("script[type='application/json']")?.textContent ?? "");
  const shared = JSON.parse(new TextDecoder().decode(await load({ url: models })));
  Object.assign(shared.models[shared.view].state, JSON.parse(state ?? "{}"));
  return shared;
}

/** @param {{url: string}} file */
async function load({ url }) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${answer.statusText}`);
  return new DataView(await answer.arrayBuffer());
}

/**
 * @param {string} href
 * @returns {Promise<void>}
 */
function style(href) {
  return new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
    link.addEventListener("load", () => resolve());
    link.addEventListener("error", () => reject(new Error(`${href} did not load`)));
    document.head.append(link);
  });
}

/**
 * @param {any} values
 * @param {(string | number)[]} path
 * @param {DataView} buffer
 */
function put(values, path, buffer) {
  const last = path[path.length - 1];
  for (const key of path.slice(0, -1)) values = values[key];
  values[last] = buffer;
}

/**
 * Take in a widget that Python has made in the page; `show` shows it.
 *
 * @param {string} id
 * @param {Description} its
 * @param {Send} send takes what the page changes
 */
export function adopt(id, its, send) {
  descriptions.set(id, its);
  kernels.set(id, send);
}

/**
 * Take new values of an adopted widget.
 *
 * @param {string} id
 * @param {Record<string, any>} values
 */
export async function update(id, values) {
  const its = models.get(id);
  if (its) (await its).take(values);
  else Object.assign(description(id).state, values);
}

/**
 * Cut adopted widgets off, which stay as they are: their Python has ended.
 */
export function orphan() {
  for (const id of kernels.keys()) models.get(id)?.then((its) => (its.send = undefined));
  kernels.clear();
}
