/** Work that takes long, in slices between which the page can do something else. */

const SLICE = 8; // milliseconds

/**
 * Do work that stops again and again, and let the page do something else in between.
 *
 * @template T
 * @param {Generator<void, T>} work
 * @param {() => boolean} go is asked after every slice whether to go on
 * @returns {Promise<T | undefined>} what the work returns; nothing if it was not to go on
 */
export async function inSlices(work, go = () => true) {
  for (;;) {
    for (const until = performance.now() + SLICE; performance.now() < until; ) {
      const { done, value } = work.next();
      if (done) return /** @type {T} */ (value);
    }
    await new Promise((next) => setTimeout(next));
    if (!go()) return undefined;
  }
}
