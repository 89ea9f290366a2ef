/** Pictures from files, dropped or pasted or chosen. */

import { grayOf } from "./canvas.js";

/** @typedef {import("./source.js").Picture} Picture */

/** Pixels of a side: `glyphite predict` scales larger pictures down to this, too. */
const MOST_SIDE = 400;
/** Of a whole picture, as `glyphite predict` has it: decoding more takes seconds and gigabytes. */
const MOST_PIXELS = 50_000_000;

/**
 * @param {File} file
 * @returns {Promise<Picture>} in colours; what is transparent lies on white or, where the rest is
 *   light, on black
 */
export async function pictureOf(file) {
  const name = file.name || "What was pasted";
  const size = await sizeOf(file);
  if (size.width * size.height > MOST_PIXELS) {
    throw new Error(
      `${name} has ${size.width}x${size.height} pixels, and at most ${MOST_PIXELS.toLocaleString("en")} are read. ` +
        "Scale the picture down or cut the digit out.",
    );
  }
  let image;
  try {
    image = await createImageBitmap(file);
  } catch {
    throw new Error(`${name} is no picture that this browser reads.`);
  }
  const scale = Math.min(1, MOST_SIDE / Math.max(image.width, image.height));
  const width = Math.max(1, Math.round(image.width * scale));
  const height = Math.max(1, Math.round(image.height * scale));
  const context = new OffscreenCanvas(width, height).getContext("2d");
  if (context === null) throw new Error("This browser has no canvas.");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  const ground = groundOf(context.getImageData(0, 0, width, height).data);
  context.globalCompositeOperation = "destination-over";
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  const rgba = context.getImageData(0, 0, width, height).data;
  return { width, height, pixels: grayOf(rgba), rgba };
}

/**
 * @param {File} file
 * @returns {Promise<{width: number, height: number}>} as its head says, before all is decoded; 0 of no picture
 */
async function sizeOf(file) {
  const image = new Image();
  const address = URL.createObjectURL(file);
  try {
    await new Promise((resolve) => {
      image.onload = image.onerror = resolve;
      image.src = address;
    });
    return { width: image.naturalWidth, height: image.naturalHeight };
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** @param {Uint8ClampedArray} rgba */
function groundOf(rgba) {
  let light = 0;
  let opaque = 0;
  for (let at = 0; at < rgba.length; at += 4) {
    const opacity = (rgba[at + 3] ?? 0) / 255;
    light += (opacity * ((rgba[at] ?? 0) + (rgba[at + 1] ?? 0) + (rgba[at + 2] ?? 0))) / 3;
    opaque += opacity * 255;
  }
  return light < opaque / 2 ? "#fff" : "#000";
}

/**
 * Take pictures that are dropped on `target`, pasted anywhere, or chosen with `input`.
 * @param {HTMLElement} target
 * @param {HTMLInputElement} input
 * @param {(file: File) => void} take
 */
export function listenForFiles(target, input, take) {
  const first = (/** @type {FileList | undefined} */ files) => {
    const file = files?.[0];
    if (file !== undefined) take(file);
    return file !== undefined;
  };
  input.addEventListener("change", () => {
    first(input.files ?? undefined);
    input.value = "";
  });
  document.addEventListener("paste", (event) => {
    if (first(event.clipboardData?.files)) event.preventDefault();
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    target.classList.add("dropping");
  });
  document.addEventListener("dragleave", () => target.classList.remove("dropping"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    target.classList.remove("dropping");
    first(event.dataTransfer?.files);
  });
}
