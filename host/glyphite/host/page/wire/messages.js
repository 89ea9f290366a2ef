/** The messages to a board, and its answers (docs/wire.md). */

import { pack } from "./packing.js";

export const PROTOCOL = 2;
const HELLO = 0x01;
const INFER = 0x02;
const HELLO_ANSWER = 0x81;
const INFER_ANSWER = 0x82;
const RAW = 0;
const PACKED = 1;
export const OK = 0;
export const CORRUPT = -1;
const ANSWER_HEADER_BYTES = 12;
const REFUSAL_BYTES = 4;
const TEXT_BYTES = 32;
const SHA256_BYTES = 32;
const RANK_MAX = 4;
const MOST_ELEMENTS = 2 ** 31;

/**
 * An input or output: real = scale * (quantized - zeroPoint); of a scale of 0, float32.
 * @typedef {object} WireTensor
 * @property {number[]} shape empty where the board does not tell it
 * @property {number} scale
 * @property {number} zeroPoint
 */

/**
 * A board's description of itself.
 * @typedef {object} Hello
 * @property {number} protocol
 * @property {string} firmware
 * @property {string} board
 * @property {string} modelName
 * @property {string} modelSha256 64 hexadecimal digits
 * @property {WireTensor[]} inputs
 * @property {WireTensor[]} outputs
 * @property {number} clockHz 0 where it is not known
 * @property {number} timerHz ticks per second; 0 where they are not known
 * @property {number} receiveBuffer bytes that may arrive while the board is busy
 * @property {number[]} encodings
 * @property {number} inferences since the board started
 * @property {string} remark
 */

/**
 * @typedef {object} InferReply
 * @property {number} request its id
 * @property {number} status
 * @property {number} inputCrc 0 unless the status is OK, as all below
 * @property {number} ticks
 * @property {Uint8Array} scores
 */

/** A hello that cannot be. */
export class HelloError extends Error {}

/** The message HELLO. */
export function helloRequest() {
  return Uint8Array.of(HELLO);
}

/**
 * The message INFER.
 * @param {number} request its id, 0 to 65535
 * @param {Uint8Array} tensor
 * @param {number[]} encodings those that the board decodes, of which the shorter one is taken
 */
export function inferRequest(request, tensor, encodings) {
  const packed = encodings.includes(PACKED) ? pack(tensor) : null;
  const isShorter = packed !== null && packed.length < tensor.length;
  const payload = isShorter ? packed : tensor;
  const message = new Uint8Array(4 + payload.length);
  message.set([INFER, request & 0xff, request >> 8, isShorter ? PACKED : RAW]);
  message.set(payload, 4);
  return message;
}

/**
 * @param {Uint8Array} message
 * @returns {InferReply | null} null where it is another message or too short
 */
export function parseInferAnswer(message) {
  if (message.length < REFUSAL_BYTES || message[0] !== INFER_ANSWER) return null;
  const view = viewOf(message);
  const reply = { request: view.getUint16(1, true), status: view.getInt8(3) };
  if (reply.status !== OK) return { ...reply, inputCrc: 0, ticks: 0, scores: new Uint8Array() };
  if (message.length < ANSWER_HEADER_BYTES) return null;
  return {
    ...reply,
    inputCrc: view.getUint32(4, true),
    ticks: view.getUint32(8, true),
    scores: message.slice(ANSWER_HEADER_BYTES),
  };
}

/** @typedef {(value: Uint8Array, name: string) => unknown} Parse */

/** @type {Map<number, [string, keyof Hello, Parse]>} */
const FIELDS = new Map([
  [1, ["FIRMWARE", "firmware", textOf]],
  [2, ["BOARD", "board", textOf]],
  [3, ["MODEL_NAME", "modelName", textOf]],
  [4, ["MODEL_SHA256", "modelSha256", sha256Of]],
  [11, ["CLOCK_HZ", "clockHz", unsignedOf]],
  [12, ["TIMER_HZ", "timerHz", unsignedOf]],
  [13, ["RECEIVE_BUFFER", "receiveBuffer", unsignedOf]],
  [14, ["ENCODINGS", "encodings", numbersOf]],
  [15, ["INFERENCES", "inferences", unsignedOf]],
  [16, ["REMARK", "remark", textOf]],
]);

/** @type {Map<number, [string, "inputs" | "outputs", keyof WireTensor, Parse]>} */
const OF_TENSORS = new Map([
  [5, ["INPUT_SHAPE", "inputs", "shape", shapeOf]],
  [6, ["OUTPUT_SHAPE", "outputs", "shape", shapeOf]],
  [7, ["INPUT_SCALE", "inputs", "scale", scaleOf]],
  [8, ["INPUT_ZERO_POINT", "inputs", "zeroPoint", zeroPointOf]],
  [9, ["OUTPUT_SCALE", "outputs", "scale", scaleOf]],
  [10, ["OUTPUT_ZERO_POINT", "outputs", "zeroPoint", zeroPointOf]],
]);

/**
 * The hello in a message; null where it is another message. Unknown items are skipped. Of another
 * version of the protocol its number is read, and the firmware's name. Throws HelloError where an
 * item is cut short, told too often, or has a value that cannot be.
 * @param {Uint8Array} message
 * @returns {Hello | null}
 */
