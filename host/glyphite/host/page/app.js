/** Puts the page together: what is drawn is asked of a source, the newest alone, and shown. */

import { Bars } from "./bars.js";
import { Drawing, imageOf } from "./canvas.js";
import { listenForFiles, pictureOf } from "./files.js";
import { showState } from "./state.js";

/** @typedef {import("./source.js").Answer} Answer */
/** @typedef {import("./source.js").BoardState} BoardState */
/** @typedef {import("./source.js").ModelInfo} ModelInfo */
/** @typedef {import("./source.js").Picture} Picture */
/** @typedef {import("./source.js").Sample} Sample */
/** @typedef {import("./source.js").Source} Source */
/** @typedef {import("./source.js").Values} Values */

/** Between two requests while one draws: six a second at most. */
const PAUSE_MILLISECONDS = 160;
/** Without a change, after which the answer is spoken. */
const SPOKEN_MILLISECONDS = 700;
const SURE = 0.9;

/**
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
function part(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page lacks its part ${id}.`);
  return found;
}

/** @param {number} milliseconds */
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** @param {Source[]} sources the first is opened at once; the others are offered in a list */
export function start(sources) {
  const [first] = sources;
  if (first === undefined) throw new Error("The page has no source of answers.");
  const page = new Page();
  offer(sources, page);
  void page.use(first);
}

/**
 * @param {Source[]} sources
 * @param {Page} page
 */
function offer(sources, page) {
  const form = part("sources", HTMLFormElement);
  const list = part("source", HTMLSelectElement);
  list.append(...sources.map((each, index) => new Option(each.name, String(index))));
  form.hidden = sources.length < 2;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = sources[Number(list.value)];
    if (chosen !== undefined) void page.use(chosen);
  });
}

class Page {
  constructor() {
    /** @type {Source | null} */
    this.source = null;
    /** @type {ModelInfo | null} */
    this.model = null;
    /** @type {Bars | null} */
    this.bars = null;
    /** @type {(() => Picture | Values | null) | null} */
    this.wanted = null;
    this.busy = false;
    this.sampling = false;
    /** How many files were handed in: the newest is shown. */
    this.handed = 0;
    /** What is said of the picture that is handed in, beside what its answer says. */
    this.about = "";
    this.spoken = 0;
    /** @type {BoardState["state"]} */
    this.state = "connecting";
    this.note = part("note", HTMLElement);
    this.answer = part("answer", HTMLElement);
    this.answering = part("answering", HTMLElement);
    this.undo = part("undo", HTMLButtonElement);
    this.values = part("values", HTMLTextAreaElement);
    const pen = part("pen", HTMLElement);
    this.drawing = new Drawing(part("canvas", HTMLCanvasElement), () => this._drawn(), (text) => {
      pen.textContent = text;
    });
    this._listen();
  }

  /** @param {Source} source to ask from now on */
  async use(source) {
    const former = this.source;
    this.source = source;
    this.model = null;
    try {
      await former?.close();
      source.onState((state) => this.source === source && this._told(state));
      const model = await source.open();
      if (this.source === source) this._know(model, source);
    } catch (error) {
      this._complain(error);
    }
  }

  /**
   * @param {ModelInfo} model
   * @param {Source} source
   */
  _know(model, source) {
    this.model = model;
    this.bars = new Bars(part("bars", HTMLTableElement), model);
    const byValues = model.kind === "values";
    const sample = part("sample", HTMLButtonElement);
    sample.hidden = source.sample === null;
    sample.textContent = byValues ? "Test sample" : "Test image";
    this.drawing.enabled = model.kind === "digits";
    part("canvas", HTMLElement).hidden = byValues;
    part("by-values", HTMLElement).hidden = !byValues;
    part("ask", HTMLElement).hidden = !byValues;
    part("open-label", HTMLElement).hidden = byValues;
    this.undo.hidden = byValues;
    if (model.kind !== "digits") describe(model);
    this._drawn();
  }

  /** @param {BoardState} told */
  _told(told) {
    const places = { state: part("state", HTMLElement), text: part("state-text", HTMLElement), model: part("model", HTMLElement) };
    showState(places, told);
    const back = told.state === "connected" && this.state !== "connected";
    this.state = told.state;
    if (back && this.model !== null) this._drawn();
  }

  _listen() {
    part("clear", HTMLElement).addEventListener("click", () => {
      this.values.value = "";
      this.drawing.clear();
      this._drawn();
    });
    this.undo.addEventListener("click", () => this.drawing.undo());
    part("sample", HTMLElement).addEventListener("click", () => void this._sample());
    part("ask", HTMLElement).addEventListener("click", () => this._drawn());
    listenForFiles(part("canvas", HTMLElement), part("open", HTMLInputElement), (file) => {
      if (this.model?.kind === "values") return;
      void this._take(file);
    });
  }

  /** @param {File} file dropped, pasted or chosen */
  async _take(file) {
    const number = ++this.handed;
    try {
      const picture = await pictureOf(file);
      if (number === this.handed) this.drawing.show(picture);
    } catch (error) {
      if (number === this.handed) this._tellOf(messageOf(error));
    }
  }

  async _sample() {
    if (this.sampling) return;
    this.sampling = true;
    try {
      const sample = await this.source?.sample?.();
      if (sample === undefined) return;
      if (sample.picture !== undefined) this.drawing.show(sample.picture);
      if (sample.values !== undefined) {
        this.values.value = sample.values.map((value) => String(Number(value.toPrecision(6)))).join(" ");
        this._drawn();
      }
      if (sample.label) this._tellOf(`A test sample; right is ${sample.label}.`);
    } catch (error) {
      this._tellOf(messageOf(error));
    } finally {
      this.sampling = false;
    }
  }

