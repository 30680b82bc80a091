/** The editor of a cell, loaded at the first edit. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { HighlightStyle, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const COLORS = HighlightStyle.define([
  { tag: [tags.keyword, tags.bool, tags.null, tags.self], color: "var(--sc-code-word)", fontWeight: "600" },
  { tag: [tags.string, tags.number], color: "var(--sc-code-text)" },
  { tag: tags.comment, color: "var(--sc-quiet)", fontStyle: "italic" },
  { tag: [tags.function(tags.definition(tags.variableName)), tags.definition(tags.className)], fontWeight: "600" },
]);

const THEME = EditorView.theme({
  "&": { color: "var(--sc-ink)", fontSize: "inherit" },
  "&.cm-focused": { outline: "none" }, // the cell shows it
  ".cm-content": { caretColor: "var(--sc-ink)", padding: "0" },
  ".cm-line": { padding: "0 0 0 2ch", textIndent: "-2ch" }, // what wraps hangs, as it begins no line of Python
  ".cm-scroller": { fontFamily: "inherit", lineHeight: "inherit" },
  ".cm-cursor": { borderLeftColor: "var(--sc-ink)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "color-mix(in srgb, var(--sc-action) 30%, transparent)",
  },
  "&.cm-focused .cm-matchingBracket": { background: "none", outline: "1px solid var(--sc-edge)" },
});

/**
 * Put an editor into a place.
 *
 * @param {HTMLElement} place
 * @param {{code: string, label: string, changed: (code: string) => void, run: () => void, left: () => void}} options
 *   what stands in it, what it is called, and what to do at a change, at Shift or Control with Enter, and when it is left
 */
export function edit(place, { code, label, changed, run, left }) {
  const runIt = { run: () => (run(), true) };
  // The page's own keys, such as / for its search, are letters here.
  place.addEventListener("keydown", (event) => event.stopPropagation());
  const view = new EditorView({
    parent: place,
    state: EditorState.create({
      doc: code,
      extensions: [
        keymap.of([
          { key: "Shift-Enter", ...runIt },
          { key: "Mod-Enter", ...runIt },
          ...defaultKeymap,
          ...historyKeymap,
          indentWithTab,
        ]),
        history(),
        drawSelection(),
        python(),
        indentUnit.of("    "),
        indentOnInput(),
        EditorView.lineWrapping,
        bracketMatching(),
        syntaxHighlighting(COLORS),
        THEME,
        EditorView.contentAttributes.of({ "aria-label": label }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) changed(update.state.doc.toString());
        }),
        EditorView.domEventHandlers({ blur: () => left() }),
      ],
    }),
  });
  return {
    focus: () => view.focus(),
    /** Put the caret where the reader has pressed. @param {number} x @param {number} y */
    aim(x, y) {
      const at = view.posAtCoords({ x, y }, false);
      view.dispatch({ selection: { anchor: at } });
    },
    /** @param {string} text */
    set: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
  };
}
