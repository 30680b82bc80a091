// The parts of Bootstrap that pages use: menus, tooltips, and the entry of the contents where the reader is. The theme
// brings all of it, one and a half times as large. Bundled by deliver.mjs.
import "bootstrap/js/src/dropdown.js";
import ScrollSpy from "bootstrap/js/src/scrollspy.js";
import Tooltip from "bootstrap/js/src/tooltip.js";

// To follow the reader, Bootstrap lays out the whole page at its start: only where the contents stand beside the text.
const beside = matchMedia("(min-width: 1200px)");
if (!beside.matches) {
  document.body.removeAttribute("data-bs-spy");
  beside.addEventListener("change", () => ScrollSpy.getOrCreateInstance(document.body), { once: true });
}
// A finger does not hover, and each tooltip delays the start.
if (matchMedia("(any-hover: hover)").matches) {
  for (const place of document.querySelectorAll('[data-bs-toggle="tooltip"]')) {
    new Tooltip(place, { delay: { show: 500, hide: 100 } });
  }
}
