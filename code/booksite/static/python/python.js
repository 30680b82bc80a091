/**
 * Python in the page: starts a worker with Pyodide, runs code in its one namespace, and hands back what a notebook
 * would show. Nothing of it is loaded before somebody asks for it.
 *
 * @typedef {{output_type: "stream", name: "stdout" | "stderr", text: string}} Stream printed text, as it comes
 * @typedef {{
 *   output_type: "display_data" | "execute_result", data: Record<string, any>, metadata: Record<string, any>
 * }} Shown a value by mime type: text/plain; text/html; image/svg+xml, which can stand in the page as it is, in its
 *   colours; image/png, in base64; application/vnd.jupyter.widget-view+json for a live figure
 * @typedef {{output_type: "error", ename: string, evalue: string, traceback: string[]}} Failure in plain text, one
 *   entry for each line
 * @typedef {Stream | Shown | Failure} Output
 * @typedef {{ok: boolean, stopped?: boolean}} Ended how a run ended; after `stop`, as `{ok: false, stopped: true}`
 * @typedef {{output?: (output: Output) => void, end: (ended: Ended) => void, fail: (error: Error) => void}} Waiting
 */

import { adopt, orphan, show as showFigure, update } from "../host.js";

const VIEW = "application/vnd.jupyter.widget-view+json";
const OFFLINE = "What this needs could not be loaded: there is no connection to this site. Try again later.";
// Traits for the front end of a notebook, which no figure reads.
const PLUMBING = ["layout", "tabbable", "tooltip", "_dom_classes", "_view_count"];
const DIED = "Python has ended by itself, so all variables are gone.";

/**
 * What a worker is made from: its script, and the list of what it can load.
 *
 * @type {Promise<[string, string]> | undefined}
 */
let files;

/** One Python for the page. */
export class Python {
  /**
   * @param {{progress?: (megabytesLeft: number) => void, died?: (reason: string) => void}} told what is left to load,
   *   at any time something is loading, down to 0; and, in a sentence for the reader, that Python has ended by itself:
   *   all variables are gone, and the next `run` starts another
   */
  constructor({ progress = () => {}, died = () => {} } = {}) {
    this.progress = progress;
    this.died = died;
    /** @type {Promise<Worker> | undefined} */
    this.worker = undefined;
    /** @type {Map<number, Waiting>} */
    this.waiting = new Map();
    this.asked = 0;
    /** @type {Set<string>} */
    this.figures = new Set(); // that the page can show
  }

  /**
   * Load Python; returns when it is ready. May be called again at any time; `run` does it by itself.
   *
   * @returns {Promise<void>} rejected with a sentence for the reader, such as that there is no connection
   */
  async start() {
    await this.ask({ code: "" });
  }

  /**
   * Run code like a cell of a notebook, after everything that was asked before.
   *
   * @param {string} code
   * @param {{output?: (output: Output) => void, alt?: string}} [options] `alt` describes a figure that the code draws
   * @returns {Promise<Ended>} never rejected: what goes wrong is an output
   */
  async run(code, { output = () => {}, alt = "" } = {}) {
    try {
      return await this.ask({ code, alt }, output);
    } catch (error) {
      const { name, message } = /** @type {Error} */ (error);
      output({ output_type: "error", ename: name, evalue: message, traceback: [message] });
      return { ok: false };
    }
  }

  /**
   * End what runs, and all that waits; all variables are gone. Starts anew.
   *
   * @returns {Promise<void>} when the new one is ready; rejected as with `start`
   */
  async stop() {
    this.end({ ok: false, stopped: true });
    await this.start();
  }

  /**
   * Put what a run has shown into the page: text, tables, figures, verdicts and errors, and live figures.
   *
   * @param {Output} output
   * @param {HTMLElement} place at whose end it is put; text that follows text goes into the same element
   */
  show(output, place) {
    if (output.output_type === "stream") {
      const kind = output.name === "stderr" ? "stderr" : "stream";
      const last = place.lastElementChild;
      const pre = last?.classList.contains(kind) ? last.querySelector("pre") : text(place, kind);
      pre?.append(output.text);
    } else if (output.output_type === "error") {
      const pre = text(place, "traceback");
      for (const lines of output.traceback) {
        if (!lines.startsWith("    ")) pre.append(`${lines}\n`);
        else element(pre, "quoted").append(lines);
      }
    } else {
      const { data } = output;
      const id = data[VIEW]?.model_id;
      if (id && this.figures.has(id)) {
        const figure = element(place, "interactive");
        const el = document.createElement("div");
        figure.append(el);
        showFigure(id, el, new AbortController().signal).catch((/** @type {Error} */ error) => {
          figure.className = "problem";
          figure.textContent = `This figure could not be shown (${error.message}).`;
        });
      } else if (data["text/html"]) {
        element(place, "output text_html").innerHTML = data["text/html"];
      } else if (data["image/svg+xml"]) {
        element(place, "output image_svg").innerHTML = data["image/svg+xml"];
      } else if (data["image/png"]) {
        const image = document.createElement("img");
        image.src = `data:image/png;base64,${data["image/png"]}`;
        image.alt = "";
        element(place, "output image_png").append(image);
      } else {
        text(place, "text_plain").append(data["text/plain"] ?? "");
      }
    }
  }

