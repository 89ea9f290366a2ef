/** COBS (Cheshire and Baker, 1999): bytes without zeros, so that a zero ends a frame. */

/** The most bytes without a zero in one block. */
const LONGEST_RUN = 254;

/**
 * @param {Uint8Array} data
 * @returns {Uint8Array} without zero bytes
 */
export function cobsEncode(data) {
  const encoded = [0];
  let code = 0;
  data.forEach((byte, index) => {
    if (byte !== 0) encoded.push(byte);
    const isFull = encoded.length - code > LONGEST_RUN;
    if (byte !== 0 && !isFull) return;
    encoded[code] = encoded.length - code;
    if (isFull && index === data.length - 1) {
      code = -1; // a full block at the end has none behind it
      return;
    }
    code = encoded.push(0) - 1;
  });
  if (code >= 0) encoded[code] = encoded.length - code;
  return Uint8Array.from(encoded);
}

/**
 * @param {Uint8Array} encoded
 * @returns {Uint8Array | null} null where it is not valid COBS
 */
export function cobsDecode(encoded) {
  /** @type {number[]} */
  const decoded = [];
  let at = 0;
  while (at < encoded.length) {
    const code = encoded[at] ?? 0;
    const run = encoded.subarray(at + 1, at + code);
    if (code === 0 || run.length !== code - 1 || run.includes(0)) return null;
    decoded.push(...run);
    at += code;
    if (code <= LONGEST_RUN && at < encoded.length) decoded.push(0);
  }
  return Uint8Array.from(decoded);
}
