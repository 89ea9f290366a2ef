/** The page's wire gives what the one file of vectors says. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { crc32 } from "../../../host/glyphite/host/page/wire/crc32.js";
import { decodeFrame, encodeFrame, FrameReader } from "../../../host/glyphite/host/page/wire/frame.js";
import { inferRequest, parseHello, parseInferAnswer } from "../../../host/glyphite/host/page/wire/messages.js";
import { pack, unpack } from "../../../host/glyphite/host/page/wire/packing.js";
import { LinkError, Session } from "../../../host/glyphite/host/page/wire/session.js";

const vectors = JSON.parse(readFileSync(new URL("../../vectors/wire.json", import.meta.url), "utf8"));
const unhex = (text) => new Uint8Array(Buffer.from(text, "hex"));
const hex = (bytes) => (bytes === null ? null : Buffer.from(bytes).toString("hex"));
const snake = (text) => text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The same with Python's names. */
function named(value) {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(named);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [snake(key), named(each)]));
}

test("checksums and frames", () => {
  for (const { data, crc } of vectors.crc32) assert.equal(crc32(unhex(data)), crc);
  for (const { message, frame } of vectors.frames) {
    assert.equal(hex(encodeFrame(unhex(message))), frame);
    assert.equal(hex(decodeFrame(unhex(frame).slice(1, -1))), message);
  }
  for (const damaged of vectors.damaged) assert.equal(decodeFrame(unhex(damaged)), null);
});

test("lines, however they are cut", () => {
  for (const { bytes, messages, damaged } of vectors.lines) {
    for (const size of [1, 3, 1000]) {
      const reader = new FrameReader();
      const read = [];
      for (let at = 0; at < unhex(bytes).length; at += size) read.push(...reader.feed(unhex(bytes).slice(at, at + size)));
      assert.deepEqual(read.map(hex), messages);
      assert.equal(reader.damaged, damaged);
    }
  }
});

test("packed tensors and requests", () => {
  for (const { tensor, packed } of vectors.packed) {
    assert.equal(hex(pack(unhex(tensor))), packed);
    assert.equal(hex(unpack(unhex(packed))), tensor);
  }
  for (const cut of vectors.cut) assert.equal(unpack(unhex(cut)), null);
  for (const { request, tensor, encodings, message } of vectors.requests) {
    assert.equal(hex(inferRequest(request, unhex(tensor), encodings)), message);
  }
});

test("answers and hellos", () => {
  for (const { message, reply } of vectors.answers) assert.deepEqual(named(parseInferAnswer(unhex(message))), reply);
  for (const { message, hello, refused } of vectors.hellos) {
    if (refused === undefined) assert.deepEqual(named(parseHello(unhex(message))), hello);
    else assert.throws(() => parseHello(unhex(message)), { message: refused });
  }
});

const HELLO = unhex(vectors.hellos[0].message);
const TENSOR = new Uint8Array(784).fill(7);
const SHA256 = "a5".repeat(32);

/** A line to a board that answers as `reply` says, of the requests that it has got so far. */
function lineTo(reply) {
  let [time, asked] = [0, 0];
  const reader = new FrameReader();
  const line = { name: "a line", onBytes: null, now: () => time, pause: async (ms) => { await new Promise(setImmediate); time += ms; } };
  line.send = (bytes) => {
    for (const message of reader.feed(bytes)) {
      const told = message[0] === 1 ? encodeFrame(HELLO) : reply(message, ++asked);
      if (told !== null) setImmediate(() => line.onBytes(told));
    }
  };
  return line;
}

/** The frame of an answer. */
function answer(message, status = 0, crc = crc32(TENSOR), scores = new Uint8Array(10).fill(3)) {
  const told = new Uint8Array(12 + scores.length);
  const view = new DataView(told.buffer);
  view.setUint8(0, 0x82);
  told.set(message.slice(1, 3), 1);
  view.setInt8(3, status);
  view.setUint32(4, crc, true);
  view.setUint32(8, 3_000_000, true);
  told.set(scores, 12);
  return encodeFrame(told);
}

test("a request is repeated until it is answered well", async () => {
  const bad = answer(unhex("020000"));
  bad[5] ^= 1;
  const ways = [() => null, (message) => answer(message, -1), () => bad, (message) => answer(message, 0, 1), (message) => answer(message, 0, crc32(TENSOR), TENSOR.slice(0, 9))];
  for (const way of ways) {
    const ids = new Set();
    const session = new Session(lineTo((message, asked) => {
      ids.add(hex(message.slice(1, 3)));
      return asked < 3 ? way(message) : answer(message);
    }), SHA256);
    const told = await session.infer(TENSOR);
    assert.deepEqual([hex(told.scores), told.milliseconds, session.repeats, ids.size], ["03".repeat(10), 1, 2, 1]);
  }
});

test("what no repeat mends is told", async () => {
  const never = async (reply, sha256, says) => {
    await assert.rejects(new Session(lineTo(reply), sha256).infer(TENSOR), (error) => error instanceof LinkError && says.test(error.message));
  };
  await never(() => null, SHA256, /says hello, and does not answer/);
  await never((message) => answer(message, -4), SHA256, /could not be set up \(arena too small\)/);
  await never((message) => answer(message, 0, 5), SHA256, /to another input/);
  await never((message) => answer(message), "b6".repeat(32), /has another model \(seed, a5a5a5a5a5a5\)/);
  const silent = { ...lineTo(() => null), send: () => {} };
  await assert.rejects(new Session(silent, "").hello(), /does not answer\. Is it flashed/);
});
