/**
 * Reads drawings in a Web Worker, as one takes a tenth of a second: the page stays smooth. To it: a
 * Picture. From it, in the same order: {pixels, note}, or {refused}, a sentence.
 */

import { PictureError, readDigit } from "./digit.js";

self.onmessage = (/** @type {MessageEvent<import("./source.js").Picture>} */ event) => {
  try {
    self.postMessage(readDigit(event.data));
  } catch (error) {
    if (!(error instanceof PictureError)) throw error;
    self.postMessage({ refused: error.message });
  }
};
