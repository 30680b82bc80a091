/**
 * Python in the page: starts a worker with Pyodide, runs code in its one namespace, and hands back what a notebook would
 * show. Nothing of it is loaded before somebody asks for it.
 *
 * @typedef {{output_type: "stream", name: "stdout" | "stderr", text: string}} Stream printed text, as it comes
 * @typedef {{
 *   output_type: "display_data" | "execute_result", data: Record<string, any>, metadata: Record<string, any>
 * }} Shown a value by mime type: text/plain always; text/html, image/svg+xml (already in the colours of the page, to be
 *   put into it as it is), image/png (base64), or application/vnd.jupyter.widget-view+json of a live figure
 * @typedef {{output_type: "error", ename: string, evalue: string, traceback: string[]}} Failure in plain text, one entry
 *   for each line
 * @typedef {Stream | Shown | Failure} Output
 * @typedef {{ok: boolean, stopped?: boolean}} Ended how a run ended; after `stop`, as `{ok: false, stopped: true}`
 */

/** One Python for the page. */
export class Python {
  /**
   * @param {{progress?: (megabytesLeft: number) => void, died?: (reason: string) => void}} told what is left to load, at
   *   any time something is loading, down to 0; and, in a sentence for the reader, that Python has ended by itself:
   *   all variables are gone, and the next `run` starts another
   */
  constructor({ progress = () => {}, died = () => {} } = {}) {}

  /**
   * Load Python; returns when it is ready. May be called again at any time; `run` does it by itself.
   *
   * @returns {Promise<void>} rejected with a sentence for the reader, such as that there is no connection
   */
  async start() {}

  /**
   * Run code like a cell of a notebook, after everything that was asked before.
   *
   * @param {string} code
   * @param {{output: (output: Output) => void, alt?: string}} options `alt` describes a figure that the code draws
   * @returns {Promise<Ended>} never rejected: what goes wrong is an output
   */
  async run(code, { output, alt = "" }) {
    return { ok: true };
  }

  /**
   * End what runs, and all that waits; all variables are gone. Starts anew.
   *
   * @returns {Promise<void>} when the new one is ready
   */
  async stop() {}

  /**
   * Put what a run has shown into the page: text, tables, figures, verdicts and errors, and live figures through the
   * page's host.
   *
   * @param {Output} output
   * @param {HTMLElement} place at whose end it is put; text that follows text goes into the same element
   */
  show(output, place) {}
}
