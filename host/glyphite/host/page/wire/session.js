/** A session with a board: hello, then inferences, each repeated until it is answered. */

import { crc32 } from "./crc32.js";
import { encodeFrame, FrameReader } from "./frame.js";
import {
  CORRUPT, HelloError, helloRequest, inferRequest, OK, parseHello, parseInferAnswer, PROTOCOL,
} from "./messages.js";

/** @typedef {import("./messages.js").Hello} Hello */
/** @typedef {import("./messages.js").InferReply} InferReply */

/**
 * What carries bytes to a board and back.
 * @typedef {object} Line
 * @property {string} name for people
 * @property {(bytes: Uint8Array) => Promise<void> | void} send
 * @property {((bytes: Uint8Array) => void) | null} onBytes set by the session
 * @property {() => number} now milliseconds of a clock: of the line's own, where its time is slower
 * @property {(milliseconds: number) => Promise<void>} pause by that clock
 */

/**
 * One answer that may be believed.
 * @typedef {object} Told
 * @property {Uint8Array} scores the bytes of the output tensors
 * @property {number} ticks of the board's timer
 * @property {number} milliseconds by that timer; NaN where its rate is not known
 */

/** Silences in milliseconds between hellos: a bootloader waits anew with each byte that comes. */
const HELLO_AFTER = [300, 2000, 300, 2700, 4000, 5400];
const FIRST_PATIENCE = 10000;
const LEAST_PATIENCE = 250;
/** So often a request is sent in all. */
const TRIES = 6;
/** After so many answers in a row of another length, or to another input, they are what it sends. */
const ODD = 3;
const STATUSES = new Map([
  [-2, "the input has another size than its model's"],
  [-3, "it does not know how the input is encoded"],
  [-4, "its model could not be set up"],
  [-5, "its model ran and gave nothing"],
]);

/** A board that does not answer, or not as a board of this protocol does. */
export class LinkError extends Error {}

export class Session {
  /**
   * @param {Line} line
   * @param {string} sha256 of the model that the board has to hold; "" takes any
   */
  constructor(line, sha256) {
    this.line = line;
    this.sha256 = sha256;
    /** @type {Hello | null} */
    this.board = null;
    /** How many requests were sent again. */
    this.repeats = 0;
    this._reader = new FrameReader();
    this._request = Math.floor(Math.random() * 0x10000);
    this._patience = FIRST_PATIENCE;
    /** @type {Uint8Array[]} */
    this._messages = [];
    this._closed = false;
    /** @type {() => void} */
    this._wake = () => {};
    line.onBytes = (bytes) => {
      this._messages.push(...this._reader.feed(bytes));
      this._wake();
    };
  }

  /** Wait no more: the line is gone. */
  close() {
    this._closed = true;
    this._wake();
  }

  /**
   * Send hello until the board describes itself. Throws LinkError where it does not answer, is of
   * another protocol or has another model, or is another board than before.
   * @returns {Promise<Hello>}
   */
  async hello() {
    for (const silence of HELLO_AFTER) {
      await this.line.send(encodeFrame(helloRequest()));
      const until = this.line.now() + silence;
      for (;;) {
        const message = await this._next(until);
        if (message === null) break;
        const hello = this._parsed(message);
        if (hello !== null) return this._believed(hello);
      }
    }
    throw new LinkError(
      `The board on ${this.line.name} does not answer. Is it flashed with this model? ` +
        "`glyphite flash` does that.",
    );
  }

