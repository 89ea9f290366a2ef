/** A real board at this computer, by the browser's Web Serial: no other program between. */

import { Model } from "./facts.js";
import { LinkError, Session } from "./wire/session.js";

/** @typedef {import("./facts.js").Facts} Facts */
/** @typedef {import("./source.js").Answer} Answer */
/** @typedef {import("./source.js").BoardState} BoardState */
/** @typedef {import("./source.js").ModelInfo} ModelInfo */
/** @typedef {import("./source.js").Picture} Picture */
/** @typedef {import("./source.js").Values} Values */
/** @typedef {import("./source.js").Source} Source */
/** @typedef {import("./wire/session.js").Line} Line */

/**
 * What is used of the browser's SerialPort (WICG, "Web Serial API").
 * @typedef {object} Port
 * @property {(options: {baudRate: number, bufferSize?: number}) => Promise<void>} open
 * @property {() => Promise<void>} close
 * @property {ReadableStream<Uint8Array> | null} readable
 * @property {WritableStream<Uint8Array> | null} writable
 */

/**
 * @typedef {object} Serial
 * @property {() => Promise<Port>} requestPort asks the user; only out of a click
 */

const NONE = "This browser has no Web Serial. Chrome, Edge and Opera on a computer have it.";
const AGAIN_MILLISECONDS = 1000;

/** @implements {Line} */
class PortLine {
  /**
   * @param {Port} port which is open
   * @param {() => void} ended called once it has gone
   */
  constructor(port, ended) {
    this.name = "the serial port";
    /** @type {((bytes: Uint8Array) => void) | null} */
    this.onBytes = null;
    this._port = port;
    this._reader = port.readable?.getReader();
    void this._read().finally(ended);
  }

  async _read() {
    try {
      for (;;) {
        const { value, done } = (await this._reader?.read()) ?? { value: undefined, done: true };
        if (value !== undefined) this.onBytes?.(value);
        if (done) return;
      }
    } catch {
      // the device has gone: whoever waits is told so
    }
  }

  /** @param {Uint8Array} bytes */
  async send(bytes) {
    const writer = this._port.writable?.getWriter();
    if (writer === undefined) throw new LinkError("The serial port is closed.");
    try {
      await writer.write(bytes);
    } catch (error) {
      throw new LinkError(`The serial port takes nothing: ${error instanceof Error ? error.message : error}.`);
    } finally {
      writer.releaseLock();
    }
  }

  async close() {
    await this._reader?.cancel().catch(() => {});
    this._reader?.releaseLock();
    await this._port.close().catch(() => {});
  }

  now() {
    return performance.now();
  }

  /**
   * @param {number} milliseconds
   * @returns {Promise<void>}
   */
  pause(milliseconds) {
    return new Promise((resolve) => setTimeout(resolve, milliseconds));
  }
}

/** @implements {Source} */
export class SerialSource {
  /** @param {Facts} facts */
  constructor(facts) {
    this.name = "a board at this computer, by Web Serial";
    this.model = new Model(facts);
    this.sample = this.model.sample;
    /** @type {BoardState} */
    this._state = { state: "connecting", text: "Choose Connect, and the board's port." };
    /** @type {(state: BoardState) => void} */
    this._listener = () => {};
    /** @type {Port | null} */
    this._port = null;
    /** @type {PortLine | null} */
    this._line = null;
    /** @type {Session | null} */
    this._session = null;
  }

  /** @returns {Promise<ModelInfo>} */
  async open() {
    const { serial } = /** @type {{serial?: Serial}} */ (navigator);
    if (serial === undefined) throw this._gone(NONE);
    this._tell({ state: "connecting", text: "Choose the board's port." });
    try {
      this._port = await serial.requestPort();
    } catch {
      throw this._gone("No port was chosen. Plug the board in, and choose Connect again.");
    }
    try {
      await this._connect(this._port);
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      await this.close();
      throw this._gone(message);
    }
    return this.model.facts.model;
  }

  /** @param {Port} port */
  async _connect(port) {
    const { facts } = this.model;
    try {
      await port.open({ baudRate: facts.baud, bufferSize: 4096 });
    } catch (error) {
      throw new LinkError(
        `The port cannot be opened: ${error instanceof Error ? error.message : error}. Close the program ` +
          "that has it open, as the Arduino IDE's monitor.",
      );
    }
    const line = new PortLine(port, () => this._lost(line));
    const session = new Session(line, facts.sha256);
    this._line = line;
    this._session = session;
    const board = await session.hello();
    this._tell({
      state: "connected", text: `${board.board} answers at this computer's serial port.`,
      board: board.board, model: board.modelName, sha256: board.modelSha256,
    });
  }

  /** @param {PortLine} line which ended by itself */
  _lost(line) {
    if (this._line !== line) return;
    this._session?.close();
    this._session = null;
    this._tell({ ...this._state, state: "reconnecting", text: "The board has gone. It is tried again each second." });
    void this._again(line);
  }

  /** @param {PortLine} lost */
  async _again(lost) {
    await lost.close();
    while (this._line === lost && this._port !== null) {
      await lost.pause(AGAIN_MILLISECONDS);
      try {
        await this._connect(this._port);
      } catch (error) {
        if (this._line !== lost) {
          const line = this._line;
          this._line = lost;
          await line?.close();
        }
        this._tell({ ...this._state, state: "reconnecting", text: error instanceof Error ? error.message : String(error) });
      }
    }
  }

  async close() {
    const line = this._line;
    this._line = null;
    this._port = null;
    this._session?.close();
    this._session = null;
    await line?.close();
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
    if (session === null) throw new Error("The board is not connected.");
    const input = await this.model.input(asked);
    const told = await session.infer(input.tensor);
    return this.model.answer(input, told.scores, told.milliseconds, "by its own clock", "");
  }

  /** @param {BoardState} state */
  _tell(state) {
    this._state = state;
    this._listener(state);
  }

  /** @param {string} text */
  _gone(text) {
    this._tell({ state: "gone", text });
    return new Error(text);
  }
}