  /** What is to be read has changed. */
  _drawn() {
    clearTimeout(this.spoken);
    this._tellOf("");
    this.undo.disabled = this.drawing.steps.length === 0;
    this.answering.ariaBusy = "true";
    this.wanted = () => this.model?.kind === "values" ? valuesIn(this.values.value) : this.drawing.picture();
    void this._pump();
  }

  /** Ask for the newest, one after the other. */
  async _pump() {
    if (this.busy) return;
    this.busy = true;
    while (this.wanted !== null && this.source !== null && this.model !== null) {
      const { source, wanted } = this;
      this.wanted = null;
      try {
        const asked = wanted();
        if (asked === null) this._blank();
        else this._show(await source.read(asked));
      } catch (error) {
        this.answer.classList.add("stale");
        this._complain(error);
      }
      if (this.wanted === null) this.answering.ariaBusy = "false";
      await pause(PAUSE_MILLISECONDS);
    }
    this.busy = false;
  }

  _blank() {
    this.answer.textContent = "\u00a0";
    this.answer.classList.remove("stale");
    part("spoken", HTMLElement).textContent = "";
    part("seen", HTMLElement).hidden = true;
    this.bars?.clear();
  }

  /** @param {Answer} answer */
  _show(answer) {
    const [engine] = answer.engines;
    const cleared = this.wanted !== null && this.drawing.isEmpty && this.model?.kind !== "values";
    if (engine === undefined || this.model === null || cleared) return;
    this.bars?.show(answer);
    showSeen(answer);
    const best = engine.scores.indexOf(Math.max(...engine.scores));
    const label = this.model.shares ? (this.model.labels[best] ?? String(best)) : numbers(engine.scores);
    this.answer.textContent = label;
    this.answer.classList.toggle("words", label.length > 2);
    this.answer.classList.remove("stale");
    const doubt = this.model.shares && (engine.scores[best] ?? 0) < SURE ? "It is not sure." : "";
    const away = engine.name === "board" ? "" : "The board does not answer now, so this PC does.";
    this._say([away, doubt, answer.note ?? ""]);
    clearTimeout(this.spoken);
    this.spoken = window.setTimeout(() => speak(engine, label, best), SPOKEN_MILLISECONDS);
  }

  /** @param {unknown} error why there is no answer */
  _complain(error) {
    this._say([messageOf(error)]);
  }

  /** @param {string} text of the picture that is handed in now */
  _tellOf(text) {
    this.about = text;
    this._say([]);
  }

  /** @param {string[]} notes of the answer now, in place of those of the one before */
  _say(notes) {
    this.note.textContent = [this.about, ...notes].filter(Boolean).join(" ");
  }
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Words for a model that reads no digits.
 * @param {ModelInfo} model
 */
function describe(model) {
  const shape = model.shape.join(" x ");
  const count = model.shape.reduce((product, size) => product * size, 1);
  const byValues = model.kind === "values";
  part("title", HTMLElement).textContent = byValues ? "Give values, and the board answers" : "Show a picture, and the board answers";
  part("asking-title", HTMLElement).textContent = byValues ? "Values" : "Picture";
  part("values-label", HTMLElement).textContent = `${count} numbers, of shape ${shape}, row by row`;
  part("canvas", HTMLElement).setAttribute("aria-label", "The picture");
  part("keys", HTMLElement).textContent = byValues
    ? "Paste them in, with blanks, commas or new lines between them, and choose Ask."
    : `Drop, paste or choose a picture. It is scaled to what the model takes: ${shape}.`;
}

/**
 * @param {string} text
 * @returns {Values | null}
 */
function valuesIn(text) {
  const words = text.split(/[\s,;[\]()]+/).filter(Boolean);
  if (words.length === 0) return null;
  const values = words.map(Number);
  const bad = words.find((_, index) => !Number.isFinite(values[index]));
  if (bad !== undefined) throw new Error(`"${bad}" is no number. Give numbers alone.`);
  return { values };
}

/** @param {number[]} scores */
function numbers(scores) {
  return scores.slice(0, 4).map((score) => score.toPrecision(4)).join(" ") + (scores.length > 4 ? " ..." : "");
}

/** @param {Answer} answer */
function showSeen(answer) {
  const seen = part("seen", HTMLElement);
  seen.hidden = answer.tensor28.length === 0;
  if (seen.hidden) return;
  const canvas = part("seen-canvas", HTMLCanvasElement);
  canvas.width = answer.width;
  canvas.height = answer.height;
  const picture = { width: answer.width, height: answer.height, pixels: new Uint8ClampedArray(answer.tensor28) };
  canvas.getContext("2d")?.putImageData(imageOf(picture), 0, 0);
}

/**
 * @param {import("./source.js").EngineAnswer} engine
 * @param {string} label
 * @param {number} best
 */
function speak(engine, label, best) {
  const who = engine.name === "board" ? "The board" : "This PC";
  const share = engine.scores[best] ?? NaN;
  const sure = Number.isFinite(share) && share <= 1 ? `, ${(100 * share).toFixed(0)} %` : "";
  const bytes = engine.differs === undefined ? "" : engine.differs ? " Its bytes differ." : " Its bytes are right.";
  part("spoken", HTMLElement).textContent = `${who} answers ${label}${sure}.${bytes}`;
}
