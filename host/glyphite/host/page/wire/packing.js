/** The encoding PACKED of an input tensor: runs of its most frequent byte (docs/wire.md). */

const LITERALS_MAX = 7;
const LONG_RUN = 32;
/** A token is its high bits times this, plus its low bits. */
const TOKEN_RUN = LITERALS_MAX + 1;
/** The most runs of LONG_RUN in one token. */
const RUNS_MAX = 32;

/**
 * @param {Uint8Array} tensor
 * @returns {Uint8Array} which may be longer than the tensor
 */
export function pack(tensor) {
  if (tensor.length === 0) return new Uint8Array(1);
  const background = mostFrequent(tensor);
  const packed = [background];
  let at = 0;
  while (at < tensor.length) {
    let run = 0;
    while (tensor[at + run] === background && run < RUNS_MAX * LONG_RUN) run++;
    at += run;
    /** @type {number[]} */
    let literals = [];
    // A lone byte of the background among literal ones is one of them.
    while (at < tensor.length && literals.length < LITERALS_MAX) {
      if (tensor[at] === background && tensor[at + 1] === background) break;
      literals.push(tensor[at++] ?? 0);
    }
    if (run >= LONG_RUN) {
      packed.push(TOKEN_RUN * (Math.floor(run / LONG_RUN) - 1));
      run %= LONG_RUN;
    }
    if (run > 0 && literals.length === 0) {
      run -= 1; // at the end: a token has to have a literal byte
      literals = [background];
    }
    if (literals.length > 0) packed.push(TOKEN_RUN * run + literals.length, ...literals);
  }
  return Uint8Array.from(packed);
}

/**
 * @param {Uint8Array} packed
 * @returns {Uint8Array | null} the tensor, as a board decodes it; null where it is cut
 */
export function unpack(packed) {
  const [background] = packed;
  if (background === undefined) return null;
  /** @type {number[]} */
  const tensor = [];
  let at = 1;
  while (at < packed.length) {
    const token = packed[at] ?? 0;
    const high = Math.floor(token / TOKEN_RUN);
    const literals = token % TOKEN_RUN;
    const run = literals > 0 ? high : LONG_RUN * (high + 1);
    for (let count = 0; count < run; count++) tensor.push(background);
    tensor.push(...packed.subarray(at + 1, at + 1 + literals));
    at += 1 + literals;
  }
  return at === packed.length ? Uint8Array.from(tensor) : null;
}

/**
 * @param {Uint8Array} tensor
 * @returns {number} of several, the one that comes first
 */
function mostFrequent(tensor) {
  const counts = new Uint32Array(256);
  for (const byte of tensor) counts[byte] = (counts[byte] ?? 0) + 1;
  const most = counts.reduce((one, other) => Math.max(one, other), 0);
  return tensor.find((byte) => counts[byte] === most) ?? 0;
}
