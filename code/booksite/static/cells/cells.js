/**
 * Runs the cells of a page when their buttons are pressed, lets the reader change them, and keeps what was written.
 *
 * `press.js` loads it at the first press, or when the reader has work here from an earlier visit.
 */
import { Plan } from "./plan.js";
import { Work, allWork, differs, download, forgetAll, keep, notebook, readWork } from "./work.js";

/**
 * @typedef {import("./plan.js").Cell} Cell
 * @typedef {import("../python/python.js").Output} Output
 * @typedef {{cells: Cell[], setup: string}} Page
 */

const SAVE = 300; // milliseconds after the last key
const GONE = "All variables are gone. The next run brings back what its cell needs; “Run all above” brings back everything.";
const UNJUDGED = "No verdict: the line that begins with “check.” has to be the last one, at the left margin. “Reset” brings it back.";
const UNKEPT = {
  full: "The browser's storage is full, so this code stays only while the page is open: save your work as a file before you leave.",
  forbidden:
    "This browser does not let pages store anything, so this code stays only while the page is open: save your work as a file before you leave.",
};

const box = /** @type {HTMLElement} */ (document.querySelector(".work"));
const page = new URL(box.dataset.cells ?? "", document.baseURI);
const name = page.pathname.split("/").at(-1)?.replace(/\.json$/, "") ?? "";
const work = new Work(name);
const said = /** @type {HTMLElement} */ (box.querySelector(".work-status"));

/** @param {ParentNode} place @param {string} action */
const button = (place, action) => /** @type {HTMLButtonElement | null} */ (place.querySelector(`button[data-do="${action}"]`));

/** Make a button that does something. @param {string} words @param {() => void} action */
function pressable(words, action) {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: words });
  made.addEventListener("click", action);
  return made;
}

/** One cell that the reader sees. */
class Place {
  /** @param {HTMLElement} tools */
  constructor(tools) {
    this.tools = tools;
    this.id = tools.dataset.cell ?? "";
    this.label = tools.dataset.label ?? "";
    this.exercise = tools.dataset.exercise ?? "";
    this.status = /** @type {HTMLElement} */ (tools.querySelector(".cell-status"));
    this.words = button(tools, "run")?.textContent ?? "";
    this.cell = /** @type {HTMLElement} */ (tools.closest(".cell"));
    this.pre = /** @type {HTMLElement} */ (tools.closest(".cell_input")?.querySelector("pre"));
    this.markup = this.pre.innerHTML;
    /** What the page shows below the cell before it has run. @type {Node[] | undefined} */
    this.built = undefined;
    /** @type {string | undefined} */
    this.code = undefined; // the reader's own
    /** @type {string | undefined} */
    this.lost = undefined; // what “Reset” has taken away
    /** @type {Promise<ReturnType<typeof import("./editor.js").edit>> | undefined} */
    this.editor = undefined;
    this.saving = 0;
    /** What is running above because this cell needs it. @type {string | undefined} */
    this.needing = undefined;
    if (this.exercise) this.output.setAttribute("aria-live", "polite");
  }

  /** Where outputs go; made where the page has none. */
  get output() {
    const found = /** @type {HTMLElement | null} */ (this.cell.querySelector(":scope > .cell_output"));
    if (found) return found;
    const made = document.createElement("div");
    made.className = "cell_output docutils container";
    this.cell.append(made);
    return made;
  }

  /** Name a button for the eye and the ear. @param {HTMLButtonElement | null} press @param {string} words */
  name(press, words) {
    press?.replaceChildren(words);
    press?.setAttribute("aria-label", `${words} ${this.label}`);
  }

  /** @param {string} text */
  say(text) {
    this.status.replaceChildren(text);
  }

  /** Ask something with buttons. @param {string} text @param {Record<string, () => void>} answers */
  ask(text, answers) {
    const buttons = Object.entries(answers).map(([words, action]) =>
      pressable(words, () => {
        this.say("");
        action();
      }),
    );
    this.status.replaceChildren(text, ...buttons);
  }

