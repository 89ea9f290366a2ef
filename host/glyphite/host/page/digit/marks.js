/** Tells the marks of a digit from edges, rules, frames and dust: a twin of measure/picture/marks.py. */

import { boxes, heightOf, holds, isRuled, label, rules, sizeOf } from "./components.js";
import { largest, mapped, median, rint, sum } from "./plane.js";

/** @typedef {import("./plane.js").Plane} Plane */
/** @typedef {import("./plane.js").Mask} Mask */
/** @typedef {import("./components.js").Labels} Labels */
/** @typedef {import("./components.js").Mark} Mark */

/**
 * The marks of one picture, the tallest first, with the ink that they are of.
 * @typedef {object} Sheet
 * @property {Plane} ink
 * @property {Labels} labels
 * @property {Mark[]} marks
 * @property {Map<string, number>} leftOut
 */

const LEAST_CONTRAST = 0.1;
const DUST = 1 / 12;
const FRAMED = 0.3;
const MOST_ROUNDS = 4;
const MOST_MARKS = 40;
export const RULED = "printed lines";
export const AT_EDGE = "mark at the edge";

/**
 * @param {Plane} grey
 * @param {Plane} ink how far it is from the paper
 * @param {boolean} isDark
 * @returns {Sheet}
 */
export function findMarks(grey, ink, isDark) {
  const middle = median(ink.data);
  const sheet = clearOfEdges(mapped(ink, (value) => value - middle));
  const most = boxes(sheet.labels).filter((mark) => sizeOf(mark) >= 2).slice(0, MOST_MARKS);
  const shade = isDark ? mapped(grey, (value) => -value) : grey;
  const solid = most.filter((mark) => standsOut(shade, sheet.labels, mark));
  const framing = solid.filter((mark) => solid.some((other) => holds(mark, other) && sizeOf(other) > FRAMED * sizeOf(mark)));
  const kept = solid.filter((mark) => !framing.includes(mark));
  const free = kept.filter((mark) => !isRuled(mark));
  const drawn = free.length > 0 ? free : kept;
  note(sheet, RULED, kept.length - drawn.length);
  const least = DUST * (drawn.length > 0 ? heightOf(drawn[0]) : 0);
  sheet.marks = drawn.filter((mark) => sizeOf(mark) >= least);
  note(sheet, "frame", framing.length);
  note(sheet, "speck", drawn.length - sheet.marks.length);
  return sheet;
}

/**
 * @param {Sheet} sheet
 * @returns {number} of ink in the marks
 */
export function amountOf({ ink, labels, marks }) {
  const numbers = new Set(marks.map((mark) => mark.number));
  let amount = 0;
  labels.data.forEach((number, at) => (amount += numbers.has(number) ? ink.data[at] : 0));
  return amount;
}

/**
 * @param {Plane} ink
 * @returns {Sheet}
 */
function clearOfEdges(ink) {
  const grain = 5 * 1.4826 * median(ink.data.map(Math.abs));
  const floor = Math.max(LEAST_CONTRAST, grain);
  /** @type {Sheet} */
  const sheet = { ink, labels: { ...ink, data: new Int32Array(ink.data.length).fill(-1) }, marks: [], leftOut: new Map() };
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const threshold = thresholdOf(sheet.ink, floor);
    const mask = { ...ink, data: Uint8Array.from(sheet.ink.data, (value) => Number(value > threshold)) };
    const ruled = rules(mask);
    note(sheet, RULED, Number(ruled.data.includes(1)));
    sheet.ink = mapped(sheet.ink, (value, at) => (ruled.data[at] ? 0 : value));
    sheet.labels = label({ ...mask, data: mask.data.map((value, at) => (ruled.data[at] ? 0 : value)) });
    const atEdge = atEdgeOf(sheet.labels);
    if (atEdge.size === 0) break;
    note(sheet, AT_EDGE, atEdge.size);
    const away = { ...mask, data: Uint8Array.from(sheet.labels.data, (number) => Number(atEdge.has(number))) };
    const near = largest(away, 2);
    sheet.ink = mapped(sheet.ink, (value, at) => (near.data[at] ? 0 : value));
    sheet.labels = { ...sheet.labels, data: sheet.labels.data.map((number, at) => (away.data[at] ? -1 : number)) };
  }
  return sheet;
}

