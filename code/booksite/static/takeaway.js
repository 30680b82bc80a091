/**
 * A figure on a page of its own: its settings in the address, its height for the page around its frame, and the code
 * that puts it into such a page. And in the book, the link that leads to that page.
 */
import { refusal, settingsFrom, settingsText, textsOf } from "../../convbook/widgets/shared/address.js";

/** @typedef {Record<string, import("../../convbook/widgets/shared/address.js").Range>} Ranges */

const PAUSE = 500; // milliseconds: browsers refuse an address that changes more often than a hundred times in half a minute
const OWN = "figure"; // the id of the figure on its own page
const HEIGHT = "seeing-convolutions:height";
/** @type {Ranges} */
const LOOK = { theme: { values: ["light", "dark"] } };

/** @param {HTMLElement} place */
function host(place) {
  return import(new URL(place.dataset.host ?? "", document.baseURI).href);
}

/**
 * Bring the figure of a page to life, as the address wants it.
 *
 * @param {HTMLElement} place
 */
async function live(place) {
  /** @type {Ranges} */
  const ranges = JSON.parse(place.dataset.settings ?? "{}");
  const soon = window === parent ? offer() : tellHeight();
  const press = place.querySelector(".load"); // of a figure that takes much
  if (press) await new Promise((resolve) => press.addEventListener("click", resolve));
  press?.remove();
  const { mount } = await host(place);
  await mount(place, (/** @type {import("../../convbook/widgets/shared/elements.js").Model} */ model) => {
    const get = (/** @type {string} */ name) => model.get(name);
    const first = textsOf(ranges, get);
    const { settings, problems } = settingsFrom(location.search, { ...LOOK, ...ranges }, get);
    const { theme, ...wanted } = settings;
    for (const [name, value] of Object.entries(wanted)) model.set(name, value);
    part(".problem").textContent = refusal(problems);
    const follow = () =>
      soon?.(() => {
        const changed = Object.entries(textsOf(ranges, get)).filter(([name, text]) => text !== first[name]);
        return settingsText({ ...(theme && { theme }), ...Object.fromEntries(changed) });
      });
    model.on("change", follow);
    follow();
  });
}

/**
 * Offer the link and the code to copy, and keep both and the address as the figure is.
 *
 * @returns {(query: () => string) => void} to be called when the figure has changed, with what writes its settings
 */
function offer() {
  let query = () => location.search.slice(1);
  const show = () => {
    const text = query();
    const hash = shownIn(location.hash);
    const address = `${location.origin}${location.pathname}${text && !hash ? `?${text}` : ""}${hash}`;
    if (address !== location.href) history.replaceState(history.state, "", address);
    part("#take-link").value = address;
    part("#take-code").value = codeFor(address, document.title, Math.ceil(part("main").getBoundingClientRect().height));
  };
  let waiting = 0;
  const soon = () => (waiting ||= window.setTimeout(() => ((waiting = 0), show()), PAUSE));
  show();
  new ResizeObserver(soon).observe(part("main"));
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-copies]"))) {
    button.addEventListener("click", () => {
      show();
      copy(part(`#${button.dataset.copies}`));
    });
  }
  return (now) => {
    query = now;
    soon();
  };
}

/**
 * Write the code that puts a figure into a page: a frame, and a script that gives it the height of what is in it.
 *
 * @param {string} address
 * @param {string} title
 * @param {number} height in pixels
 */
function codeFor(address, title, height) {
  const quoted = (/** @type {string} */ text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  return `<iframe src="${quoted(address)}" title="${quoted(title)}" width="100%" height="${height}" style="border: 0" loading="lazy"></iframe>
<script>
  addEventListener("message", ({ data, source }) => {
    if (data?.type !== "${HEIGHT}") return;
    for (const frame of document.querySelectorAll("iframe"))
      if (frame.contentWindow === source) frame.height = data.height;
  });
</script>`;
}

/** @param {HTMLInputElement} field */
async function copy(field) {
  const said = part(".copied");
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    said.textContent = "Copied.";
  } catch {
    said.textContent = "The browser does not let this page copy. The text is selected: copy it with your keyboard.";
  }
}

/**
 * Tell the page around the frame how high the figure is, now and whenever that changes.
 *
 * @returns {undefined} because nobody sees the address of a frame
 */
function tellHeight() {
  new ResizeObserver(() => {
    const { height } = document.body.getBoundingClientRect();
    parent.postMessage({ type: HEIGHT, height: Math.ceil(height) }, "*");
  }).observe(document.body);
}

/**
 * Let the link below a figure of the book take along what the reader has set.
 *
 * @param {HTMLAnchorElement} link
 * @param {HTMLElement} place
 */
async function refresh(link, place) {
  const { modelAt } = await host(place);
  const model = modelAt(place);
  if (!model) return; // it is not alive yet
  const shown = "keepsAddress" in link.dataset ? shownIn(location.hash, link.closest("figure")?.id) : "";
  if (shown) link.hash = `#${OWN}${shown.slice(shown.indexOf(":"))}`;
  else link.search = settingsText(textsOf(JSON.parse(link.dataset.settings ?? "{}"), (name) => model.get(name)));
}

/**
 * What a figure has written into an address by itself, as the strip does: "#figure:conv5/3;digit=4".
 *
 * @param {string} hash
 * @param {string} [id] of the figure
 * @returns {string} empty where it is something else, such as settings, which have their own place in a link
 */
function shownIn(hash, id = OWN) {
  const [name, ...rest] = hash.slice(1).split(":");
  return name === id && rest.length ? hash : "";
}

/**
 * @param {string} selector
 * @returns {any}
 */
function part(selector) {
  return document.querySelector(selector);
}

export default { live, refresh };
