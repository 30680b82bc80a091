/** Digits as `convbook.widgets.zipped_digits` packs them. */
import { bytesOf } from "./pictures.js";

const PIXELS = 784; // of a digit

/**
 * @param {import("./pictures.js").Packed} zipped
 * @param {number} training how many come first, to train with; the others are for validation
 * @returns {Promise<Record<"training" | "validation", {labels: Uint8Array<ArrayBuffer>, images: Uint8Array<ArrayBuffer>}>>} a
 *   byte for every label and every pixel
 */
export async function unzipDigits(zipped, training) {
  const stream = new Blob([bytesOf(zipped)]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const all = bytes.length / (1 + PIXELS); // a label and the pixels for each
  const part = (/** @type {number} */ from, /** @type {number} */ to) => ({
    labels: bytes.subarray(from, to),
    images: bytes.subarray(all + PIXELS * from, all + PIXELS * to),
  });
  return { training: part(0, training), validation: part(training, all) };
}
