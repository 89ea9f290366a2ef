/** Connected marks of a mask, and long thin lines across it: a twin of measure/picture/components.py. */

import { rint } from "./plane.js";

/** @typedef {import("./plane.js").Mask} Mask */
/** @typedef {{width: number, height: number, data: Int32Array}} Labels -1 for paper */

/**
 * The box around connected ink, ends excluded, and its number among the labels.
 * @typedef {object} Mark
 * @property {number} number
 * @property {number} top
 * @property {number} bottom
 * @property {number} left
 * @property {number} right
 */

const MOST_SLOPE = 0.2;
const THICK = 60;
const SPAN = 0.75;
const WHOLE = 0.95;
const STRAIGHT = 25;

/** @param {Mark} mark */
export const heightOf = (mark) => mark.bottom - mark.top;
/** @param {Mark} mark */
export const sizeOf = (mark) => Math.max(heightOf(mark), mark.right - mark.left);
/** @param {Mark} mark */
export const isRuled = (mark) => STRAIGHT * Math.min(heightOf(mark), mark.right - mark.left) <= sizeOf(mark);

/**
 * @param {Mark} one
 * @param {Mark} other whether it lies within, clear of the sides
 */
export function holds(one, other) {
  return one.top < other.top && other.bottom < one.bottom && one.left < other.left && other.right < one.right;
}

/**
 * @param {Mask} mask
 * @returns {Labels} marks numbered by their first pixel; pixels that touch at a corner are connected
 */
export function label({ width, height, data }) {
  const labels = new Int32Array(data.length).fill(-1);
  let count = 0;
  for (let start = 0; start < data.length; start++) {
    if (!data[start] || labels[start] >= 0) continue;
    const open = [start];
    labels[start] = count;
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const column = at % width;
      const row = (at - column) / width;
      for (let y = Math.max(0, row - 1); y <= Math.min(height - 1, row + 1); y++) {
        for (let x = Math.max(0, column - 1); x <= Math.min(width - 1, column + 1); x++) {
          const near = y * width + x;
          if (data[near] && labels[near] < 0) {
            labels[near] = count;
            open.push(near);
          }
        }
      }
    }
    count++;
  }
  return { width, height, data: labels };
}

/**
 * @param {Labels} labels
 * @returns {Mark[]} the tallest first
 */
export function boxes({ width, height, data }) {
  /** @type {Mark[]} */
  const marks = [];
  data.forEach((number, at) => {
    if (number < 0) return;
    const column = at % width;
    const row = (at - column) / width;
    marks[number] ??= { number, top: height, bottom: 0, left: width, right: 0 };
    const mark = marks[number];
    mark.top = Math.min(mark.top, row);
    mark.bottom = Math.max(mark.bottom, row + 1);
    mark.left = Math.min(mark.left, column);
    mark.right = Math.max(mark.right, column + 1);
  });
  const found = marks.filter(Boolean); // some were taken away
  return found.sort((one, other) => heightOf(other) - heightOf(one));
}

/**
 * @param {Mask} mask
 * @returns {Mask} printed lines, level or upright, without what crosses them
 */
export function rules(mask) {
  const level = levelRules(mask);
  const upright = turned(levelRules(turned(mask)));
  return { ...mask, data: level.data.map((value, at) => value | upright.data[at]) };
}

/**
 * @param {Mask} mask
 * @returns {Mask}
 */
function turned({ width, height, data }) {
  const made = new Uint8Array(data.length);
  data.forEach((value, at) => (made[(at % width) * height + Math.floor(at / width)] = value));
  return { width: height, height: width, data: made };
}

/**
 * @param {Mask} mask
 * @returns {Mask}
 */
function levelRules(mask) {
  const { width, height, data } = mask;
  const found = { ...mask, data: new Uint8Array(data.length) };
  const runs = columnRuns(mask);
  const thick = Math.max(2, Math.floor(height / THICK));
  const inked = [...data.keys()].filter((at) => data[at]);
  const thin = inked.filter((at) => runs[at] <= thick);
  if (thin.length < Math.floor(width / 4)) return found;
  const count = Math.max(3, Math.floor(width / 5)) | 1;
  const step = (2 * MOST_SLOPE) / (count - 1);
  let [best, most] = [0, -1];
  for (let each = 0; each < count; each++) {
    const slope = each === count - 1 ? MOST_SLOPE : -MOST_SLOPE + step * each;
    let score = 0;
    for (const value of counted(mask, thin, slope)) score += value * value;
    if (score > most) [best, most] = [slope, score];
  }
  const covered = counted(mask, inked, best);
  const on = [...covered.keys()].filter((offset) => covered[offset] >= SPAN * width);
  const taken = new Set(on.flatMap((offset) => [-2, -1, 0, 1, 2].map((more) => offset + more)));
  const near = thin.filter((at) => taken.has(offsetOf(at, width, best)));
  if (near.length === 0) return found;
  const columns = near.map((at) => at % width);
  const isAlone = spread(on) <= 2 * thick;
  if (isAlone && spread(columns) < WHOLE * width) return found;
  for (const at of near) found.data[at] = 1;
  return found;
}

/** @param {number[]} values */
function spread(values) {
  return values.reduce((one, other) => Math.max(one, other)) - values.reduce((one, other) => Math.min(one, other));
}

/**
 * @param {number} at
 * @param {number} width
 * @param {number} slope
 */
function offsetOf(at, width, slope) {
  const column = at % width;
  return rint((at - column) / width - slope * column + MOST_SLOPE * width);
}

/**
 * @param {Mask} mask
 * @param {number[]} places
 * @param {number} slope
 * @returns {Int32Array} how many are on each line of that slope
 */
function counted({ width, height }, places, slope) {
  const counts = new Int32Array(height + Math.ceil(2 * MOST_SLOPE * width) + 1);
  for (const at of places) counts[offsetOf(at, width, slope)]++;
  return counts;
}

/**
 * @param {Mask} mask
 * @returns {Int32Array} for each pixel of ink, how many are connected with it in its column
 */
function columnRuns({ width, height, data }) {
  const runs = new Int32Array(data.length);
  for (let column = 0; column < width; column++) {
    for (let row = 0; row < height; ) {
      let end = row;
      while (end < height && data[end * width + column]) end++;
      for (let at = row; at < end; at++) runs[at * width + column] = end - row;
      row = Math.max(end, row + 1);
    }
  }
  return runs;
}
