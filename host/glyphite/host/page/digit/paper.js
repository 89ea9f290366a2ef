/** Takes the paper out of a picture: a twin of measure/picture/paper.py, where it is explained. */

import { mapped, median, rint } from "./plane.js";
import { BICUBIC, blurred, BOX, resized } from "./resample.js";

/** @typedef {import("./plane.js").Plane} Plane */

const STROKE = 0.25;
const COARSE_SIDE = 120;
const LEAST_PAPER = 0.2;

/**
 * @param {Plane[]} colours one plane of bytes (grey), or three
 * @returns {Plane} 0 to 1, along the direction of colours in which strokes stand out
 */
export function greyOf(colours) {
  const [first] = colours;
  const side = Math.max(first.width, first.height);
  const smooth = side / 600 > 0.3 ? colours.map((plane) => blurred(plane, side / 600)) : colours;
  if (smooth.length === 1) return mapped(smooth[0], (value) => value / 255);
  const light = smooth.map((plane) => blurred(plane, side / 12));
  const detail = smooth.map((plane, index) => mapped(plane, (value, at) => value / 255 - light[index].data[at] / 255));
  const products = detail.map((one) => detail.map((other) => one.data.reduce((total, value, at) => total + value * other.data[at], 0)));
  const main = mainDirection(products);
  const sign = main[0] + main[1] + main[2] > 0 ? 1 : -1;
  const direction = main.map((value) => sign * value);
  const darkest = direction.reduce((total, value) => total + Math.min(value, 0), 0);
  const lightest = direction.reduce((total, value) => total + Math.max(value, 0), 0);
  const [red, green, blue] = smooth;
  return mapped(red, (value, at) => {
    const mixed = (value * direction[0] + green.data[at] * direction[1] + blue.data[at] * direction[2]) / 255;
    return (mixed - darkest) / (lightest - darkest);
  });
}

/**
 * The eigenvector of the largest eigenvalue, by Jacobi's rotations.
 * @param {number[][]} matrix symmetric, 3 x 3
 * @returns {number[]}
 */
function mainDirection(matrix) {
  const a = matrix.map((row) => [...row]);
  const vectors = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
  for (let round = 0; round < 40; round++) {
    for (const [p, q] of [[0, 1], [0, 2], [1, 2]]) {
      if (a[p][q] === 0) continue;
      const angle = (a[q][q] - a[p][p]) / (2 * a[p][q]);
      const t = (angle < 0 ? -1 : 1) / (Math.abs(angle) + Math.sqrt(angle * angle + 1));
      const cosine = 1 / Math.sqrt(t * t + 1);
      const sine = t * cosine;
      for (let k = 0; k < 3; k++) {
        [a[k][p], a[k][q]] = [cosine * a[k][p] - sine * a[k][q], sine * a[k][p] + cosine * a[k][q]];
      }
      for (let k = 0; k < 3; k++) {
        [a[p][k], a[q][k]] = [cosine * a[p][k] - sine * a[q][k], sine * a[p][k] + cosine * a[q][k]];
        [vectors[k][p], vectors[k][q]] = [cosine * vectors[k][p] - sine * vectors[k][q], sine * vectors[k][p] + cosine * vectors[k][q]];
      }
    }
  }
  const best = [0, 1, 2].reduce((one, other) => (a[other][other] >= a[one][one] ? other : one), 0);
  return vectors.map((row) => row[best]);
}

/** @param {Plane} grey */
export function darkInk(grey) {
  const paper = closed(grey);
  return mapped(grey, (value, at) => (paper.data[at] - value) / Math.max(paper.data[at], LEAST_PAPER));
}

/** @param {Plane} grey */
export function lightInk(grey) {
  const paper = closed(mapped(grey, (value) => -value));
  return mapped(grey, (value, at) => value + paper.data[at]);
}

/**
 * @param {Plane} grey
 * @returns {Plane} the paper without dark strokes
 */
function closed(grey) {
  const { width, height } = grey;
  const scale = Math.min(1, COARSE_SIDE / Math.max(height, width));
  const size = [Math.max(1, rint(width * scale)), Math.max(1, rint(height * scale))];
  const floats = { width, height, data: Float32Array.from(grey.data) };
  const small = resized(floats, size[0], size[1], BOX);
  const coarse = scale < 1 ? medianOfNine(small) : small;
  const window = Math.min(rint(STROKE * Math.max(...size)), Math.min(...size) - 1) + 1;
  const paper = closing(coarse, window);
  return resized({ ...paper, data: Float32Array.from(paper.data) }, width, height, BICUBIC);
}

/**
 * @param {Plane} plane
 * @returns {Plane}
 */
function medianOfNine({ width, height, data }) {
  const made = new Float32Array(data.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const around = [];
      for (let y = row - 1; y <= row + 1; y++) {
        for (let x = column - 1; x <= column + 1; x++) {
          around.push(data[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))]);
        }
      }
      made[row * width + column] = median(around);
    }
  }
  return { width, height, data: made };
}

/**
 * Beyond its edges the plane goes on as it falls or rises there.
 * @param {Plane} plane
 * @param {number} window
 * @returns {Plane}
 */
function closing(plane, window) {
  const filled = largestOf(padded(plane, window - 1), window);
  const negative = largestOf(mapped(filled, (value) => -value), window);
  return mapped(negative, (value) => -value);
}

/**
 * @param {Plane} plane
 * @param {number} margin
 * @returns {Plane}
 */
function padded({ width, height, data }, margin) {
  const [wide, high] = [width + 2 * margin, height + 2 * margin];
  const tall = new Float64Array(width * high);
  for (let column = 0; column < width; column++) {
    for (let row = 0; row < high; row++) {
      tall[row * width + column] = reflected((at) => data[at * width + column], height, row - margin);
    }
  }
  const made = new Float64Array(wide * high);
  for (let row = 0; row < high; row++) {
    for (let column = 0; column < wide; column++) {
      made[row * wide + column] = reflected((at) => tall[row * width + at], width, column - margin);
    }
  }
  return { width: wide, height: high, data: made };
}

/**
 * @param {(at: number) => number} line
 * @param {number} length
 * @param {number} at
 */
function reflected(line, length, at) {
  if (at < 0) return 2 * line(0) - line(-at);
  if (at >= length) return 2 * line(length - 1) - line(2 * (length - 1) - at);
  return line(at);
}

/**
 * The largest of each window that lies wholly inside.
 * @param {Plane} plane
 * @param {number} window
 * @returns {Plane}
 */
function largestOf({ width, height, data }, window) {
  const [narrow, low] = [width - window + 1, height - window + 1];
  const columns = new Float64Array(width * low);
  for (let at = 0; at < columns.length; at++) {
    let most = data[at];
    for (let other = 1; other < window; other++) most = Math.max(most, data[at + other * width]);
    columns[at] = most;
  }
  const made = new Float64Array(narrow * low);
  for (let row = 0; row < low; row++) {
    for (let column = 0; column < narrow; column++) {
      let most = columns[row * width + column];
      for (let other = 1; other < window; other++) most = Math.max(most, columns[row * width + column + other]);
      made[row * narrow + column] = most;
    }
  }
  return { width: narrow, height: low, data: made };
}