  /** Show the reader's own code, or with nothing the page's. @param {string | undefined} code */
  async show(code) {
    this.code = code;
    const text = code ?? plan.cell(this.id).source;
    if (this.editor) (await this.editor).set(text);
    else if (code === undefined) this.pre.innerHTML = this.markup;
    else this.pre.textContent = text;
    this.marked();
  }

  /** Offer to undo what was changed. */
  marked() {
    const reset = button(this.tools, "reset");
    if (!reset) return;
    reset.hidden = this.code === undefined && this.lost === undefined;
    this.name(reset, this.code === undefined ? "Undo reset" : "Reset");
  }

  /** Say that what is to be seen below does not come from the code above it. */
  outdated() {
    if (this.output.childElementCount && (this.built || !this.exercise)) this.say("Changed since the result below");
  }

  /** @param {string} code that the reader has typed */
  changed(code) {
    if (code === (this.code ?? plan.cell(this.id).source)) return;
    this.code = code === plan.cell(this.id).source ? undefined : code;
    this.lost = undefined;
    this.marked();
    if (!this.tools.classList.contains("busy")) this.outdated();
    clearTimeout(this.saving);
    this.saving = window.setTimeout(() => this.save(), SAVE);
  }

  /** Keep the code in the browser. @param {boolean} [over] what another tab has written meanwhile */
  save(over = false) {
    clearTimeout(this.saving);
    this.saving = 0;
    const kept = this.code === undefined ? undefined : { code: this.code, of: plan.cell(this.id).source };
    const result = work.write(this.id, kept, over);
    if (result === "full" || result === "forbidden") {
      this.say(UNKEPT[result]);
    } else if (result === "changed elsewhere") {
      this.ask("This cell was changed in another tab, too.", {
        "Keep what is here": () => this.save(true),
        "Take the other": () => this.show(work.read(this.id)?.code),
      });
    }
  }

  /** Show what was written on an earlier visit; if the page's code is another by now, offer it. */
  async restore() {
    const kept = work.read(this.id);
    if (!kept) return;
    if (kept.of === plan.cell(this.id).source) {
      await this.show(kept.code);
      this.outdated();
      return;
    }
    this.ask("The page's code has changed since you wrote yours.", {
      "Show my code": () => {
        this.show(kept.code);
        this.save(true);
      },
      "Keep the page's": () => {
        this.lost = kept.code;
        this.marked();
        this.save(true);
      },
    });
  }

  /** Open the editor, with the caret where the reader has pressed. @param {{x: number, y: number} | undefined} at */
  async edit(at) {
    try {
      this.editor ??= this.open();
      const editor = await this.editor;
      editor.focus();
      if (at) editor.aim(at.x, at.y);
    } catch (error) {
      this.editor = undefined;
      this.say("The editor could not be loaded: check the connection and press again.");
      throw error;
    }
  }

  async open() {
    const { edit } = await import("./editor.js");
    const place = document.createElement("div");
    place.className = "editor";
    const editor = edit(place, {
      code: this.code ?? plan.cell(this.id).source,
      label: `Code of ${this.label}. Escape, then Tab leaves the editor.`,
      changed: (code) => this.changed(code),
      run: () => run(this),
      left: () => this.saving && this.save(),
    });
    this.pre.parentElement?.querySelector(".copybtn")?.remove(); // it copies what it no longer finds
    this.pre.replaceWith(place);
    const press = button(this.tools, "edit");
    if (press) press.hidden = true;
    if (!busy && !this.status.children.length) this.say(""); // it would move, and be taken for a button
    return editor;
  }

  /** The page's code again, or what this has taken away. */
  async reset() {
    const before = this.code;
    await this.show(this.lost);
    this.lost = before;
    this.marked();
    this.save();
    this.say("");
    if (before === undefined || !this.built) return;
    this.output.replaceChildren(...this.built);
    this.cell.classList.remove("tried");
    this.built = undefined;
  }

