/** What `glyphite export --page` writes into the page, and the inputs and answers by it. */

import { PictureError, readDigit, SIDE } from "./digit.js";
import { rint } from "./digit/plane.js";

/** @typedef {import("./source.js").Answer} Answer */
/** @typedef {import("./source.js").ModelInfo} ModelInfo */
/** @typedef {import("./source.js").Picture} Picture */
/** @typedef {import("./source.js").Sample} Sample */
/** @typedef {import("./source.js").Values} Values */

/**
 * @typedef {object} Facts
 * @property {string} name of the model
 * @property {string} sha256 of its .tflite
 * @property {string} board that the firmware is of
 * @property {string} boardTitle for people
 * @property {number} baud
 * @property {string} flash the sketch from address 0 on, base64
 * @property {ModelInfo} model
 * @property {"shares" | "logits" | "values"} scores what an output means
 * @property {Quantization} input
 * @property {Quantization} output
 * @property {Preprocessing} preprocessing
 * @property {string} reference whose bytes the samples have
 * @property {StoredSample[]} samples
 */

/**
 * @typedef {object} Quantization
 * @property {string} dtype int8 or float32
 * @property {number} scale
 * @property {number} zeroPoint
 */

/**
 * @typedef {object} Preprocessing
 * @property {number} divisor
 * @property {number[]} mean
 * @property {number[]} deviation
 * @property {boolean} turned blue first
 */

/**
 * @typedef {object} StoredSample
 * @property {string} label
 * @property {string} tensor what the model takes, base64
 * @property {string} answer the bytes that the PC gives, base64
 * @property {string} [pixels] of a picture, base64
 * @property {number[]} [values]
 */

/** @returns {Facts} */
export function factsOfPage() {
  return JSON.parse(document.getElementById("facts")?.textContent ?? "");
}

/**
 * @param {string} text
 * @returns {Uint8Array}
 */
export function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** One input: what the model takes, and the same for people. */
class Input {
  /**
   * @param {Uint8Array} tensor
   * @param {Uint8Array} seen grey, height * width; empty of no picture
   * @param {string} note
   */
  constructor(tensor, seen, note) {
    this.tensor = tensor;
    this.seen = seen;
    this.note = note;
  }
}

export class Model {
  /** @param {Facts} facts */
  constructor(facts) {
    this.facts = facts;
    this._next = 0;
    this.sample = facts.samples.length > 0 ? async () => this._sample() : null;
  }

  /**
   * @param {Picture | Values} asked
   * @returns {Input}
   */
  input(asked) {
    const { model } = this.facts;
    if ("values" in asked) return this._ofValues(asked.values);
    if (asked.isTensor) return this._ofPixels(asked, "");
    if (model.kind !== "digits") {
      throw new PictureError(
        "This saved page scales no pictures. Choose a test sample, or read the picture with `glyphite serve`.",
      );
    }
    const { pixels, note } = readDigit(asked);
    return this._ofPixels({ width: SIDE, height: SIDE, pixels: new Uint8ClampedArray(pixels) }, note);
  }

  /**
   * @param {Input} input
   * @param {Uint8Array} bytes that the board gave
   * @param {number} milliseconds
   * @param {string} timeOf
   * @param {string} note
   * @returns {Answer}
   */
  answer(input, bytes, milliseconds, timeOf, note) {
    const { reference, samples, model } = this.facts;
    const known = samples.find((sample) => isSame(bytesOf(sample.tensor), input.tensor));
    const engine = {
      name: "board", scores: this._scores(bytes), milliseconds, timeOf,
      // Of a drawing nobody here knows the right bytes, so nothing is said of them.
      ...(known === undefined ? {} : { bytes: new Int8Array(bytes), differs: !isSame(bytesOf(known.answer), bytes) }),
    };
    const [height, width] = model.kind === "values" ? [0, 0] : model.shape;
    const notes = [input.note, note].filter(Boolean).join(" ");
    return { tensor28: input.seen, width, height, engines: [engine], reference, note: notes };
  }

