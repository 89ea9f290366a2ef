/**
 * Reads a drawing of one digit, and makes it like those of MNIST: a twin of
 * measure/digit_picture.py, where it is explained. A picture of more than 400 pixels is scaled down
 * in one step here, and one of two colours is not searched for a printer's dots.
 */

import { heightOf, sizeOf } from "./digit/components.js";
import { amountOf, AT_EDGE, findMarks, RULED } from "./digit/marks.js";
import { group, inOrder } from "./digit/order.js";
import { darkInk, greyOf, lightInk } from "./digit/paper.js";
import { largest, mapped, median, quantile, rint, sum } from "./digit/plane.js";
import { BILINEAR, BOX as AREA, resized } from "./digit/resample.js";

/** @typedef {import("./source.js").Picture} Picture */
/** @typedef {import("./digit/plane.js").Plane} Plane */
/** @typedef {import("./digit/plane.js").Mask} Mask */
/** @typedef {import("./digit/components.js").Mark} Mark */
/** @typedef {import("./digit/marks.js").Sheet} Sheet */

export const SIDE = 28;
const WORKING_SIDE = 400;
const BOX = 20;
const CENTRE = 14;
const THINNEST = 2;
const MOST_DIGITS = 20;
const LEAST = 1 / 60;
const TALLER = 1.25;
const TINY = 64;
const MARGIN = 8;
const WAY_OUT = "Draw one digit, dark on light or light on dark, and leave a margin around it.";

/** A drawing in which no one digit can be read; its message is for people. */
export class PictureError extends Error {}

/**
 * @param {Picture} picture
 * @returns {{pixels: Uint8Array, note: string}} 28 x 28, 0 for paper to 255; and what was left out
 */
export function readDigit(picture) {
  const colours = ready(picture);
  const [{ width, height }] = colours;
  const sheet = sheetOf(colours);
  if (sheet.marks.length === 0) throw new PictureError(emptiness(sheet, width, height));
  if (Math.max(...sheet.marks.map(sizeOf)) < LEAST * Math.max(width, height)) {
    throw new PictureError(
      `The drawing has nothing but specks: no mark in it is as long as a ${rint(1 / LEAST)}th of the ` +
        "picture. Go nearer, or take more light or a darker pen.",
    );
  }
  const { digits: parts, strays } = group(sheet.marks);
  const digits = inOrder(parts);
  if (digits === null || digits.length > MOST_DIGITS) {
    throw new PictureError(`The drawing has ${parts.length} marks of a digit's size, and not in one row. ${WAY_OUT}`);
  }
  if (digits.length > 1) {
    throw new PictureError(
      `The drawing has ${digits.length} digits side by side, and one is read. Clear it, and draw one.`,
    );
  }
  const leftOut = [...sheet.leftOut, /** @type {const} */ (["smaller mark", strays.length])];
  const words = leftOut.filter(([, count]) => count > 0).map(([what, count]) => counted(count, what));
  return { pixels: placed(sheet, digits[0]), note: words.length > 0 ? `Left out: ${words.join(", ")}.` : "" };
}

/**
 * @param {Picture} picture
 * @returns {Plane[]} one plane of bytes, or three, of at most 400 x 400
 */
function ready({ width, height, pixels, rgba }) {
  const planes = rgba === undefined
    ? [{ width, height, data: new Uint8Array(pixels) }]
    : [0, 1, 2].map((channel) => ({ width, height, data: onWhite(rgba, channel) }));
  const scale = WORKING_SIDE / Math.max(width, height);
  if (scale >= 1) return planes;
  const size = [Math.max(1, rint(width * scale)), Math.max(1, rint(height * scale))];
  return planes.map((plane) => resized(plane, size[0], size[1], AREA));
}

/**
 * @param {Uint8ClampedArray} rgba
 * @param {number} channel
 */
function onWhite(rgba, channel) {
  return Uint8Array.from({ length: rgba.length / 4 }, (_, at) => {
    const opacity = rgba[4 * at + 3] / 255;
    return rint(rgba[4 * at + channel] * opacity + 255 * (1 - opacity));
  });
}

/**
 * @param {Plane[]} colours
 * @returns {Sheet} the marks in dark or in light ink
 */
function sheetOf(colours) {
  const [{ width, height }] = colours;
  const grey = greyOf(Math.max(width, height) <= TINY ? colours.map(framed) : colours);
  const sheets = [findMarks(grey, darkInk(grey), true), findMarks(grey, lightInk(grey), false)];
  /** @param {Sheet} sheet */
  const tall = (sheet) => (sheet.marks.length > 0 ? heightOf(sheet.marks[0]) : 0);
  const [low, high] = tall(sheets[1]) < tall(sheets[0]) ? [sheets[1], sheets[0]] : sheets;
  if (tall(high) > TALLER * tall(low)) return high;
  return amountOf(sheets[1]) > amountOf(sheets[0]) ? sheets[1] : sheets[0];
}

/**
 * @param {Plane} plane
 * @returns {Plane} with a margin of its own paper
 */
function framed({ width, height, data }) {
  const border = [...data.subarray(0, width), ...data.subarray(data.length - width)];
  const made = { width: width + 2 * MARGIN, height: height + 2 * MARGIN };
  const pixels = new Uint8Array(made.width * made.height).fill(Math.trunc(median(border)));
  for (let row = 0; row < height; row++) {
    pixels.set(data.subarray(row * width, (row + 1) * width), (row + MARGIN) * made.width + MARGIN);
  }
  return { ...made, data: pixels };
}

