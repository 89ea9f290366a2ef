/** Which marks are of one digit, and in which order they are read: a twin of measure/picture/order.py. */

import { heightOf } from "./components.js";

/** @typedef {import("./components.js").Mark} Mark */

const PART = 0.25;
const LARGE = 0.5;
const GROWN = 1.8;

/**
 * @param {Mark[]} marks in order of height
 * @returns {{digits: Mark[][], strays: Mark[]}}
 */
export function group(marks) {
  /** @type {Mark[][]} */
  const digits = [];
  /** @type {Mark[]} */
  const strays = [];
  for (const mark of marks) {
    const home = homeOf(mark, digits);
    if (home !== null) home.push(mark);
    else if (digits.length === 0 || heightOf(mark) >= LARGE * heightOf(digits[0][0])) digits.push([mark]);
    else strays.push(mark);
  }
  return { digits, strays };
}

/**
 * @param {Mark[][]} digits
 * @returns {Mark[][] | null} from left to right; null where they are not in one row
 */
export function inOrder(digits) {
  const spans = digits.map((digit) => [Math.min(...digit.map((mark) => mark.top)), Math.max(...digit.map((mark) => mark.bottom))]);
  const middles = spans.map(([top, bottom]) => (top + bottom) / 2);
  if (!spans.every(([top, bottom]) => middles.every((middle) => top <= middle && middle <= bottom))) return null;
  /** @param {Mark[]} digit */
  const left = (digit) => Math.min(...digit.map((mark) => mark.left));
  return [...digits].sort((one, other) => left(one) - left(other));
}

/**
 * @param {Mark} mark
 * @param {Mark[][]} digits
 * @returns {Mark[] | null}
 */
function homeOf(mark, digits) {
  if (digits.length === 0) return null;
  const reach = PART * heightOf(digits[0][0]);
  const near = digits.filter(([first]) => gap(mark, first) <= reach && joins(mark, first));
  return near.reduce((/** @type {Mark[] | null} */ best, digit) => (best === null || gap(mark, digit[0]) < gap(mark, best[0]) ? digit : best), null);
}

/**
 * @param {Mark} one
 * @param {Mark} other
 */
function gap(one, other) {
  const rows = Math.max(one.top - other.bottom, other.top - one.bottom, 0);
  return Math.max(rows, one.left - other.right, other.left - one.right);
}

/**
 * @param {Mark} part
 * @param {Mark} whole
 */
function joins(part, whole) {
  if (heightOf(part) < LARGE * heightOf(whole)) return true;
  const shared = Math.min(part.right, whole.right) - Math.max(part.left, whole.left);
  const narrow = Math.min(part.right - part.left, whole.right - whole.left);
  const height = Math.max(part.bottom, whole.bottom) - Math.min(part.top, whole.top);
  return shared >= 0.5 * narrow && height <= GROWN * heightOf(whole);
}
