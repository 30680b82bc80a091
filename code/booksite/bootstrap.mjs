// The parts of Bootstrap that pages use: menus, tooltips, and the entry of the contents where the reader is. The theme
// brings all of it, one and a half times as large. Bundled by deliver.mjs.
import "bootstrap/js/src/dropdown.js";
import "bootstrap/js/src/scrollspy.js";
import Tooltip from "bootstrap/js/src/tooltip.js";

for (const place of document.querySelectorAll('[data-bs-toggle="tooltip"]')) {
  new Tooltip(place, { delay: { show: 500, hide: 100 } });
}