  /**
   * @param {{code: string, alt?: string}} message
   * @param {(output: Output) => void} [output]
   * @returns {Promise<Ended>}
   */
  ask(message, output) {
    const id = ++this.asked;
    return new Promise((end, fail) => {
      this.waiting.set(id, { output, end, fail });
      this.worker ??= this.awake();
      const worker = this.worker;
      worker.then(
        (its) => this.worker === worker && its.postMessage({ id, ...message }),
        () => this.refuse(id),
      );
    });
  }

  /** Make a worker. It comes from a text, so that another one needs no connection. */
  async awake() {
    try {
      files ??= Promise.all([load("python_worker.js"), load("manifest.json")]);
      const [script, manifest] = await files;
      const worker = new Worker(file(script, "text/javascript"), { type: "module" });
      worker.postMessage({ here: import.meta.url, manifest: JSON.parse(manifest) });
      worker.onmessage = ({ data }) => this.hear(data);
      worker.onerror = (event) => {
        event.preventDefault();
        this.die(event.message);
      };
      return worker;
    } catch (error) {
      files = this.worker = undefined;
      throw error;
    }
  }

  /** @param {number} id of what cannot be done without a connection */
  refuse(id) {
    this.waiting.get(id)?.fail(new Error(OFFLINE));
    this.waiting.delete(id);
  }

  /** @param {any} said by the worker */
  hear({ id, left, comm, output, ok, broken, unreachable }) {
    const waiting = this.waiting.get(id);
    if (left !== undefined) this.progress(left);
    else if (comm) this.connect(comm);
    else if (output) waiting?.output?.(output);
    else if (unreachable) this.refuse(id);
    else if (broken !== undefined) this.die(broken);
    else {
      this.waiting.delete(id);
      waiting?.end({ ok });
    }
  }

  /**
   * Take in what Python says of a widget.
   *
   * @param {{id: string, type: string, data: any, buffers: Uint8Array[]}} message as in Jupyter's protocol
   */
  connect({ id, type, data, buffers }) {
    if (type !== "comm_open" && data.method !== "update") return;
    const { _esm, _css, ...state } = data.state;
    data.buffer_paths?.forEach((/** @type {(string | number)[]} */ path, /** @type {number} */ i) => {
      const { buffer, byteOffset, byteLength } = buffers[i];
      put(state, path, new DataView(buffer, byteOffset, byteLength));
    });
    if (type !== "comm_open") {
      update(id, state);
      return;
    }
    for (const name of PLUMBING) delete state[name];
    const esm = _esm && file(_esm, "text/javascript");
    const css = _css && file(_css, "text/css");
    if (esm) this.figures.add(id);
    const worker = this.worker;
    adopt(id, { esm, css, state, buffers: [] }, async (values) => {
      const data = taken(values);
      (await worker)?.postMessage({ comm: id, data });
    });
  }

  /** @param {string} reason */
  die(reason) {
    console.info(`Python: ${reason}`);
    this.end({ ok: false });
    this.died(DIED);
  }

  /** @param {Ended} ended how that which waits ends */
  end(ended) {
    this.worker?.then(
      (its) => {
        its.onmessage = its.onerror = null;
        its.terminate();
      },
      () => {},
    );
    this.worker = undefined;
    this.figures.clear();
    orphan();
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    this.progress(0);
    for (const { end } of waiting) end(ended);
  }
}

/** @param {string} name of a file beside this one */
async function load(name) {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.statusText}`);
  return answer.text();
}

/**
 * Put a binary value into its place.
 *
 * @param {any} values
 * @param {(string | number)[]} path
 * @param {DataView} value
 */
function put(values, path, value) {
  for (const key of path.slice(0, -1)) values = values[key];
  values[path[path.length - 1]] = value;
}

/**
 * Take the binary values out of others.
 *
 * @param {Record<string, any>} values
 */
function taken(values) {
  /** @type {(string | number)[][]} */
  const paths = [];
  /** @type {Uint8Array[]} */
  const buffers = [];
  /**
   * @param {any} value
   * @param {(string | number)[]} path
   * @returns {any}
   */
  const without = (value, path) => {
    if (value instanceof ArrayBuffer) value = new Uint8Array(value);
    if (ArrayBuffer.isView(value)) {
      const { buffer, byteOffset, byteLength } = value;
      paths.push(path);
      buffers.push(new Uint8Array(buffer, byteOffset, byteLength).slice());
      return null;
    }
    if (Array.isArray(value)) return value.map((each, i) => without(each, [...path, i]));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, without(each, [...path, name])]));
  };
  return { state: without(values, []), paths, buffers };
}

/** @type {Map<string, string>} */
const addresses = new Map();

/**
 * Give a text an address.
 *
 * @param {string} content
 * @param {string} type
 */
function file(content, type) {
  const address = addresses.get(content) ?? URL.createObjectURL(new Blob([content], { type }));
  addresses.set(content, address);
  return address;
}

/**
 * @param {HTMLElement} place
 * @param {string} kind
 */
function element(place, kind) {
  const made = document.createElement("div");
  made.className = kind;
  place.append(made);
  return made;
}

/**
 * Make an element for text, as the pages have it.
 *
 * @param {HTMLElement} place
 * @param {string} kind
 */
function text(place, kind) {
  const around = element(place, `output ${kind} highlight-myst-ansi notranslate`);
  const inner = document.createElement("div");
  inner.className = "highlight";
  const pre = document.createElement("pre");
  inner.append(pre);
  around.append(inner);
  return pre;
}
