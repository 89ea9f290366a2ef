/** The drawing: strokes by mouse, touch, pen and keys, undone one by one; or a picture. */

/** @typedef {import("./source.js").Picture} Picture */
/** @typedef {{x: number, y: number}} Point */
/**
 * A step of the drawing, in its order: the last picture or clearing is what strokes lie on.
 * @typedef {{points: Point[]} | {picture: Picture} | {cleared: true}} Step
 */

/** Units of a side of the drawing, which are pixels of what is read. */
export const SIDE = 280;
/** Paper around it: a digit may reach the edge of the canvas, and none is cut off there. */
export const MARGIN = 24;
/** Of a stroke: MNIST's are about an eighth of a digit's height. */
export const STROKE = 20;
const STEP = 10;
const FINE_STEP = 2;
const KEYS = new Map([
  ["ArrowLeft", { x: -1, y: 0 }],
  ["ArrowRight", { x: 1, y: 0 }],
  ["ArrowUp", { x: 0, y: -1 }],
  ["ArrowDown", { x: 0, y: 1 }],
]);

export class Drawing {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} changed called after each change
   * @param {(text: string) => void} say for a screen reader: what the keys did
   */
  constructor(canvas, changed, say) {
    this.canvas = canvas;
    this.changed = changed;
    this.say = say;
    /** Whether strokes may be drawn; else it shows pictures alone. */
    this.enabled = true;
    /** @type {Step[]} */
    this.steps = [];
    /** @type {{id: number, points: Point[]} | null} */
    this.stroke = null;
    /** @type {{at: Point, points: Point[] | null, shown: boolean}} */
    this.pen = { at: { x: SIDE / 2, y: SIDE / 2 }, points: null, shown: false };
    this._listen();
    this._paint();
  }

  get isEmpty() {
    const last = this.steps.at(-1);
    return last === undefined || "cleared" in last;
  }

  clear() {
    this.pen.points = null;
    this.stroke = null;
    if (!this.isEmpty) this._add({ cleared: true });
  }

  undo() {
    this.pen.points = null;
    if (this.steps.pop() !== undefined) this._changed();
  }

  /** @param {Picture} picture in the place of what is there */
  show(picture) {
    this._add({ picture });
  }

  /**
   * What is to be read; null where nothing is drawn.
   * @returns {Picture | null}
   */
  picture() {
    if (this.isEmpty) return null;
    const last = this.steps.at(-1);
    if (last !== undefined && "picture" in last) return last.picture;
    const side = SIDE + 2 * MARGIN;
    const ink = new OffscreenCanvas(side, side);
    const context = ink.getContext("2d", { willReadFrequently: true });
    if (context === null) throw new Error("This browser has no canvas.");
    context.fillStyle = "#000";
    context.fillRect(0, 0, side, side);
    context.translate(MARGIN, MARGIN);
    this._draw(context);
    const { data } = context.getImageData(0, 0, side, side);
    return { width: side, height: side, pixels: grayOf(data) };
  }

  /** @param {Step} step */
  _add(step) {
    this.steps.push(step);
    this._changed();
  }

  _changed() {
    this._paint();
    this.changed();
  }

  _paint() {
    const context = this.canvas.getContext("2d");
    if (context === null) return;
    const scale = this.canvas.width / SIDE;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, SIDE, SIDE);
    this._draw(context);
    if (this.pen.shown && this.enabled) drawPen(context, this.pen.at, this.pen.points !== null);
  }

  /** @param {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} context */
  _draw(context) {
    const ground = this.steps.findLastIndex((step) => !("points" in step));
    const base = this.steps[ground];
    if (base !== undefined && "picture" in base) drawPicture(context, base.picture);
    for (const step of this.steps.slice(ground + 1)) {
      if ("points" in step) drawStroke(context, step.points);
    }
  }

  _listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this._begin(event));
    canvas.addEventListener("pointermove", (event) => this._move(event));
    for (const kind of /** @type {const} */ (["pointerup", "pointercancel", "lostpointercapture"])) {
      canvas.addEventListener(kind, (event) => {
        if (this.stroke?.id === event.pointerId) this.stroke = null;
      });
    }
    canvas.addEventListener("keydown", (event) => this._key(event));
    canvas.addEventListener("focus", () => this._showPen(canvas.matches(":focus-visible")));
    canvas.addEventListener("blur", () => this._showPen(false));
  }

  /** @param {boolean} shown */
  _showPen(shown) {
    this.pen.shown = shown;
    if (!shown) this.pen.points = null;
    this._paint();
  }

  /** @param {PointerEvent} event */
  _begin(event) {
    if (!this.enabled || this.stroke !== null || event.button !== 0) return;
    this.pen.points = null;
    this.pen.shown = false;
    this.canvas.setPointerCapture(event.pointerId);
    this.stroke = { id: event.pointerId, points: [this._place(event)] };
    this._add({ points: this.stroke.points });
  }

  /** @param {PointerEvent} event */
  _move(event) {
    if (this.stroke?.id !== event.pointerId) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const each of all.length ? all : [event]) this.stroke.points.push(this._place(each));
    this._changed();
  }

  /**
   * @param {PointerEvent} event
   * @returns {Point}
   */
  _place(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = SIDE / box.width;
    return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    if (!this.enabled || event.altKey || event.metaKey) return;
    const way = KEYS.get(event.key);
    if (event.ctrlKey && event.key !== "z") return;
    if (way !== undefined) this._walk(way, event.shiftKey ? FINE_STEP : STEP);
    else if (event.key === " ") this._togglePen();
    else if (event.key === "Backspace" || event.ctrlKey) this.undo();
    else if (event.key === "Delete") this.clear();
    else return;
    event.preventDefault();
  }

  /**
   * @param {Point} way
   * @param {number} step
   */
  _walk(way, step) {
    const { pen } = this;
    pen.shown = true;
    pen.at = { x: within(pen.at.x + way.x * step), y: within(pen.at.y + way.y * step) };
    if (pen.points === null) {
      this._paint();
      return;
    }
    pen.points.push(pen.at);
    this._changed();
  }

  _togglePen() {
    const { pen } = this;
    pen.shown = true;
    const where = `${Math.round((100 * pen.at.x) / SIDE)} % from the left, ${Math.round((100 * pen.at.y) / SIDE)} % from the top`;
    if (pen.points === null) {
      pen.points = [pen.at];
      this.say(`Pen down, ${where}.`);
      this._add({ points: pen.points });
    } else {
      pen.points = null;
      this.say(`Pen up, ${where}.`);
      this._paint();
    }
  }
}

