/** Frames: a message and its CRC-32, COBS-encoded, ended by a zero byte (docs/wire.md). */

import { cobsDecode, cobsEncode } from "./cobs.js";
import { crc32 } from "./crc32.js";

const CRC_BYTES = 4;
/** Bytes without a zero that are kept: no frame of interest is longer. */
const LONGEST = 1 << 16;

/**
 * @param {Uint8Array} message
 * @returns {Uint8Array} beginning with a zero, which ends what was on the line before
 */
export function encodeFrame(message) {
  const content = new Uint8Array(message.length + CRC_BYTES);
  content.set(message);
  new DataView(content.buffer).setUint32(message.length, crc32(message));
  const encoded = cobsEncode(content);
  const frame = new Uint8Array(encoded.length + 2);
  frame.set(encoded, 1);
  return frame;
}

/**
 * @param {Uint8Array} encoded the bytes between two zeros
 * @returns {Uint8Array | null} the message; null where they are damaged
 */
export function decodeFrame(encoded) {
  const content = cobsDecode(encoded);
  if (content === null || content.length < CRC_BYTES) return null;
  const end = content.length - CRC_BYTES;
  const message = content.slice(0, end);
  return new DataView(content.buffer).getUint32(end) === crc32(message) ? message : null;
}

/** Finds the frames in a stream of bytes, however it is cut into pieces. */
export class FrameReader {
  constructor() {
    /** How many pieces between two zeros were no frame. */
    this.damaged = 0;
    /** @type {number[]} */
    this._pending = [];
  }

  /**
   * @param {Uint8Array} data the next bytes
   * @returns {Uint8Array[]} the messages that they complete
   */
  feed(data) {
    /** @type {Uint8Array[]} */
    const messages = [];
    for (const byte of data) {
      if (byte !== 0) {
        if (this._pending.length === LONGEST) this._pending.shift();
        this._pending.push(byte);
        continue;
      }
      if (this._pending.length === 0) continue;
      const message = decodeFrame(Uint8Array.from(this._pending));
      this._pending.length = 0;
      if (message === null) this.damaged++;
      else messages.push(message);
    }
    return messages;
  }
}
