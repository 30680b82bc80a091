/**
 * The reader's own code, kept in this browser cell by cell, and the ways out of it and back: files, which take the
 * answers to quizzes along.
 *
 * @typedef {{code: string, of: string}} Kept what a reader has written, and the page's code that it replaces
 */

const CODE = "convbook.code.";
const PASSED = "convbook.passed.";
const FORMAT = "Seeing Convolutions: my work";

/** The work of one page; `name` is the page's, such as 01-convolution. */
export class Work {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    /** What this page has last seen of a cell in the store. @type {Map<string, string | null>} */
    this.seen = new Map();
  }

  /** @param {string} cell */
  key(cell) {
    return `${CODE}${this.name}/${cell}`;
  }

  /** @param {string} cell @returns {Kept | undefined} */
  read(cell) {
    const text = stored(this.key(cell));
    this.seen.set(cell, text);
    return parsed(text);
  }

  /**
   * Keep what the reader has written, or with nothing forget it.
   *
   * @param {string} cell
   * @param {Kept | undefined} kept
   * @param {boolean} [over] what another tab has written meanwhile
   * @returns {"kept" | "changed elsewhere" | "full" | "forbidden"}
   */
  write(cell, kept, over = false) {
    const key = this.key(cell);
    try {
      const there = localStorage.getItem(key);
      if (!over && there !== (this.seen.get(cell) ?? null) && parsed(there)?.code !== kept?.code) return "changed elsewhere";
      const text = kept ? JSON.stringify({ code: kept.code, of: kept.of }) : null;
      if (text === null) localStorage.removeItem(key);
      else localStorage.setItem(key, text);
      this.seen.set(cell, text);
      return "kept";
    } catch (error) {
      return error instanceof DOMException && error.name === "QuotaExceededError" ? "full" : "forbidden";
    }
  }

  /** The labels of the exercises that were passed. @returns {string[]} */
  passed() {
    return parsed(stored(PASSED + this.name))?.labels ?? [];
  }

  /** @param {string} label @param {number} of how many exercises the page has */
  pass(label, of) {
    try {
      const labels = [...new Set([...this.passed(), label])];
      localStorage.setItem(PASSED + this.name, JSON.stringify({ labels, of }));
      document.dispatchEvent(new Event("convbook-work")); // for the contents
    } catch {
      // The mark goes with this page; what was written is told to be lost elsewhere.
    }
  }
}

/** All of the reader's work in this browser, as the text of a file. @param {Record<string, Kept>} here not yet kept */
export function allWork(here) {
  /** @type {Record<string, any>} */
  const entries = {};
  try {
    for (const key of Object.keys(localStorage).sort()) {
      if (isWork(key)) entries[key] = parsed(localStorage.getItem(key));
    }
  } catch {
    // Nothing is kept, but this page has something.
  }
  for (const [key, kept] of Object.entries(here)) entries[key] = kept;
  return JSON.stringify({ format: FORMAT, version: 1, entries }, null, 1);
}

/**
 * Read a file of work.
 *
 * @param {string} text
 * @returns {Map<string, any>} entries of the store by key; empty if the file is not ours
 */
export function readWork(text) {
  const file = parsed(text);
  const entries = file?.format === FORMAT && file.version === 1 ? Object.entries(file.entries ?? {}) : [];
  const sound = entries.filter(([key, value]) => {
    if (key.startsWith(CODE)) return typeof value?.code === "string" && typeof value.of === "string";
    if (key.startsWith(PASSED)) return Array.isArray(value?.labels) && value.of > 0;
    return isWork(key) && Array.isArray(value); // answers that no question offers do not count
  });
  return new Map(sound);
}

/** The code that is kept now under the key of an entry, if it is other code. @param {string} key @param {any} value */
export function differs(key, value) {
  const there = parsed(stored(key));
  return key.startsWith(CODE) && there !== undefined && there.code !== value.code;
}

/**
 * Keep an entry of a file.
 *
 * @param {string} key
 * @param {any} value
 * @returns {boolean} whether the browser kept it
 */
export function keep(key, value) {
  try {
    const there = parsed(stored(key));
    const both = (/** @type {string[]} */ one = [], /** @type {string[]} */ other) => [...new Set([...one, ...other])];
    let merged;
    if (key.startsWith(CODE)) merged = { code: value.code, of: value.of };
    else if (key.startsWith(PASSED)) merged = { ...value, labels: both(there?.labels, value.labels) };
    else merged = both(there, value);
    localStorage.setItem(key, JSON.stringify(merged));
    return true;
  } catch {
    return false;
  }
}

/** Delete all of the reader's work in this browser. */
export function forgetAll() {
  try {
    for (const key of Object.keys(localStorage)) {
      if (isWork(key)) localStorage.removeItem(key);
    }
  } catch {
    // There is none.
  }
  document.dispatchEvent(new Event("convbook-work"));
}

/** Hand a text to the reader as a file. @param {string} name @param {string} text @param {string} type */
export function download(name, text, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * A chapter as a notebook for Jupyter and Colab, with the reader's code and without solutions.
 *
 * @param {{cells: import("./plan.js").Cell[], setup: string}} page
 * @param {Map<string, string>} codes the reader's, by cell
 */
export function notebook({ cells, setup }, codes) {
  const own = cells
    .filter((cell) => !cell.solution)
    .map(({ type, id, source }) => ({
      cell_type: type,
      id,
      metadata: {},
      source: codes.get(id) ?? source,
      ...(type === "code" ? { execution_count: null, outputs: [] } : {}),
    }));
  const first = { cell_type: "code", id: "set-up", metadata: {}, source: setup, execution_count: null, outputs: [] };
  const kernelspec = { name: "python3", display_name: "Python 3", language: "python" };
  const all = setup ? [first, ...own] : own;
  return JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: { kernelspec }, cells: all }, null, 1);
}

/** Whether an entry of the store is the reader's work; quiz.js keeps the answers. @param {string} key */
function isWork(key) {
  return /^convbook\.(code\.|passed\.|quiz-)/.test(key);
}

/** @param {string} key */
function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // forbidden
  }
}

/** @param {string | null} text @returns {any} */
function parsed(text) {
  try {
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined; // not ours
  }
}