/**
 * @param {Sheet} sheet
 * @param {number} width
 * @param {number} height
 */
function emptiness(sheet, width, height) {
  const atEdge = sheet.leftOut.get(AT_EDGE) ?? 0;
  if (atEdge > 0) {
    return `The drawing has no mark that stands clear of its edges, which ${counted(atEdge, "mark")} reach. ${WAY_OUT}`;
  }
  if (Math.max(width, height) > MOST_DIGITS * Math.min(width, height)) {
    return `The drawing is more than ${MOST_DIGITS} times as long as it is wide. ${WAY_OUT}`;
  }
  return `The drawing is empty: nothing stands out from the paper. ${WAY_OUT}`;
}

/**
 * @param {number} count
 * @param {string} what
 */
function counted(count, what) {
  if (what === RULED) return what;
  return `${count} ${count > 1 ? what.replace(/mark|frame|speck/, "$&s") : what}`;
}

/**
 * @param {Sheet} sheet
 * @param {Mark[]} digit
 * @returns {Uint8Array} as an image of MNIST's kind
 */
function placed({ ink, labels }, digit) {
  const numbers = new Set(digit.map((mark) => mark.number));
  /** @type {Mask} */
  const inside = { ...labels, data: Uint8Array.from(labels.data, (number) => Number(numbers.has(number))) };
  const strongest = quantile(Array.from(ink.data).filter((_, at) => inside.data[at]), 0.75);
  const near = largest(inside, 1);
  const shares = mapped(ink, (value, at) => (near.data[at] ? Math.min(1, Math.max(0, value / strongest)) : 0));
  const box = boxOf(inside);
  const size = Math.max(box.bottom - box.top, box.right - box.left);
  const thick = thickEnough(shares, inside, size);
  return centred(fitted(cut(thick, boxOf(thick))));
}

/**
 * @param {Plane} plane
 * @returns {{top: number, bottom: number, left: number, right: number}} around what is not 0
 */
function boxOf({ width, height, data }) {
  const box = { top: height, bottom: 0, left: width, right: 0 };
  for (let at = 0; at < data.length; at++) {
    if (data[at] === 0) continue;
    const column = at % width;
    const row = (at - column) / width;
    box.top = Math.min(box.top, row);
    box.bottom = Math.max(box.bottom, row + 1);
    box.left = Math.min(box.left, column);
    box.right = Math.max(box.right, column + 1);
  }
  return box;
}

/**
 * @param {Plane} plane
 * @param {{top: number, bottom: number, left: number, right: number}} box
 * @returns {Plane}
 */
function cut({ width, data }, { top, bottom, left, right }) {
  const made = { width: right - left, height: bottom - top };
  const pixels = new Float32Array(made.width * made.height);
  for (let row = top; row < bottom; row++) {
    pixels.set(data.subarray(row * width + left, row * width + right), (row - top) * made.width);
  }
  return { ...made, data: pixels };
}

/**
 * @param {Plane} ink
 * @param {Mask} inside
 * @param {number} size
 * @returns {Plane} with strokes that do not vanish as it is scaled down
 */
function thickEnough(ink, inside, size) {
  const { width, height, data } = inside;
  let [area, outline] = [0, 0];
  for (let at = 0; at < data.length; at++) {
    if (!data[at]) continue;
    const column = at % width;
    const row = (at - column) / width;
    const isInner = row > 0 && row < height - 1 && column > 0 && column < width - 1 &&
      data[at - width] && data[at + width] && data[at - 1] && data[at + 1];
    area++;
    outline += isInner ? 0 : 1;
  }
  const missing = (THINNEST * size) / BOX - (2 * area) / Math.max(1, outline);
  if (missing <= 1) return ink;
  const bytes = { ...ink, data: Uint8Array.from(ink.data, (value) => rint(255 * value)) };
  return mapped(largest(bytes, rint(missing / 2)), (value) => value / 255);
}

/**
 * @param {Plane} digit
 * @returns {Plane} its longer side has 20 pixels
 */
function fitted(digit) {
  const scale = BOX / Math.max(digit.width, digit.height);
  return resized(digit, Math.max(1, rint(digit.width * scale)), Math.max(1, rint(digit.height * scale)), BILINEAR);
}

/**
 * @param {Plane} digit of at most 20 x 20
 * @returns {Uint8Array} in 28 x 28, its centre of mass in the middle
 */
function centred({ width, height, data }) {
  const mass = sum(data);
  let [down, across] = [0, 0];
  for (let at = 0; at < data.length; at++) {
    down += data[at] * Math.floor(at / width);
    across += data[at] * (at % width);
  }
  const row = Math.min(Math.max(rint(CENTRE - down / mass), 0), SIDE - height);
  const column = Math.min(Math.max(rint(CENTRE - across / mass), 0), SIDE - width);
  const pixels = new Uint8Array(SIDE * SIDE);
  for (let at = 0; at < data.length; at++) {
    const place = (row + Math.floor(at / width)) * SIDE + column + (at % width);
    pixels[place] = rint(Math.min(1, Math.max(0, data[at])) * 255);
  }
  return pixels;
}
