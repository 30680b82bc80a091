/** What a reader takes along from the trainer: the network as a file, and the settings as a link. */
import { button, element } from "./elements.js";
import { download, readRun } from "./run_file.js";
import { hashOf, layersOf, rangesOf, settingsOf } from "./trainer_settings.js";

/** @typedef {import("./trainer_run.js").Run} Run */

const FILE = "my-network.json";
const LONGEST = 40; // letters of a file's name that are repeated

/**
 * A row of buttons, and the place for what came of them, `noted`.
 *
 * @param {import("./elements.js").Model} model
 * @param {string} anchor of the figure; empty where its settings cannot be in an address
 * @param {() => Run | null} now the run that can be saved
 * @param {(saved: import("./run_file.js").Trained, file: string) => void} opened gets what was in a file
 */
export function fileButtons(model, anchor, now, opened) {
  const first = settingsOf(model); // before anybody changes them
  const noted = element("p", { class: "noted", role: "status" });
  const note = (/** @type {string} */ sentence, wrong = false) => {
    noted.textContent = sentence;
    noted.classList.toggle("wrong", wrong);
  };
  const save = button("Save the network", () => {
    const run = now();
    if (!run?.weights) return;
    download({ ...run, weights: run.weights }, FILE);
    run.saved = true;
    note(`Saved as ${FILE}, where your browser keeps downloads: the network as it was after epoch ${run.history.length}.`);
  });
  const read = async () => {
    const file = picker.files?.[0];
    picker.value = ""; // so that the same file can be opened again
    if (!file) return;
    const name = file.name.slice(0, LONGEST);
    try {
      opened(await readRun(file, rangesOf(model), (settings) => layersOf(model, settings)), name);
      note(`${name} is open. Above are its network and its settings.`);
    } catch (error) {
      note(error instanceof RangeError ? error.message : `The file could not be read (${/** @type {Error} */ (error).message}).`, true);
    }
  };
  const picker = element("input", { type: "file", accept: ".json,application/json", hidden: true, onchange: read });
  const open = button("Open a saved network", () => picker.click());
  const share = button("Copy a link with these settings", async () => {
    history.replaceState(history.state, "", hashOf(anchor, settingsOf(model), first));
    try {
      await navigator.clipboard.writeText(location.href);
      note("The link is copied. Whoever opens it finds your settings.");
    } catch {
      note("The address of this page now has your settings: copy it from there.");
    }
  });
  share.hidden = !anchor;
  return Object.assign(element("div", { class: "buttons" }, save, open, share, picker), {
    noted,
    note,
    show(/** @type {boolean} */ busy) {
      save.disabled = !now()?.weights;
      open.disabled = busy;
    },
  });
}
