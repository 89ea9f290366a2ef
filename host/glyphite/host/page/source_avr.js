/** The emulated Arduino Uno in this page: the board's own firmware, run by avr8js in a worker. */

import { bytesOf, Model } from "./facts.js";
import { Session } from "./wire/session.js";
import { workerOf } from "./workers.js";

/** @typedef {import("./facts.js").Facts} Facts */
/** @typedef {import("./source.js").Answer} Answer */
/** @typedef {import("./source.js").BoardState} BoardState */
/** @typedef {import("./source.js").ModelInfo} ModelInfo */
/** @typedef {import("./source.js").Picture} Picture */
/** @typedef {import("./source.js").Values} Values */
/** @typedef {import("./source.js").Source} Source */
/** @typedef {import("./wire/session.js").Line} Line */

/** A slow machine is no bad line: here nothing is lost, so it is waited for so many times longer. */
const PATIENCE = 20;

/**
 * The line to the worker.
 * @implements {Line}
 */
export class WorkerLine {
  /**
   * @param {Worker} worker
   * @param {Uint8Array} flash
   */
  constructor(worker, flash) {
    this.name = "the emulated Uno";
    /** @type {((bytes: Uint8Array) => void) | null} */
    this.onBytes = null;
    /** How many times as fast as the chip it runs. */
    this.ratio = NaN;
    /** Bytes that the chip would have lost. */
    this.overruns = 0;
    this._worker = worker;
    worker.onmessage = (event) => {
      this.ratio = event.data.ratio;
      this.overruns = event.data.overruns;
      this.onBytes?.(event.data.bytes);
    };
    worker.postMessage({ type: "flash", flash });
  }

  /** @param {Uint8Array} bytes */
  send(bytes) {
    this._worker.postMessage({ type: "bytes", bytes });
  }

  now() {
    return performance.now() / PATIENCE;
  }

  /**
   * @param {number} milliseconds
   * @returns {Promise<void>}
   */
  pause(milliseconds) {
    return new Promise((resolve) => setTimeout(resolve, milliseconds * PATIENCE));
  }
}

/** @implements {Source} */
export class AvrSource {
  /** @param {Facts} facts */
  constructor(facts) {
    this.name = `emulated ${facts.boardTitle} in this page`;
    this.model = new Model(facts);
    this.sample = this.model.sample;
    /** @type {BoardState} */
    this._state = { state: "connecting", text: "The emulated board is starting." };
    /** @type {(state: BoardState) => void} */
    this._listener = () => {};
    /** @type {Worker | null} */
    this._worker = null;
    /** @type {Session | null} */
    this._session = null;
    /** @type {WorkerLine | null} */
    this.line = null;
  }

  /** @returns {Promise<ModelInfo>} */
  async open() {
    const { facts } = this.model;
    this._worker = workerOf("avr-worker");
    this.line = new WorkerLine(this._worker, bytesOf(facts.flash));
    this._session = new Session(this.line, facts.sha256);
    const board = await this._session.hello();
    this._tell({
      state: "connected", text: `${facts.boardTitle}, emulated in this page by avr8js: the program that a real one is flashed with.`,
      board: board.board, model: board.modelName, sha256: board.modelSha256,
    });
    return facts.model;
  }

  async close() {
    this._session?.close();
    this._worker?.terminate();
    this._session = null;
    this._tell({ state: "connecting", text: "The emulated board is starting." });
  }

  /** @param {(state: BoardState) => void} listener */
  onState(listener) {
    this._listener = listener;
    listener(this._state);
  }

  /**
   * @param {Picture | Values} asked
   * @returns {Promise<Answer>}
   */
  async read(asked) {
    const session = this._session;
    const line = this.line;
    if (session === null || line === null) throw new Error("The emulated board is not connected.");
    const input = await this.model.input(asked);
    const told = await session.infer(input.tensor);
    const note = `Here it ran ${speed(line.ratio)} the chip's speed.`;
    return this.model.answer(input, told.scores, told.milliseconds, "on the real chip", note);
  }

  /** @param {BoardState} state */
  _tell(state) {
    this._state = state;
    this._listener(state);
  }
}

/** @param {number} ratio */
function speed(ratio) {
  return ratio >= 10 ? `${ratio.toFixed(0)} times` : ratio >= 1 ? `${ratio.toFixed(1)} times` : `at ${(100 * ratio).toFixed(0)} % of`;
}
