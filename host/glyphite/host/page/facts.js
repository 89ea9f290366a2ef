/** What `glyphite export --page` writes into the page, and the inputs and answers by it. */

import { PictureError, SIDE } from "./digit.js";
import { DigitReader } from "./digit_reader.js";
import { rint } from "./digit/plane.js";
import { scaled } from "./scale.js";

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

/** Of a drawing nobody here knows the right bytes. */
const UNCOMPARED = "not compared: the page has the right bytes of its test samples alone";

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
    this._reader = new DigitReader();
    this.sample = facts.samples.length > 0 ? async () => this._sample() : null;
  }

  /**
   * @param {Picture | Values} asked
   * @returns {Promise<Input>}
   */
  async input(asked) {
    const { model } = this.facts;
    if ("values" in asked) return this._ofValues(asked.values);
    if (model.kind !== "digits" || asked.isTensor) return this._ofPicture(asked);
    const { pixels, note } = await this._reader.read(asked);
    return this._ofRaw({ width: SIDE, height: SIDE, channels: 1, data: Array.from(pixels) }, note);
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
      bytes: new Int8Array(bytes),
      ...(known === undefined ? { uncompared: UNCOMPARED } : { differs: !isSame(bytesOf(known.answer), bytes) }),
    };
    const [height, width] = model.kind === "values" ? [0, 0] : model.shape;
    const notes = [input.note, note].filter(Boolean).join(" ");
    return { tensor28: input.seen, width, height, engines: [engine], reference, note: notes };
  }

  /**
   * @param {Picture} picture of the model's own size, or to be scaled to it
   * @returns {Input}
   */
  _ofPicture({ width, height, pixels, rgba, isTensor }) {
    const { kind, shape } = this.facts.model;
    if (kind === "values") throw new PictureError(`${this.facts.name} takes values, and no picture. Paste them in as numbers.`);
    const [high, wide, channels = 1] = kind === "digits" ? [SIDE, SIDE] : shape;
    if (isTensor && (height !== high || width !== wide)) {
      throw new PictureError(`A picture of ${width}x${height} pixels was given, and the model takes ${wide}x${high}.`);
    }
    const whole = { width, height, channels, data: channelsOf(pixels, rgba, channels) };
    return this._ofRaw(height === high && width === wide ? whole : scaled(whole, wide, high), "");
  }

  /**
   * @param {import("./scale.js").Pixels} pixels of the model's size
   * @param {string} note
   */
  _ofRaw({ channels, data }, note) {
    const grey = channels === 3 ? greyOf(data) : data;
    return new Input(this._quantized(data), Uint8Array.from(grey), note);
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

/**
 * @param {Uint8ClampedArray} pixels grey
 * @param {Uint8ClampedArray | undefined} rgba opaque
 * @param {number} channels 1, or 3 for red, green and blue
 * @returns {number[]}
 */
function channelsOf(pixels, rgba, channels) {
  if (channels === 1) return Array.from(pixels);
  if (rgba === undefined) return Array.from(pixels).flatMap((value) => Array(channels).fill(value));
  return Array.from(rgba).filter((_, at) => at % 4 !== 3);
}

/**
 * @param {ArrayLike<number>} colours red, green and blue of each pixel
 * @returns {number[]} ITU-R BT.601, as Python's serve/inputs.py
 */
function greyOf(colours) {
  return Array.from({ length: colours.length / 3 }, (_, at) => rint(0.299 * colours[3 * at] + 0.587 * colours[3 * at + 1] + 0.114 * colours[3 * at + 2]));
}

/** @param {Uint8Array} bytes red, green and blue of each pixel */
function colours(bytes) {
  const rgba = new Uint8ClampedArray((bytes.length / 3) * 4).fill(255);
  for (let at = 0; at < bytes.length / 3; at++) rgba.set(bytes.subarray(3 * at, 3 * at + 3), 4 * at);
  return { pixels: new Uint8ClampedArray(greyOf(bytes)), rgba };
}

/**
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 */
function isSame(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