/** @param {number} at */
function within(at) {
  return Math.min(SIDE, Math.max(0, at));
}

/**
 * @param {Uint8ClampedArray} rgba
 * @returns {Uint8ClampedArray} gray by ITU-R BT.601
 */
export function grayOf(rgba) {
  const gray = new Uint8ClampedArray(rgba.length / 4);
  for (let at = 0, from = 0; at < gray.length; at++, from += 4) {
    gray[at] = Math.round(0.299 * (rgba[from] ?? 0) + 0.587 * (rgba[from + 1] ?? 0) + 0.114 * (rgba[from + 2] ?? 0));
  }
  return gray;
}

/**
 * @param {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} context
 * @param {Point[]} points
 */
function drawStroke(context, points) {
  const [first, ...rest] = points;
  if (first === undefined) return;
  context.strokeStyle = "#fff";
  context.lineWidth = STROKE;
  context.lineCap = "round";
  context.lineJoin = "round";
  context.beginPath();
  context.moveTo(first.x, first.y);
  for (const point of rest.length ? rest : [first]) context.lineTo(point.x, point.y);
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Point} at
 * @param {boolean} down
 */
function drawPen(context, at, down) {
  context.lineWidth = 3;
  context.strokeStyle = down ? "#ffb000" : "#4c94ff";
  context.beginPath();
  context.arc(at.x, at.y, STROKE / 2 + 3, 0, 2 * Math.PI);
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} context
 * @param {Picture} picture as large as fits
 */
function drawPicture(context, picture) {
  const image = new OffscreenCanvas(picture.width, picture.height);
  image.getContext("2d")?.putImageData(imageOf(picture), 0, 0);
  const scale = SIDE / Math.max(picture.width, picture.height);
  const width = picture.width * scale;
  const height = picture.height * scale;
  context.imageSmoothingEnabled = picture.isTensor !== true;
  context.drawImage(image, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
}

/** @param {Picture} picture */
export function imageOf(picture) {
  const image = new ImageData(picture.width, picture.height);
  if (picture.rgba !== undefined) {
    image.data.set(picture.rgba);
    return image;
  }
  const { data } = image;
  picture.pixels.forEach((value, at) => {
    data.fill(value, 4 * at, 4 * at + 3);
    data[4 * at + 3] = 255;
  });
  return image;
}
