/**
 * The site's stand-in for a kernel: it brings the interactive figures of a page to life.
 *
 * The extension `booksite.widgets` leaves, in place of each figure, a picture of it and its state. When the reader
 * comes near, the figure's own module takes the place of the picture.
 */

const MUCH = 200_000; // bytes that are not loaded before the reader asks for them

/** What anywidget calls a model, with nobody at the other end. */
class Model {
  /** @param {Record<string, any>} values */
  constructor(values) {
    this.values = values;
    /** @type {Map<string, Set<() => void>>} */
    this.listeners = new Map();
  }

  /** @param {string} name */
  get(name) {
    return this.values[name];
  }

  /**
   * @param {string} name
   * @param {any} value
   */
  set(name, value) {
    if (this.values[name] === value) return;
    this.values[name] = value;
    for (const event of [`change:${name}`, "change"]) {
      for (const listener of [...(this.listeners.get(event) ?? [])]) listener();
    }
  }

  /**
   * @param {string} event
   * @param {() => void} listener
   */
  on(event, listener) {
    if (!this.listeners.has(event)) this.listeners.set(event, new Set());
    this.listeners.get(event)?.add(listener);
  }

  /**
   * Without a listener, all listeners of the event go; without an event, those of all events.
   *
   * @param {string} [event]
   * @param {() => void} [listener]
   */
  off(event, listener) {
    const events = event === undefined ? [...this.listeners.keys()] : [event];
    for (const each of events) {
      if (listener) this.listeners.get(each)?.delete(listener);
      else this.listeners.delete(each);
    }
  }

  save_changes() {}

  /** There is no kernel that could read a message. */
  send() {}
}

/**
 * Put a figure into the place of its picture.
 *
 * @param {HTMLElement} place
 * @returns {Promise<{model: Model, unmount: () => void}>} unmount puts the picture back
 */
export async function mount(place) {
  const { module, state, files } = described(place);
  const picture = [...place.childNodes];
  const el = document.createElement("div");
  try {
    const loading = [import(`./${module}.js`), ...files.map(load)];
    const [{ default: exported }, ...buffers] = await Promise.all(loading);
    files.forEach(({ path }, i) => put(state, path, buffers[i]));
    const model = new Model(state);
    // A module exports its methods, or a function that makes them.
    const figure = typeof exported === "function" ? await exported() : exported;
    const ended = new AbortController();
    const { signal } = ended;
    const forget = await figure.initialize?.({ model, signal });
    place.replaceChildren(el);
    const clear = await figure.render?.({ model, el, signal });
    return {
      model,
      unmount() {
        ended.abort();
        clear?.();
        forget?.();
        place.replaceChildren(...picture);
      },
    };
  } catch (error) {
    const problem = document.createElement("p");
    problem.className = "problem";
    problem.setAttribute("role", "alert");
    problem.textContent = `This figure could not be loaded (${/** @type {Error} */ (error).message}). Reload the page to try again.`;
    place.replaceChildren(...picture, problem);
    throw error;
  }
}

/**
 * @param {HTMLElement} place
 * @returns {{module: string, state: Record<string, any>, files: {path: string[], url: string, bytes: number}[]}}
 */
function described(place) {
  return JSON.parse(place.querySelector("script[type='application/json']")?.textContent ?? "");
}

/** @param {{url: string}} file */
async function load({ url }) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${answer.statusText}`);
  return new DataView(await answer.arrayBuffer());
}

/**
 * @param {any} values
 * @param {string[]} path
 * @param {DataView} buffer
 */
function put(values, path, buffer) {
  const last = path[path.length - 1];
  for (const key of path.slice(0, -1)) values = values[key];
  values[last] = buffer;
}

/**
 * Offer to load a figure that takes much.
 *
 * @param {HTMLElement} place
 * @param {number} bytes
 */
function offer(place, bytes) {
  const press = document.createElement("button");
  press.type = "button";
  press.className = "load";
  press.textContent = `Load the interactive figure (${(bytes / 1e6).toFixed(1)} MB)`;
  press.addEventListener("click", () => {
    press.remove();
    mount(place);
  });
  place.append(press);
}

const near = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      const place = /** @type {HTMLElement} */ (target);
      const bytes = described(place).files.reduce((sum, file) => sum + file.bytes, 0);
      if (bytes > MUCH) offer(place, bytes);
      else mount(place);
    }
  },
  { rootMargin: "400px" },
);
for (const place of document.querySelectorAll(".interactive")) near.observe(place);
