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
 * @typedef {{origin: number, later: string[]}} Value where it comes from, and the names that its functions use
 * @typedef {Map<string, Value>} Values by name
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
    /** @type {Values} */
    this.values = new Map();
    /** The numbers of all origins. @type {Map<string, number>} */
    this.origins = new Map();
  }

  /** Python has ended, and all values with it. */
  forget() {
    this.values.clear();
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

  /** The units above a cell that may give it values. @param {Cell} target @returns {Unit[]} */
  before(target) {
    return this.cells
      .slice(0, this.cells.indexOf(target))
      .filter((cell) => target.solution || !cell.solution)
      .flatMap((cell) => this.units(cell));
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
    const before = this.before(target);
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
   * The units that have to run before a cell: none where it would find the values that these give it, else all of them.
   *
   * @param {string} id
   * @returns {Unit[]}
   */
  steps(id) {
    const needed = [...this.needed(id).keys()];
    /** @type {Values} */
    const values = new Map();
    for (const each of needed) this.run(each, values);
    const own = this.units(this.cell(id));
    const [wanted, found] = [values, new Map(this.values)].map((start) => own.map((each) => this.run(each, start)));
    return String(wanted) === String(found) ? [] : needed;
  }

  /** Note that units have run. @param {Unit[]} units */
  ran(units) {
    for (const each of units) this.run(each, this.values);
  }

  /**
   * Follow what a unit does to the names: what it writes comes from its code and from all that it finds.
   *
   * @param {Unit} unit
   * @param {Values} values
   * @returns {number} the origin of what it writes
   */
  run({ cell, code, binds = [], changes = [], uses = [], later = [] }, values) {
    const above = this.before(this.cell(cell));
    const given = new Set(above.flatMap(({ binds = [], changes = [] }) => [...binds, ...changes]));
    const met = new Set([...uses, ...later]);
    for (const name of met) for (const more of values.get(name)?.later ?? []) met.add(more);
    const found = [...met].filter((name) => given.has(name)).sort();
    const origin = this.number(cell, code, ...found.map((name) => `${name} ${values.get(name)?.origin}`));
    for (const name of binds) values.set(name, { origin, later });
    for (const name of changes) {
      const old = values.get(name) ?? { origin: 0, later: [] };
      values.set(name, { origin: this.number(`${origin} ${old.origin}`), later: [...old.later, ...later] });
    }
    return origin;
  }

  /** The number of an origin, the same whenever it comes again. @param {...string} parts @returns {number} */
  number(...parts) {
    const key = parts.join("\n");
    const known = this.origins.get(key) ?? this.origins.size + 1;
    this.origins.set(key, known);
    return known;
  }
}