  /** Take in an output; the first one of a run takes the place of what was there. @param {Output} output @param {boolean} first */
  take(output, first) {
    const place = this.output;
    if (first) {
      this.cell.classList.remove("stale");
      this.built ??= [...place.childNodes];
      const old = place.querySelector(":scope > figure");
      const caption = old?.querySelector(":scope > figcaption");
      place.replaceChildren();
      if (old && caption) {
        const figure = /** @type {Element} */ (old.cloneNode());
        figure.append(caption.cloneNode(true));
        place.append(figure);
      }
      this.cell.classList.add("tried");
    }
    const caption = place.querySelector(":scope > figure > figcaption");
    if (!caption || !("data" in output)) {
      python.show(output, place);
      return;
    }
    // The caption stays with its figure.
    const part = document.createElement("div");
    caption.before(part);
    python.show(output, part);
  }

  /** A run is over; nothing was shown. */
  clear() {
    this.built ??= [...this.output.childNodes];
    this.output.replaceChildren();
  }
}

/** @type {Page} */
let content;
/** @type {Plan} */
let plan;
/** @type {Map<string, Place>} */
const places = new Map();
/** The cell that is running, or the last of those that wait. @type {Place | undefined} */
let busy;
let turn = 0; // grows when all that waits is given up
let queue = Promise.resolve();

/** The Python of the page. @type {import("../python/python.js").Python} */
export let python;
/** @type {Promise<void> | undefined} */
let started;

/** Prepare the page, with what the reader has written on an earlier visit; where that fails, the next call tries again. */
export function ready() {
  started ??= load().catch((error) => {
    started = undefined;
    throw error;
  });
  return started;
}

async function load() {
  /** @type {[typeof import("../python/python.js"), Response]} */
  const [{ Python }, answer] = await Promise.all([
    import(new URL(box.dataset.python ?? "", document.baseURI).href),
    fetch(page),
  ]);
  if (!answer.ok) throw new Error(`${page}: ${answer.status}`);
  content = await answer.json();
  plan = new Plan(content.cells);
  python = new Python({
    progress(left) {
      if (busy) busy.status.dataset.left = left > 0.05 ? `${left.toFixed(1)} MB left` : "";
    },
    died(reason) {
      plan.forget();
      turn++;
      busy?.say(`${reason} ${GONE}`);
    },
  });
  for (const tools of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".cell-tools[data-cell]"))) {
    const place = new Place(tools);
    places.set(place.id, place);
  }
  await Promise.all([...places.values()].map((place) => place.restore()));
  for (const label of work.passed()) mark(label);
  addEventListener("storage", ({ key }) => {
    // Another tab has written. Code that waits here to be kept is compared when it is kept.
    for (const place of places.values()) {
      if (key === work.key(place.id) && !place.saving) place.show(work.read(place.id)?.code);
    }
  });
  addEventListener("pagehide", () => {
    for (const place of places.values()) if (place.saving) place.save();
  });
}

/** What a reader knows a cell by. @param {string} code */
function firstLine(code) {
  const line = code.split("\n").find((each) => each.trim() && !each.startsWith("#")) ?? "";
  return line.length > 40 ? `${line.slice(0, 38)} …` : line;
}

/** Mark an exercise as passed. @param {string} label */
function mark(label) {
  document.getElementById(label)?.classList.add("solved");
}

/**
 * Tell the plan what the reader's own code needs.
 *
 * @returns {Promise<void>}
 */
async function analyse() {
  /** @type {Record<string, string>} */
  const codes = {};
  for (const [id, { code }] of places) if (code !== undefined) codes[id] = code;
  for (const id of plan.edited.keys()) if (codes[id] === undefined) plan.edited.delete(id);
  const fresh = Object.keys(codes).filter((id) => plan.edited.get(id)?.code !== codes[id]);
  if (!fresh.length) return;
  let text = "";
  const asked = JSON.stringify(JSON.stringify(Object.fromEntries(fresh.map((id) => [id, codes[id]]))));
  await python.run(`print(__import__("booksite.names", fromlist=["answer"]).answer(${asked}))`, {
    output: (output) => (text += output.output_type === "stream" ? output.text : ""),
  });
  const found = JSON.parse(text || "{}");
  for (const id of fresh) plan.edited.set(id, { code: codes[id], names: found[id] ?? {} });
}