  /**
   * @param {Uint8Array} tensor the bytes of the model's input
   * @returns {Promise<Told>}
   */
  async infer(tensor) {
    let board = this.board ?? (await this.hello());
    const crc = crc32(tensor);
    this._request = (this._request + 1) & 0xffff;
    let odd = 0;
    for (let tries = 0; tries < TRIES; tries++) {
      if (tries > 0) this.repeats++;
      this._reader.damaged = 0;
      const begun = this.line.now();
      await this.line.send(encodeFrame(inferRequest(this._request, tensor, board.encodings)));
      const reply = await this._reply(begun + this._patience * 1.5 ** tries);
      if (reply?.status === CORRUPT) continue;
      if (reply !== null && reply.status !== OK) throw this._refused(reply.status, board);
      if (reply !== null && this._isRight(reply, crc, board)) {
        const took = this.line.now() - begun;
        this._patience = Math.max(LEAST_PATIENCE, 4 * took);
        const milliseconds = board.timerHz > 0 ? (1000 * reply.ticks) / board.timerHz : NaN;
        return { scores: reply.scores, ticks: reply.ticks, milliseconds };
      }
      odd = reply === null ? 0 : odd + 1;
      if (odd === ODD) {
        throw new LinkError(
          `The board on ${this.line.name} answers, but ${reply?.inputCrc === crc ? "with another number of scores than its model gives" : "to another input than was sent"}. Flash it anew.`,
        );
      }
      board = await this.hello(); // it may have been reset or changed
    }
    throw new LinkError(
      `The board on ${this.line.name} says hello, and does not answer a request. Press its reset ` +
        "button, or flash it anew.",
    );
  }

  /**
   * The reply to the newest request; null where none came, or a damaged frame in its place.
   * @param {number} until
   * @returns {Promise<InferReply | null>}
   */
  async _reply(until) {
    for (;;) {
      const message = await this._next(until);
      if (message === null) return null;
      const reply = parseInferAnswer(message);
      if (reply !== null && (reply.request === this._request || reply.status === CORRUPT)) return reply;
    }
  }

  /**
   * @param {InferReply} reply
   * @param {number} crc
   * @param {Hello} board
   */
  _isRight(reply, crc, board) {
    const bytes = board.outputs.reduce(
      (sum, { shape, scale }) => sum + shape.reduce((product, length) => product * length, scale ? 1 : 4),
      0,
    );
    return reply.inputCrc === crc && reply.scores.length === bytes;
  }

  /**
   * @param {number} status
   * @param {Hello} board
   */
  _refused(status, board) {
    const why = STATUSES.get(status) ?? `status ${status}`;
    const remark = board.remark ? ` (${board.remark})` : "";
    return new LinkError(`The board on ${this.line.name} refuses: ${why}${remark}. Flash it anew.`);
  }

  /**
   * @param {Uint8Array} message
   * @returns {Hello | null}
   */
  _parsed(message) {
    try {
      return parseHello(message);
    } catch (error) {
      if (!(error instanceof HelloError)) throw error;
      throw new LinkError(`The board on ${this.line.name} cannot be believed: ${error.message}. Flash it anew.`);
    }
  }

  /**
   * @param {Hello} hello
   * @returns {Hello}
   */
  _believed(hello) {
    const { name } = this.line;
    if (hello.protocol !== PROTOCOL) {
      throw new LinkError(
        `The board on ${name} speaks protocol ${hello.protocol}, and this page ${PROTOCOL}. Flash it anew.`,
      );
    }
    if (this.sha256 && hello.modelSha256 !== this.sha256) {
      throw new LinkError(
        `The board on ${name} has another model (${hello.modelName || "without a name"}, ` +
          `${hello.modelSha256.slice(0, 12)}) than this page (${this.sha256.slice(0, 12)}). ` +
          "Flash this page's with `glyphite flash`, or export a page of that model.",
      );
    }
    const before = this.board;
    if (before !== null && (before.board !== hello.board || before.modelSha256 !== hello.modelSha256)) {
      throw new LinkError(`The board on ${name} is another than before. Connect again.`);
    }
    this.board = hello;
    return hello;
  }

  /**
   * The next message; null where none came, or a piece of the line was damaged.
   * @param {number} until
   * @returns {Promise<Uint8Array | null>}
   */
  async _next(until) {
    for (;;) {
      if (this._closed) throw new LinkError(`The board on ${this.line.name} is gone.`);
      const message = this._messages.shift();
      if (message !== undefined) return message;
      const left = until - this.line.now();
      if (left <= 0) return null;
      /** @type {Promise<void>} */
      const woken = new Promise((resolve) => (this._wake = resolve));
      await Promise.race([woken, this.line.pause(left)]);
      if (this._messages.length === 0 && this._reader.damaged > 0) {
        this._reader.damaged = 0;
        if (this.board !== null) return null;
      }
    }
  }
}
