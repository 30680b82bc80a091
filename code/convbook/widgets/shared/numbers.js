/** Numbers as people read them: rounded, with a true minus instead of a hyphen, and never as −0. */

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/**
 * Replace the hyphens of a number by true minus signs.
 *
 * @param {string} text
 */
export function minus(text) {
  return text.replaceAll("-", "−");
}

/**
 * Read what somebody has typed, with either sign for the minus; NaN where it is no number.
 *
 * @param {string} text
 */
export function typed(text) {
  return text.trim() === "" ? NaN : Number(text.replaceAll("−", "-"));
}

/**
 * Write a number, with commas between its thousands if it is whole. The first call of `toLocaleString` would cost a phone a tenth
 * of a second.
 *
 * @param {number} value
 */
export function grouped(value) {
  return minus(String(value).replace(/\B(?=(\d{3})+$)/g, value % 1 ? "" : ","));
}

/**
 * Write a number with at most three decimals, or fewer.
 *
 * @param {number} value
 * @param {number} decimals
 */
export function short(value, decimals = 3) {
  return minus(String(Number(value.toFixed(decimals)) || 0));
}

/**
 * Write a number with two decimals.
 *
 * @param {number} value
 */
export function signed(value) {
  return minus((Math.round(100 * value) / 100 || 0).toFixed(2));
}

/**
 * Write a number with as many digits as a place for four has room for.
 *
 * @param {number} value
 */
export function number(value) {
  const size = Math.abs(value);
  const text = size >= 100 ? size.toFixed(0) : size >= 10 ? size.toFixed(1) : size.toFixed(size >= 1 ? 2 : 3);
  return size === 0 ? "0" : (value < 0 && Number(text) !== 0 ? "−" : "") + text;
}

/**
 * Write a number as something that is added or taken away.
 *
 * @param {number} value
 */
export function term(value) {
  return `${value < 0 ? "−" : "+"} ${number(Math.abs(value))}`;
}

/**
 * Write a number so short that hundreds of them fit.
 *
 * @param {number} value
 */
export function brief(value) {
  const text = Math.abs(value).toFixed(Math.abs(value) < 10 ? 2 : 0).replace(/^0\./, ".");
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/**
 * Write a number with some significant digits; a very small or large one with a power of ten.
 *
 * @param {number} value
 * @param {number} digits
 */
export function precise(value, digits = 2) {
  const [front, power] = value.toPrecision(digits).split("e");
  return minus(power ? `${front} · ${powerOfTen(Number(power))}` : front);
}

/**
 * Write a power of ten.
 *
 * @param {number} exponent
 */
export function powerOfTen(exponent) {
  return `10${exponent < 0 ? "⁻" : ""}${Array.from(String(Math.abs(exponent)), (digit) => RAISED[Number(digit)]).join("")}`;
}

/**
 * Write a digit with its article.
 *
 * @param {number} digit
 */
export function withArticle(digit) {
  return digit === 8 ? `an ${digit}` : `a ${digit}`;
}