/**
 * Run a cell after all that waits, and before it what it needs.
 *
 * @param {Place} place
 * @param {(place: Place) => Promise<boolean>} [action]
 */
function run(place, action = once) {
  const mine = turn;
  const press = button(place.tools, "run");
  if (place.tools.classList.contains("busy")) return;
  place.tools.classList.add("busy");
  place.cell.classList.add("stale");
  place.say(busy ? "Waiting" : "Starting Python");
  place.name(press, "Stop");
  queue = queue.then(async () => {
    if (mine === turn) {
      busy = place;
      try {
        place.say("Starting Python");
        await python.start();
        delete place.status.dataset.left;
        if (mine === turn) await action(place);
      } catch (error) {
        place.say(error instanceof Error ? error.message : String(error));
      }
      busy = undefined;
    }
    place.tools.classList.remove("busy");
    place.cell.classList.remove("stale");
    delete place.status.dataset.left;
    if (place.status.textContent === "Waiting") place.say("");
    place.name(press, place.words);
  });
}

/** Run one cell. @param {Place} place @returns {Promise<boolean>} whether it ended well */
async function once(place) {
  if (place.saving) place.save();
  let count = 0;
  await analyse();
  for (const step of plan.steps(place.id)) {
    const where = places.has(step.cell) ? `“${firstLine(step.code)}”` : "a cell that the page hides";
    place.say(`Running what it needs: ${where}`);
    place.needing = where;
    let failed = false;
    const { ok, stopped } = await python.run(step.code, {
      output(output) {
        failed ||= output.output_type === "error";
        // Such as that the page has brought a part of MNIST only, which means nothing to a check.
        const warning = output.output_type === "stream" && output.name === "stderr" && !place.exercise;
        if (failed || warning) place.take(output, count++ === 0);
      },
    });
    place.needing = undefined;
    if (stopped) return false;
    if (!ok) {
      if (failed) place.say(`This needs ${where}, which has stopped with an error.`);
      return false;
    }
    plan.ran([step]);
  }
  place.say("Running");
  return own(place, count);
}

/** Run the code of a cell, with its output below it. @param {Place} place @param {number} [count] outputs that are there */
async function own(place, count = 0) {
  const cell = plan.cell(place.id);
  let [judged, passed] = [false, false];
  const { ok, stopped } = await python.run(place.code ?? cell.source, {
    alt: place.code === undefined ? (place.cell.querySelector("svg.figure")?.getAttribute("aria-label") ?? "") : "The figure of your code",
    output(output) {
      place.take(output, count++ === 0);
      const html = "data" in output ? (output.data["text/html"] ?? "") : "";
      judged ||= html.includes('class="check');
      passed ||= html.includes('class="check passed"');
    },
  });
  if (stopped) return false;
  if (!count) place.clear();
  plan.ran(plan.units(cell));
  const end = place.exercise ? (judged ? `Checked at ${new Date().toLocaleTimeString()}` : UNJUDGED) : "Done";
  place.say(ok ? end : "Stopped with an error");
  if (place.exercise) place.output.scrollIntoView({ block: "nearest" });
  if (passed && place.exercise) {
    mark(place.exercise);
    work.pass(place.exercise, document.querySelectorAll(".exercise-cell").length);
  }
  return ok;
}

/** Run everything above a cell, what the page hides included. @param {Place} place @returns {Promise<boolean>} */
async function above(place) {
  const end = plan.cells.findIndex((cell) => cell.id === place.id);
  const mine = turn;
  for (const cell of plan.cells.slice(0, end)) {
    const shown = places.get(cell.id);
    const words = `“${firstLine(shown?.code ?? cell.source)}”`;
    // A stub that nobody has touched has nothing to say yet.
    if (cell.heavy || cell.solution || (cell.exercise && shown?.code === undefined)) continue;
    if (mine !== turn) return false;
    place.say(shown ? `Running ${words}` : "Running a cell that the page hides");
    if (shown) {
      if (!(await own(shown)) && mine === turn) {
        place.say(`${words} has stopped with an error, so what comes after it has not run.`);
        return false;
      }
    } else {
      // These hold the page's numbers and their checks, which the reader's changes may break.
      await python.run(cell.source, { output() {} });
      plan.ran(plan.units(cell));
    }
  }
  if (mine === turn) place.say("Everything above has run");
  return true;
}