/**
 * @param {Sheet} sheet
 * @param {string} what
 * @param {number} count
 */
function note(sheet, what, count) {
  sheet.leftOut.set(what, (sheet.leftOut.get(what) ?? 0) + count);
}

/**
 * @param {Plane} ink
 * @param {number} floor
 */
function thresholdOf(ink, floor) {
  const strong = Array.from(ink.data).filter((value) => value > floor);
  if (strong.length === 0) return floor;
  const parting = otsu(strong);
  return Math.max(floor, 0.5 * median(strong.filter((value) => value >= parting)));
}

const BINS = 128;

/**
 * The value that parts two classes with the most variance between them (N. Otsu, 1979).
 * @param {number[]} values
 */
function otsu(values) {
  let low = values.reduce((one, other) => Math.min(one, other));
  let high = values.reduce((one, other) => Math.max(one, other));
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const step = (high - low) / BINS;
  const edges = Array.from({ length: BINS + 1 }, (_, at) => (at === BINS ? high : low + step * at));
  const counts = new Float64Array(BINS);
  for (const value of values) {
    let bin = Math.min(BINS - 1, Math.trunc(((value - low) / (high - low)) * BINS));
    if (value < edges[bin]) bin--;
    else if (bin < BINS - 1 && value >= edges[bin + 1]) bin++;
    counts[bin]++;
  }
  const centres = counts.map((_, at) => (edges[at] + edges[at + 1]) / 2);
  const mean = sum(counts.map((count, at) => count * centres[at])) / values.length;
  let [best, most, below, sums] = [0, -1, 0, 0];
  for (let at = 0; at < BINS - 1; at++) {
    below += counts[at];
    sums += counts[at] * centres[at];
    const between = (mean * below - sums) ** 2 / Math.max(below * (values.length - below), 1);
    if (between > most) [best, most] = [at, between];
  }
  return edges[best + 1];
}

/**
 * @param {Labels} labels
 * @returns {Set<number>}
 */
function atEdgeOf({ width, height, data }) {
  const found = new Set();
  data.forEach((number, at) => {
    const column = at % width;
    const row = (at - column) / width;
    const isBorder = row === 0 || column === 0 || row === height - 1 || column === width - 1;
    if (number >= 0 && isBorder) found.add(number);
  });
  return found;
}

/**
 * Whether there is paper all around a mark, near and far.
 * @param {Plane} shade
 * @param {Labels} labels
 * @param {Mark} mark
 */
function standsOut(shade, labels, mark) {
  const margin = Math.floor(sizeOf(mark) / 2) + 2;
  const top = Math.max(0, mark.top - margin);
  const left = Math.max(0, mark.left - margin);
  const height = Math.min(shade.height, mark.bottom + margin) - top;
  const width = Math.min(shade.width, mark.right + margin) - left;
  const inside = { width, height, data: new Uint8Array(width * height) };
  const shades = new Float64Array(width * height);
  for (let at = 0; at < shades.length; at++) {
    const from = (top + Math.floor(at / width)) * shade.width + left + (at % width);
    inside.data[at] = Number(labels.data[from] === mark.number);
    shades[at] = shade.data[from];
  }
  const radius = Math.max(1, rint(Math.max(shade.width, shade.height) / 200));
  const grown = largest(inside, radius);
  const around = largest(grown, radius);
  const near = shades.filter((_, at) => around.data[at] && !grown.data[at]);
  const far = shades.filter((_, at) => !grown.data[at]);
  if (near.length === 0) return false;
  const middle = (median(shades.filter((_, at) => inside.data[at])) + median(near)) / 2;
  /** @param {Float64Array} some */
  const share = (some) => some.filter((value) => value > middle).length / some.length;
  return share(near) < 0.12 && share(far) < 0.5;
}

