/**
 * What has to run before a cell, so that it finds the values of the page.
 *
 * A unit is code that runs as a whole: a cell, or one import of a cell with imports. Its names were found from its code
 * by `booksite.names`.
 *
 * @typedef {{binds?: string[], changes?: string[], uses?: string[], later?: string[]}} Names names that get a new value,
 *   whose values change, that have to exist before, and that functions use when they are called
 * @typedef {Names & {code?: string}} Part of a cell; without code it is the whole cell
 * @typedef {{
 *   type: "code" | "markdown", id: string, source: string,
 *   units?: Part[], exercise?: string, solution?: string, heavy?: boolean
 * }} Cell of a page, as `booksite.cells` describes it
 * @typedef {Names & {cell: string, code: string}} Unit
 */

/** @param {string} cell @param {Part} part @param {string} code @returns {Unit} */
const unit = (cell, part, code) => ({ ...part, cell, code });

/** Which cells of a page have run, and which are needed next. */
export class Plan {
  /** @param {Cell[]} cells */
  constructor(cells) {
    this.cells = cells.filter((cell) => cell.type === "code");
    /** The reader's own code by cell, with its names. @type {Map<string, {code: string, names: Names}>} */
    this.edited = new Map();
    /** Who has written a name since it got a new value, the last one last. @type {Map<string, string[]>} */
    this.written = new Map();
  }

  /** Python has ended, and all values with it. */
  forget() {
    this.written.clear();
  }

  /** @param {string} id */
  cell(id) {
    const found = this.cells.find((cell) => cell.id === id);
    if (!found) throw new Error(`this page has no cell ${id}`);
    return found;
  }

  /** The units of a cell as it is now. @param {Cell} cell @returns {Unit[]} */
  units(cell) {
    const own = this.edited.get(cell.id);
    if (own) return [unit(cell.id, own.names, own.code)];
    return (cell.units ?? []).map((part) => unit(cell.id, part, part.code ?? cell.source));
  }

  /**
   * Go back from a cell to the units that give its names their values, and to what these need in turn.
   *
   * What a solution gives is needed by solutions only, because a page may lack it, and a reader's own comes first.
   *
   * @param {string} id
   * @returns {Map<Unit, Set<string>>} in the order in which they run, each with the names that it is needed for
   */
  needed(id) {
    const target = this.cell(id);
    const before = this.cells
      .slice(0, this.cells.indexOf(target))
      .filter((cell) => target.solution || !cell.solution)
      .flatMap((cell) => this.units(cell));
    /** @type {Set<string>} */
    const bound = new Set();
    /** @type {Set<string>} */
    const called = new Set();
    /** @type {Set<string>} */
    const uses = new Set();
    for (const each of this.units(target)) {
      for (const name of [...(each.uses ?? []), ...(each.later ?? [])]) if (!bound.has(name)) uses.add(name);
      for (const name of each.binds ?? []) bound.add(name);
    }
    for (;;) {
      const wanted = new Set([...uses, ...called]);
      /** @type {[Unit, Set<string>][]} */
      const found = [];
      for (const each of before.toReversed()) {
        const names = [...(each.binds ?? []), ...(each.changes ?? [])].filter((name) => wanted.has(name));
        if (!names.length) continue;
        found.unshift([each, new Set(names)]);
        for (const name of each.binds ?? []) wanted.delete(name);
        for (const name of each.uses ?? []) wanted.add(name);
      }
      // A function of an earlier unit meets the values that its names have when it is called.
      const later = found.flatMap(([each]) => each.later ?? []).filter((name) => !bound.has(name) && !called.has(name));
      if (!later.length) return new Map(found);
      for (const name of later) called.add(name);
    }
  }

  /**
   * The units that have to run before a cell: none where every name that it needs has its value from the right ones,
   * else all of them.
   *
   * @param {string} id
   * @returns {Unit[]}
   */
  steps(id) {
    const needed = this.needed(id);
    /** @type {Map<string, string[]>} */
    const wanted = new Map();
    for (const [each, names] of needed) {
      for (const name of names) {
        const before = each.binds?.includes(name) ? [] : (wanted.get(name) ?? []);
        wanted.set(name, [...before, mark(each)]);
      }
    }
    const ready = [...wanted].every(([name, marks]) => String(marks) === String(this.written.get(name)));
    return ready ? [] : [...needed.keys()];
  }

  /** Note that units have run. @param {Unit[]} units */
  ran(units) {
    for (const each of units) {
      for (const name of each.binds ?? []) this.written.set(name, [mark(each)]);
      for (const name of each.changes ?? []) this.written.set(name, [...(this.written.get(name) ?? []), mark(each)]);
    }
  }
}

/** @param {Unit} unit */
const mark = ({ cell, code }) => `${cell}\n${code}`;
