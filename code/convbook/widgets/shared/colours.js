/** The colours of the tokens, as the page around a figure has them now. */

const probe = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));

/**
 * Read a colour.
 *
 * @param {string} name
 * @returns {string} as #rrggbb
 */
export function colourOf(name) {
  probe.fillStyle = "#000000"; // where there are no tokens
  probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(`--sc-${name}`).trim();
  return probe.fillStyle;
}

/**
 * Its parts of red, green and blue.
 *
 * @param {string} colour as #rrggbb
 * @returns {[number, number, number]}
 */
export function rgb(colour) {
  const part = (/** @type {number} */ at) => parseInt(colour.slice(at, at + 2), 16);
  return [part(1), part(3), part(5)];
}

/**
 * A colour as the four bytes of a pixel; every machine that runs a browser has the lowest byte first.
 *
 * @param {[number, number, number]} colour
 * @param {number} opacity
 */
export function word([red, green, blue], opacity = 0) {
  return red + green * 2 ** 8 + blue * 2 ** 16 + opacity * 2 ** 24;
}

/**
 * Call back whenever the page turns light or dark. The theme is written on one of two elements: by the site, JupyterLab,
 * VS Code and Colab.
 *
 * @param {() => void} turned
 * @returns {() => void} stops it
 */
export function onTurn(turned) {
  const themes = new MutationObserver(turned);
  for (const place of [document.documentElement, document.body]) {
    themes.observe(place, { attributeFilter: ["data-theme", "data-jp-theme-light", "class", "theme"] });
  }
  return () => themes.disconnect();
}