/** Give up what runs and all that waits. @param {Place} place */
async function stop(place) {
  turn++;
  plan.forget();
  const during = place.needing ? ` in ${place.needing}, which this cell needs` : "";
  place.say("Stopping");
  await python.stop();
  place.say(`Stopped${during}. ${GONE}`);
}

/**
 * Do what a button asks for, or edit the code that was pressed.
 *
 * @param {Element} target
 * @param {{x: number, y: number}} [at]
 */
export async function press(target, at) {
  await ready();
  const action = /** @type {HTMLElement} */ (target).dataset.do;
  const tools = target.closest(".cell_input")?.querySelector(".cell-tools");
  const place = places.get(/** @type {HTMLElement} */ (tools)?.dataset.cell ?? "");
  const status = place?.status ?? said;
  if (status.textContent === "Loading") status.textContent = ""; // press.js says so
  if (place) {
    if (action === "run" && place.tools.classList.contains("busy")) await stop(place);
    else if (action === "run") run(place);
    else if (action === "above") run(place, above);
    else if (action === "reset") await place.reset();
    else await place.edit(at);
  } else if (action === "notebook") {
    download(`${name}-with-my-code.ipynb`, notebook(content, codes()), "application/x-ipynb+json");
    said.textContent = "The notebook is among your downloads, for Jupyter or Colab.";
  } else if (action === "save") {
    download("seeing-convolutions-work.json", allWork(here()), "application/json");
    said.textContent = "All your work is among your downloads. “Load saved work” reads it.";
  } else if (action === "load") {
    const chosen = Object.assign(document.createElement("input"), { type: "file", accept: ".json" });
    chosen.addEventListener("change", async () => chosen.files?.length && take(await chosen.files[0].text()));
    chosen.click();
  } else if (action === "forget") {
    forget();
  }
}

/** The reader's code of this page, by cell. */
function codes() {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const [id, { code }] of places) if (code !== undefined) found.set(id, code);
  return found;
}

/** The reader's code of this page, by key of the store, kept or not. */
function here() {
  return Object.fromEntries([...codes()].map(([id, code]) => [work.key(id), { code, of: plan.cell(id).source }]));
}

/** Take in a file of work. @param {string} text @param {boolean} [over] whether it replaces other code */
function take(text, over) {
  const entries = readWork(text);
  if (!entries.size) {
    said.textContent = "This file holds no work of this course: choose one from “Save all my work”.";
    return;
  }
  const others = [...entries].filter(([key, value]) => differs(key, value)).length;
  if (others && over === undefined) {
    const count = others === 1 ? "One cell has" : `${others} cells have`;
    said.replaceChildren(
      `${count} other code here. `,
      pressable("Take the file's", () => take(text, true)),
      pressable("Keep what is here", () => take(text, false)),
    );
    return;
  }
  const wanted = [...entries].filter(([key, value]) => over || !differs(key, value));
  const kept = wanted.filter(([key, value]) => keep(key, value)).length;
  for (const [key, value] of wanted) {
    const place = [...places.values()].find((each) => key === work.key(each.id));
    if (!place) continue;
    work.read(place.id);
    place.show(value.code);
    place.outdated();
  }
  for (const label of work.passed()) mark(label);
  document.dispatchEvent(new Event("convbook-work"));
  said.textContent = kept === wanted.length ? "Your work is here." : UNKEPT.forbidden;
}

/** Delete all work, after a question. */
function forget() {
  const sure = pressable("Delete it all", () => {
    forgetAll();
    for (const place of places.values()) {
      work.read(place.id);
      place.lost = undefined;
      place.show(undefined);
    }
    for (const solved of document.querySelectorAll(".exercise.solved")) solved.classList.remove("solved");
    said.textContent = "Deleted.";
  });
  const not = pressable("Keep it", () => (said.textContent = ""));
  said.replaceChildren("This deletes all your code and answers. ", sure, not);
}
