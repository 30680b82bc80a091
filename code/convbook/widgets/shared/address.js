/**
 * The settings of a figure on their way to an address and back.
 *
 * What may stand in an address is said by ranges, by name. Python writes them (`InteractiveFigure.settings`), so that both
 * sides have the same limits.
 *
 * @typedef {Record<string, any>} Settings by the names of the figure's traits
 * @typedef {(name: string) => any} Traits of the figure, by name
 * @typedef {object} Range what a setting may be; one of the kinds that follow
 * @property {boolean} [flag] true or false
 * @property {any[]} [values] one of these
 * @property {number} [min] a number from here
 * @property {number} [max] to here
 * @property {boolean} [whole] without a fraction
 * @property {Record<string, [number, number]>} [places] a layer, map or unit of a network; maps and rows of every layer
 * @property {string} [images] the number of one of the images in the trait that is called so
 * @property {Range} [each] several, with commas between them
 * @property {number} [most] so many at most
 * @property {number[][]} [shapes] they are an array of one of these shapes
 * @property {boolean} [words] they are a text with spaces between them
 * @property {Record<string, Range>} [parts] each of several has these parts, with dots between them
 * @property {string} [named] or the name of one in the trait that is called so, or how it begins
 * @property {string[]} [names] of these, in the order in which a beginning is looked for
 * @property {string} [trait] that is set, if it is not the one of the setting's own name
 */
import { imageAt, pack, same, unpack } from "./pictures.js";

const NUMBER = /^-?(\d{1,12}|\d{0,12}\.\d{1,20})(e-?\d{1,2})?$/;
const PLACE = /^(\w+)(?:\/(\d+)(?:\/(\d+),(\d+))?)?$/;
const REPEATED = 30; // letters of a wrong value that a message repeats

/**
 * Read a setting that came from outside.
 *
 * @param {Range} range of a flag, values or a number
 * @param {any} value a text where it comes from an address
 * @returns {any} undefined if the setting cannot have the value
 */
export function settingOf({ values, min = 0, max = 0, flag, whole }, value) {
  if (flag) return { true: true, false: false }[String(value)];
  if (values) return values.find((each) => String(each) === String(value));
  const number = typeof value === "number" || NUMBER.test(value) ? Number(value) : NaN;
  return number >= min && number <= max && (!whole || Number.isInteger(number)) ? number : undefined;
}

/**
 * Read any setting of an address.
 *
 * @param {Range} range
 * @param {string} text
 * @param {Traits} get
 * @returns {any} as the trait has it; undefined if it cannot
 */
function read(range, text, get) {
  const { places, images, each, parts, named, names } = range;
  if (places) {
    const [, layer, ...at] = PLACE.exec(text) ?? [];
    if (!text) return text;
    if (!Object.hasOwn(places, layer ?? "")) return undefined;
    const [maps, size] = places[layer];
    return at.every((number, i) => number === undefined || Number(number) < (i === 0 ? maps : size)) ? text : undefined;
  }
  if (images) {
    const all = unpack(get(images));
    const at = settingOf({ min: 0, max: all.shape[0] - 1, whole: true }, text);
    return at === undefined ? undefined : pack(imageAt(all, at).data, all.shape.slice(1));
  }
  if (named) {
    const known = get(named);
    const beginning = (/** @type {string} */ name) => text.length > 2 && name.startsWith(text);
    const name = Object.hasOwn(known, text) ? text : (names ?? Object.keys(known)).find(beginning);
    if (name !== undefined) return each ? built(range, known[name]) : known[name];
  }
  if (!each && !parts) return named ? undefined : settingOf(range, text);
  const found = text === "" ? [] : text.split(",").map((part) => (parts ? record(parts, part) : settingOf(/** @type {Range} */ (each), part)));
  return found.includes(undefined) ? undefined : built(range, found);
}

/**
 * @param {Record<string, Range>} parts
 * @param {string} text
 */
function record(parts, text) {
  const [names, texts] = [Object.keys(parts), text.split(".")];
  const found = names.map((name, i) => [name, settingOf(parts[name], texts[i] ?? "")]);
  return texts.length === names.length && found.every(([, value]) => value !== undefined) ? Object.fromEntries(found) : undefined;
}

/**
 * Put several values together as their trait has them.
 *
 * @param {Range} range
 * @param {any[]} found perhaps in rows
 */
function built({ shapes, most = 0, words }, found) {
  if (shapes) {
    const numbers = found.flat();
    const shape = shapes.find((sides) => sides.reduce((a, b) => a * b) === numbers.length);
    return shape && pack(numbers, shape);
  }
  if (found.length > most || new Set(found).size < found.length) return undefined;
  return words ? found.join(" ") : found;
}

