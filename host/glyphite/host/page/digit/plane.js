/** Planes of numbers, and what is reckoned of them as NumPy does. */

/**
 * @typedef {object} Plane
 * @property {number} width
 * @property {number} height
 * @property {Float64Array | Float32Array | Uint8Array} data (height * width), row by row
 */

/** @typedef {{width: number, height: number, data: Uint8Array}} Mask 1 where there is ink */

/**
 * @param {number} value
 * @returns {number} halves to even
 */
export function rint(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * @param {Plane} plane
 * @param {(value: number, at: number) => number} change
 * @returns {{width: number, height: number, data: Float64Array}}
 */
export function mapped({ width, height, data }, change) {
  const made = new Float64Array(data.length);
  for (let at = 0; at < made.length; at++) made[at] = change(data[at], at);
  return { width, height, data: made };
}

/**
 * @param {ArrayLike<number>} values
 * @returns {number} NaN of none
 */
export function median(values) {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * @param {number[]} values
 * @param {number} share 0 to 1
 * @returns {number} between two values, on the line from one to the other
 */
export function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  const place = (sorted.length - 1) * share;
  const low = Math.floor(place);
  const [one, other] = [sorted[low], sorted[Math.min(low + 1, sorted.length - 1)]];
  const rest = place - low;
  return rest < 0.5 ? one + (other - one) * rest : other - (other - one) * (1 - rest);
}

/**
 * @param {ArrayLike<number>} values
 * @returns {number}
 */
export function sum(values) {
  let total = 0;
  for (let at = 0; at < values.length; at++) total += values[at];
  return total;
}

/**
 * The largest value within a radius, edges going on as they are.
 * @template {Plane} Kind
 * @param {Kind} plane
 * @param {number} radius
 * @returns {Kind}
 */
export function largest(plane, radius) {
  const { width, height, data } = plane;
  const rows = data.slice();
  for (let at = 0; at < data.length; at++) {
    const column = at % width;
    const row = at - column;
    const end = Math.min(width - 1, column + radius);
    let most = data[at];
    for (let other = Math.max(0, column - radius); other <= end; other++) {
      if (data[row + other] > most) most = data[row + other];
    }
    rows[at] = most;
  }
  const made = rows.slice();
  for (let at = 0; at < data.length; at++) {
    const column = at % width;
    const row = (at - column) / width;
    const end = Math.min(height - 1, row + radius);
    let most = rows[at];
    for (let other = Math.max(0, row - radius); other <= end; other++) {
      if (rows[other * width + column] > most) most = rows[other * width + column];
    }
    made[at] = most;
  }
  return { ...plane, data: made };
}