export function parseHello(message) {
  const [kind, protocol] = message;
  if (kind !== HELLO_ANSWER || protocol === undefined) return null;
  /** @type {Hello} */
  const hello = {
    protocol, firmware: "", board: "", modelName: "", modelSha256: "", inputs: [], outputs: [],
    clockHz: 0, timerHz: 0, receiveBuffer: 0, encodings: [RAW], inferences: 0, remark: "",
  };
  if (protocol !== PROTOCOL) {
    const isNamed = message[2] === 1 && message[3] === TEXT_BYTES;
    const firmware = isNamed ? textOf(message.slice(4, 4 + TEXT_BYTES), "FIRMWARE") : "";
    return { ...hello, firmware };
  }
  /** @type {Map<number, unknown[]>} */
  const told = new Map();
  for (const [item, value] of itemsOf(message)) {
    const field = FIELDS.get(item);
    const tensor = OF_TENSORS.get(item);
    const values = told.get(item) ?? [];
    told.set(item, values);
    if (field !== undefined) {
      const [name, key, parse] = field;
      if (values.length > 0) throw new HelloError(`its hello tells ${name} twice`);
      Object.assign(hello, { [key]: parse(value, name) });
    }
    values.push(tensor?.[3](value, tensor[0]));
  }
  return { ...hello, inputs: tensorsOf("inputs", told), outputs: tensorsOf("outputs", told) };
}

/**
 * @param {Uint8Array} message
 * @returns {Generator<[number, Uint8Array]>}
 */
function* itemsOf(message) {
  for (let at = 2; at < message.length; ) {
    const [item = 0, length] = message.subarray(at, at + 2);
    const value = message.slice(at + 2, at + 2 + (length ?? 0));
    if (length === undefined || value.length !== length) {
      throw new HelloError(`item ${item} of its hello is cut short`);
    }
    yield [item, value];
    at += 2 + length;
  }
}

/**
 * The tensors of one side, whose items are told once a tensor, in order, or not at all.
 * @param {"inputs" | "outputs"} side
 * @param {Map<number, unknown[]>} told
 * @returns {WireTensor[]}
 */
function tensorsOf(side, told) {
  const items = [...OF_TENSORS].filter(([item, [, of]]) => of === side && told.has(item));
  const counts = items.map(([item]) => told.get(item)?.length ?? 0);
  if (new Set(counts).size > 1) {
    const times = items.map(([, [name]], index) => `${name} ${counts[index]} times`);
    throw new HelloError(`its hello tells ${times.join(" and ")}`);
  }
  return Array.from({ length: counts[0] ?? 0 }, (_, index) => {
    const tensor = { shape: [], scale: 1, zeroPoint: 0 };
    for (const [item, [, , key]] of items) Object.assign(tensor, { [key]: told.get(item)?.[index] });
    return tensor;
  });
}

/** @param {Uint8Array} bytes */
function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * @param {string} name
 * @param {unknown} found
 */
function cannotBe(name, found) {
  return new HelloError(`${name} of its hello is ${found}, which cannot be`);
}

/**
 * @param {Uint8Array} value
 * @param {string} name
 * @param {number} length
 */
function require(value, name, length) {
  if (value.length !== length) {
    throw new HelloError(`${name} of its hello has ${value.length} bytes, and ${length} are right`);
  }
  return viewOf(value);
}

/** @type {(value: Uint8Array, name: string) => string} */
function textOf(value, name) {
  if (value.length > TEXT_BYTES) throw cannotBe(name, `a text of ${value.length} bytes`);
  const end = value.findLastIndex((byte) => byte !== 0) + 1;
  return new TextDecoder().decode(value.subarray(0, end)).replace(/\p{C}|(?! )\p{Z}/gu, "\ufffd");
}

/** @type {(value: Uint8Array, name: string) => string} */
function sha256Of(value, name) {
  require(value, name, SHA256_BYTES);
  return [...value].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @type {(value: Uint8Array, name: string) => number} */
function unsignedOf(value, name) {
  return require(value, name, 4).getUint32(0, true);
}

/** @type {(value: Uint8Array, name: string) => number[]} */
function numbersOf(value, name) {
  if (value.length === 0) throw cannotBe(name, "an empty list");
  return [...value];
}

/** @type {(value: Uint8Array, name: string) => number} */
function zeroPointOf(value, name) {
  const found = require(value, name, 4).getInt32(0, true);
  if (found < -128 || found > 127) throw cannotBe(name, found);
  return found;
}

/** @param {number} found as the host's sentences have it */
function asPython(found) {
  if (Number.isInteger(found)) return `${found}.0`;
  return String(found).replace("NaN", "nan").replace("Infinity", "inf");
}

/** @type {(value: Uint8Array, name: string) => number} */
function scaleOf(value, name) {
  const found = require(value, name, 4).getFloat32(0, true);
  if (!(Number.isFinite(found) && found >= 0)) throw cannotBe(name, asPython(found));
  return found;
}

/** @type {(value: Uint8Array, name: string) => number[]} */
function shapeOf(value, name) {
  if (value.length % 4 !== 0 || value.length > 4 * RANK_MAX) {
    throw cannotBe(name, `a shape of ${value.length} bytes`);
  }
  const view = viewOf(value);
  const all = Array.from({ length: value.length / 4 }, (_, index) => view.getUint32(4 * index, true));
  const shape = all.slice(0, all.findLastIndex((length) => length !== 0) + 1);
  const elements = shape.reduce((product, length) => product * length, 1);
  if (shape.includes(0) || elements > MOST_ELEMENTS) throw cannotBe(name, `(${shape.join(", ")})`);
  return shape;
}
