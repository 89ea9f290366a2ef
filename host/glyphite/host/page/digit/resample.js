/**
 * Scaling and blurring with the same numbers as Pillow's, whose results the Python twin of this
 * page has: its fixed point for bytes, its 32-bit floats for floats (Pillow's documentation,
 * "Filters"; the blur: P. Gwosdek and others, "Theoretical foundations of Gaussian convolution by
 * extended box filtering", 2011).
 */

/** @typedef {import("./plane.js").Plane} Plane */
/** @typedef {{support: number, at: (x: number) => number}} Filter */

const PRECISION_BITS = 22;
const ONE = 2 ** PRECISION_BITS;

/** @type {Filter} */
export const BOX = { support: 0.5, at: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };
/** @type {Filter} */
export const BILINEAR = { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) };
/** @type {Filter} */
export const BICUBIC = {
  support: 2,
  at: (x) => {
    const a = -0.5;
    const far = Math.abs(x);
    if (far < 1) return ((a + 2) * far - (a + 3)) * far * far + 1;
    return far < 2 ? (((far - 5) * far + 8) * far - 4) * a : 0;
  },
};

/**
 * What each place of a scaled line is the weighted sum of.
 * @param {number} from places of the line
 * @param {number} to places of the scaled one
 * @param {Filter} filter
 * @returns {{first: number, weights: number[]}[]}
 */
function weightsOf(from, to, filter) {
  const scale = from / to;
  const spread = Math.max(1, scale);
  const support = filter.support * spread;
  return Array.from({ length: to }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(from, Math.trunc(centre + support + 0.5));
    const weights = [];
    let total = 0;
    for (let at = first; at < end; at++) {
      const weight = filter.at((at - centre + 0.5) * (1 / spread));
      weights.push(weight);
      total += weight;
    }
    return { first, weights: total === 0 ? weights : weights.map((weight) => weight / total) };
  });
}

/**
 * @param {Plane} plane of floats, or of bytes, which stay bytes
 * @param {number} width
 * @param {number} height
 * @param {Filter} filter
 * @returns {Plane}
 */
export function resized(plane, width, height, filter) {
  const across = width === plane.width ? plane : scaled(plane, width, filter);
  return height === across.height ? across : turned(scaled(turned(across), height, filter));
}

/**
 * @param {Plane} plane
 * @param {number} width
 * @param {Filter} filter
 * @returns {Plane}
 */
function scaled(plane, width, filter) {
  const { height, data } = plane;
  const isBytes = data instanceof Uint8Array;
  const made = isBytes ? new Uint8Array(width * height) : new Float32Array(width * height);
  weightsOf(plane.width, width, filter).forEach(({ first, weights }, column) => {
    const used = isBytes ? weights.map((weight) => Math.trunc(weight * ONE + (weight < 0 ? -0.5 : 0.5))) : weights;
    for (let row = 0; row < height; row++) {
      const start = row * plane.width + first;
      let total = isBytes ? ONE / 2 : 0;
      for (let at = 0; at < used.length; at++) total += data[start + at] * used[at];
      made[row * width + column] = isBytes ? Math.min(255, Math.max(0, Math.floor(total / ONE))) : total;
    }
  });
  return { width, height, data: made };
}

/**
 * @param {Plane} plane
 * @returns {Plane} rows as columns
 */
function turned({ width, height, data }) {
  const made = data.slice();
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) made[column * height + row] = data[row * width + column];
  }
  return { width: height, height: width, data: made };
}

const PASSES = 3;

/**
 * @param {Plane} plane of bytes
 * @param {number} sigma
 * @returns {Plane}
 */
export function blurred(plane, sigma) {
  const radius = boxRadius(sigma);
  let made = plane;
  for (let pass = 0; pass < PASSES; pass++) made = boxBlurred(made, radius);
  made = turned(made);
  for (let pass = 0; pass < PASSES; pass++) made = boxBlurred(made, radius);
  return turned(made);
}

/**
 * @param {number} sigma
 * @returns {number} of boxes that together blur as much; in 32-bit floats
 */
function boxRadius(sigma) {
  const f = Math.fround;
  const square = f(f(f(sigma) * f(sigma)) / PASSES);
  const length = f(Math.sqrt(12 * square + 1));
  const whole = f(Math.floor((length - 1) / 2));
  const above = f(f(2 * whole) + 1);
  const share = f(above * f(f(whole * f(whole + 1)) - f(3 * square)));
  return f(whole + f(share / f(6 * f(square - f(f(whole + 1) * f(whole + 1))))));
}

/**
 * @param {Plane} plane
 * @param {number} radius
 * @returns {Plane}
 */
function boxBlurred({ width, height, data }, radius) {
  const f = Math.fround;
  const whole = Math.trunc(radius);
  const inner = Math.trunc(f(2 ** 24 / f(f(radius * 2) + 1)));
  const outer = Math.floor((2 ** 24 - (whole * 2 + 1) * inner) / 2);
  const made = new Uint8Array(data.length);
  /** @param {number} at */
  const within = (at) => Math.min(width - 1, Math.max(0, at));
  for (let row = 0; row < height; row++) {
    const start = row * width;
    let total = 0;
    for (let at = -whole; at <= whole; at++) total += data[start + within(at)];
    for (let column = 0; column < width; column++) {
      const before = data[start + within(column - whole - 1)];
      const behind = data[start + within(column + whole + 1)];
      made[start + column] = Math.floor((total * inner + (before + behind) * outer + 2 ** 23) / 2 ** 24);
      total += behind - data[start + within(column - whole)];
    }
  }
  return { width, height, data: made };
}
