/** The page's end of the worker that reads drawings. */

import { PictureError } from "./digit.js";
import { workerOf } from "./workers.js";

/** @typedef {import("./source.js").Picture} Picture */
/** @typedef {{pixels: Uint8Array, note: string}} Digit 28 x 28, 0 for paper to 255; what was left out */

export class DigitReader {
  constructor() {
    /** @type {Worker | null} */
    this._worker = null;
    /** @type {{resolve: (digit: Digit) => void, reject: (error: Error) => void}[]} in their order */
    this._waiting = [];
  }

  /**
   * @param {Picture} picture
   * @returns {Promise<Digit>} rejects with a PictureError where no one digit can be read
   */
  read(picture) {
    this._worker ??= this._started();
    const worker = this._worker;
    return new Promise((resolve, reject) => {
      this._waiting.push({ resolve, reject });
      worker.postMessage(picture);
    });
  }

  _started() {
    const worker = workerOf("digit-worker");
    worker.onmessage = ({ data }) => {
      const waiting = this._waiting.shift();
      if (data.refused === undefined) waiting?.resolve(data);
      else waiting?.reject(new PictureError(data.refused));
    };
    worker.onerror = (event) => {
      this._waiting.shift()?.reject(new Error(`The drawing could not be read (${event.message}).`));
    };
    return worker;
  }
}
