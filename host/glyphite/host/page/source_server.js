/** The server that gave out this page, and the board behind it, by a WebSocket. */

/** @typedef {import("./source.js").Answer} Answer */
/** @typedef {import("./source.js").BoardState} BoardState */
/** @typedef {import("./source.js").ModelInfo} ModelInfo */
/** @typedef {import("./source.js").Picture} Picture */
/** @typedef {import("./source.js").Sample} Sample */
/** @typedef {import("./source.js").Source} Source */
/** @typedef {import("./source.js").Values} Values */
/** @typedef {{resolve: (told: any) => void, reject: (error: Error) => void}} Waiting */

const AGAIN_MILLISECONDS = 1000;
const AWAY = "The server does not answer. It is tried again each second; is `glyphite serve` running?";

/** @implements {Source} */
export class ServerSource {
  constructor() {
    this.name = "the server's board";
    /** @type {BoardState} */
    this._state = { state: "connecting", text: "Connecting to the server." };
    /** @type {(state: BoardState) => void} */
    this._listener = () => {};
    /** @type {Map<number, Waiting>} */
    this._waiting = new Map();
    this._last = 0;
    this._closed = true;
    /** @type {WebSocket | null} */
    this._socket = null;
    /** @type {(() => Promise<Sample>) | null} */
    this.sample = null;
    /** What the first welcome said of the model. */
    this._known = "";
  }

  /** @returns {Promise<ModelInfo>} */
  open() {
    this._closed = false;
    return new Promise((resolve) => this._connect(resolve));
  }

  async close() {
    this._closed = true;
    this._socket?.close();
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
    const told = "values" in asked
      ? await this._ask({ type: "values", values: asked.values })
      : await this._ask({ type: "read", picture: packed(asked) });
    return unpackedAnswer(told.answer);
  }

  /** @param {(model: ModelInfo) => void} opened called with the first welcome */
  _connect(opened) {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/board`);
    this._socket = socket;
    socket.addEventListener("message", (event) => this._take(JSON.parse(event.data), opened));
    socket.addEventListener("close", (event) => {
      for (const each of this._waiting.values()) each.reject(new Error(AWAY));
      this._waiting.clear();
      if (this._closed) return;
      this._tell({ ...this._state, state: "reconnecting", text: event.reason || AWAY });
      setTimeout(() => this._closed || this._connect(opened), AGAIN_MILLISECONDS);
    });
  }

  /**
   * @param {any} told a message of host/serve/messages.py
   * @param {(model: ModelInfo) => void} opened
   */
  _take(told, opened) {
    if (told.type === "welcome") {
      const model = JSON.stringify(told.model);
      if (this._known && this._known !== model) location.reload(); // another server has taken the address
      this._known = model;
      this.sample = told.hasSamples ? () => this._sample() : null;
      opened(told.model);
    } else if (told.type === "state") {
      const { type: _, ...state } = told;
      this._tell(state);
    } else {
      const waiting = this._waiting.get(told.id);
      this._waiting.delete(told.id);
      if (told.type === "refused") waiting?.reject(new Error(told.text));
      else waiting?.resolve(told);
    }
  }

  /** @returns {Promise<Sample>} */
  async _sample() {
    const { sample } = await this._ask({ type: "sample" });
    const { picture } = sample;
    return picture === undefined ? sample : { ...sample, picture: unpacked(picture) };
  }

  /**
   * @param {object} asked
   * @returns {Promise<any>}
   */
  _ask(asked) {
    const id = ++this._last;
    return new Promise((resolve, reject) => {
      if (this._socket?.readyState !== WebSocket.OPEN) {
        reject(new Error(AWAY));
        return;
      }
      this._waiting.set(id, { resolve, reject });
      this._socket.send(JSON.stringify({ ...asked, id }));
    });
  }

  /** @param {BoardState} state */
  _tell(state) {
    this._state = state;
    this._listener(state);
  }
}

/** @param {Picture} picture */
function packed(picture) {
  const { pixels, rgba, ...rest } = picture;
  const plain = { ...rest, pixels: base64(pixels) };
  return rgba === undefined ? plain : { ...plain, rgba: base64(rgba) };
}

/**
 * @param {any} picture
 * @returns {Picture}
 */
function unpacked(picture) {
  const { pixels, rgba, ...rest } = picture;
  const plain = { ...rest, pixels: new Uint8ClampedArray(bytesOf(pixels)) };
  return rgba === undefined ? plain : { ...plain, rgba: new Uint8ClampedArray(bytesOf(rgba)) };
}

/**
 * @param {any} answer
 * @returns {Answer}
 */
function unpackedAnswer(answer) {
  const engines = answer.engines.map((/** @type {any} */ each) => ({
    ...each,
    milliseconds: each.milliseconds ?? NaN,
    bytes: new Int8Array(bytesOf(each.bytes ?? "")),
  }));
  return { ...answer, tensor28: new Uint8Array(bytesOf(answer.tensor28)), engines };
}

/** @param {Uint8ClampedArray} bytes */
function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(text);
}

/**
 * @param {string} text
 * @returns {ArrayBuffer}
 */
function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
}