  /**
   * @param {Picture} picture
   * @param {string} note
   */
  _ofPixels(picture, note) {
    const { width, height, pixels, rgba } = picture;
    const channels = this.facts.model.shape[2] ?? 1;
    const raw = channels === 3 && rgba !== undefined ? Array.from(rgba).filter((_, at) => at % 4 !== 3) : Array.from(pixels);
    const [high, wide] = this.facts.model.kind === "digits" ? [SIDE, SIDE] : this.facts.model.shape;
    if (height !== high || width !== wide || raw.length !== height * width * channels) {
      throw new PictureError(`A picture of ${width}x${height} pixels was given, and the model takes ${wide}x${high}.`);
    }
    return new Input(this._quantized(raw), new Uint8Array(pixels), note);
  }

  /** @param {number[]} values */
  _ofValues(values) {
    const wanted = this.facts.model.shape.reduce((product, length) => product * length, 1);
    if (values.length !== wanted) {
      throw new PictureError(
        `${values.length} values were given, and ${this.facts.name} takes ${wanted}. Paste that many.`,
      );
    }
    return new Input(this._quantized(values), new Uint8Array(), "");
  }

  /**
   * As Manifest.quantize in Python.
   * @param {number[]} raw
   * @returns {Uint8Array}
   */
  _quantized(raw) {
    const { preprocessing: { divisor, mean, deviation, turned }, input, model } = this.facts;
    const places = model.shape.at(-1) ?? 1;
    const seen = raw.map((_, at) => {
      const place = at % places;
      const value = turned ? raw[at - place + places - 1 - place] : raw[at];
      return (value / divisor - mean[place % mean.length]) / deviation[place % deviation.length];
    });
    if (input.dtype === "float32") return new Uint8Array(Float32Array.from(seen).buffer);
    const levels = seen.map((value) => Math.min(127, Math.max(-128, rint(value / input.scale) + input.zeroPoint)));
    return new Uint8Array(Int8Array.from(levels).buffer);
  }

  /**
   * @param {Uint8Array} bytes
   * @returns {number[]}
   */
  _scores(bytes) {
    const { output, scores } = this.facts;
    const real = output.dtype === "float32"
      ? Array.from(new Float32Array(bytes.slice().buffer))
      : Array.from(new Int8Array(bytes), (value) => (value - output.zeroPoint) * output.scale);
    if (scores !== "logits") return real;
    const most = Math.max(...real);
    const raised = real.map((value) => Math.exp(value - most));
    const total = raised.reduce((one, other) => one + other);
    return raised.map((value) => value / total);
  }

  /** @returns {Sample} */
  _sample() {
    const { samples, model } = this.facts;
    const stored = samples[this._next++ % samples.length];
    if (stored.pixels === undefined) return { values: stored.values ?? [], label: stored.label };
    const bytes = bytesOf(stored.pixels);
    const [height, width] = model.kind === "digits" ? [SIDE, SIDE] : model.shape;
    const channels = bytes.length / height / width;
    const picture = channels === 1
      ? { width, height, pixels: new Uint8ClampedArray(bytes), isTensor: true }
      : { width, height, ...colours(bytes), isTensor: true };
    return { picture, label: stored.label };
  }
}

/** @param {Uint8Array} bytes red, green and blue of each pixel */
function colours(bytes) {
  const rgba = new Uint8ClampedArray((bytes.length / 3) * 4).fill(255);
  const pixels = new Uint8ClampedArray(bytes.length / 3);
  for (let at = 0; at < pixels.length; at++) {
    const [red, green, blue] = bytes.subarray(3 * at, 3 * at + 3);
    rgba.set([red, green, blue], 4 * at);
    pixels[at] = rint(0.299 * red + 0.587 * green + 0.114 * blue);
  }
  return { pixels, rgba };
}

/**
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 */
function isSame(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
