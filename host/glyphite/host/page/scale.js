/** Scales a picture as Python's data/picture_file.py does, where a model takes one of its own size. */

import { rint } from "./digit/plane.js";

/** @typedef {{width: number, height: number, channels: number, data: number[]}} Pixels row by row, a pixel's channels together */

const f = Math.fround;

/**
 * Bilinear between pixels' middles, not smoothed; rounded to bytes, halves to even.
 * @param {Pixels} pixels
 * @param {number} width
 * @param {number} height
 * @returns {Pixels}
 */
export function scaled(pixels, width, height) {
  const down = neighbours(pixels.height, height);
  const across = neighbours(pixels.width, width);
  const { channels, data } = pixels;
  const made = down.flatMap((row) => across.flatMap((column) => Array.from({ length: channels }, (_, channel) => {
    /** @param {number} x */
    const between = (x) => mixed(
      data[(row.first * pixels.width + x) * channels + channel],
      data[(row.second * pixels.width + x) * channels + channel],
      row.share,
    );
    return mixed(between(column.first), between(column.second), column.share);
  })));
  return { width, height, channels, data: made.map(rint) };
}

/**
 * In 32-bit floats, as NumPy does it.
 * @param {number} one
 * @param {number} other
 * @param {number} share of the other
 */
function mixed(one, other, share) {
  return f(f(one * f(1 - share)) + f(other * share));
}

/**
 * @param {number} size
 * @param {number} wanted
 * @returns {{first: number, second: number, share: number}[]} what each wanted place lies between
 */
function neighbours(size, wanted) {
  return Array.from({ length: wanted }, (_, at) => {
    const place = Math.min(Math.max(((at + 0.5) * size) / wanted - 0.5, 0), size - 1);
    const first = Math.floor(place);
    return { first, second: Math.min(first + 1, size - 1), share: f(place - first) };
  });
}