/**
 * Write a setting as a text of an address.
 *
 * @param {Range} range
 * @param {any} value as the trait has it
 * @param {Traits} get
 * @returns {string | undefined} nothing if no text says it, such as a digit that somebody has drawn
 */
function written({ images, each, shapes, words, parts, named }, value, get) {
  if (images) {
    const all = unpack(get(images));
    const image = unpack(value).data;
    const at = Array.from({ length: all.shape[0] }, (_, i) => i).find((i) => same(imageAt(all, i).data, image));
    return at === undefined ? undefined : String(at);
  }
  if (named) {
    const alike = (/** @type {any} */ known) => (shapes ? same(known.flat(), unpack(value).data) : JSON.stringify(known) === JSON.stringify(value));
    const pictures = !each && !parts;
    const known = Object.entries(get(named)).find(([, its]) => (pictures ? same(unpack(its).data, unpack(value).data) : alike(its)));
    if (known) return known[0];
    if (pictures) return undefined;
  }
  if (parts) return value.map((/** @type {any} */ its) => Object.keys(parts).map((part) => its[part]).join(".")).join(",");
  if (shapes) return Array.from(unpack(value).data, shortest).join(",");
  if (words) return value.split(" ").filter(Boolean).join(",");
  return String(value);
}

/**
 * The shortest number that is the same in the 32 bits of an array.
 *
 * @param {number} value
 */
function shortest(value) {
  let digits = 1;
  while (Math.fround(Number(value.toPrecision(digits))) !== value) digits++;
  return String(Number(value.toPrecision(digits)));
}

/**
 * Say what a setting may be, to a reader.
 *
 * @param {Range} range
 * @param {Traits} get
 * @returns {string}
 */
function wordsOf({ values, min, max, flag, whole, places, images, each, most, shapes, parts, named, names }, get) {
  if (flag) return "true or false";
  if (values) return `one of ${values.join(", ")}`;
  if (places) return `a layer, a map or a unit of the network, such as ${Object.keys(places)[0]}, ${Object.keys(places)[0]}/0 or ${Object.keys(places)[0]}/0/4,7`;
  if (images) return `a whole number from 0 to ${get(images).shape[0] - 1}`;
  const name = named ? `a name such as “${(names ?? Object.keys(get(named)))[0]}”` : "";
  const or = named ? `${name}, or ` : "";
  if (parts) return `${or}up to ${most} entries with commas between them, each ${Object.keys(parts).join(".")}`;
  if (each) {
    const counts = shapes?.map((sides) => sides.reduce((a, b) => a * b)).join(" or ") ?? `up to ${most}`;
    return `${or}${counts} values with commas between them, each ${wordsOf(each, get)}`;
  }
  return name || `a ${whole ? "whole " : ""}number from ${min} to ${max}`;
}

/**
 * Take the settings out of an address, and say what was wrong with the others.
 *
 * @param {string} text as `settingsText` writes it
 * @param {Record<string, Range>} ranges
 * @param {Traits} [get]
 * @returns {{settings: Settings, problems: string[]}}
 */
export function settingsFrom(text, ranges, get = () => ({})) {
  /** @type {Settings} */
  const settings = {};
  const problems = [];
  for (const [name, value] of new URLSearchParams(text)) {
    const range = Object.hasOwn(ranges, name) ? ranges[name] : undefined;
    const found = range && read(range, value, get);
    if (found !== undefined) settings[range?.trait ?? name] = found;
    else if (!range) problems.push(`there is no setting “${name.slice(0, REPEATED)}”`);
    else problems.push(`${name} must be ${wordsOf(range, get)}, not “${value.slice(0, REPEATED)}”`);
  }
  return { settings, problems };
}

/**
 * Say in one sentence what cannot be used of an address.
 *
 * @param {string[]} problems
 */
export function refusal(problems) {
  return problems.length ? `Part of this link cannot be used: ${problems.slice(0, 3).join("; ")}.` : "";
}

/** What stands after the # of the address; nothing where that is no text. */
export function hashText() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

/**
 * Write what a figure shows as texts, by the names of its settings.
 *
 * @param {Record<string, Range>} ranges
 * @param {Traits} get
 * @returns {Record<string, string>} without those that no text says
 */
export function textsOf(ranges, get) {
  const texts = Object.entries(ranges).map(([name, range]) => [name, written(range, get(range.trait ?? name), get)]);
  return Object.fromEntries(texts.filter(([, text]) => text !== undefined));
}

/**
 * @param {Settings} settings
 * @returns {string} for an address; commas and slashes, which mean nothing there, stay readable
 */
export function settingsText(settings) {
  const text = new URLSearchParams(Object.entries(settings).map(([name, value]) => [name, String(value)])).toString();
  return text.replaceAll("%2C", ",").replaceAll("%2F", "/");
}
