/**
 * The emulated board in a Web Worker, so that the page stays smooth. It runs in slices, and stands
 * still where the sketch has nothing to do.
 *
 * To it: {type: "flash", flash}, {type: "bytes", bytes}. From it: {type: "bytes", bytes, cycles,
 * ratio}: what the board sent; cycles since its start; how many times as fast as the chip it ran.
 */

import { CLOCK_HZ, Machine } from "./avr_machine.js";

const SLICE_MILLISECONDS = 10;
/** A silent board waits: what it does for longer, nobody waits for. */
const QUIET_CYCLES = 10 * CLOCK_HZ;
/** After an answer the sketch goes on for so long; then time stands still. */
const REST_CYCLES = CLOCK_HZ / 50;

/** @type {Machine | null} */
let machine = null;
/** @type {number[]} */
let sent = [];
let running = false;
/** At which cycle it stands still, unless bytes pass. */
let rest = 0;
let spent = 0;
let spentCycles = 0;

const again = new MessageChannel();
again.port1.onmessage = slice;

/** @param {number} byte */
function take(byte) {
  sent.push(byte);
  if (machine !== null && byte === 0) rest = machine.cycles + REST_CYCLES;
}

function slice() {
  if (machine === null) return;
  const [time, cycles] = [performance.now(), machine.cycles];
  machine.runFor(SLICE_MILLISECONDS, () => performance.now());
  spent += performance.now() - time;
  spentCycles += machine.cycles - cycles;
  if (sent.length > 0) {
    const ratio = (1000 * spentCycles) / CLOCK_HZ / spent;
    self.postMessage({ type: "bytes", bytes: Uint8Array.from(sent), cycles: machine.cycles, ratio, overruns: machine.usart.overruns });
    sent = [];
  }
  running = machine.usart.isBusy || machine.cycles < rest;
  if (running) again.port2.postMessage(null);
}

self.onmessage = (/** @type {MessageEvent<any>} */ event) => {
  const told = event.data;
  if (told.type === "flash") {
    machine = new Machine(told.flash, take);
    machine.advance(CLOCK_HZ / 10); // the sketch sets itself up, and hears
  } else if (machine !== null) {
    machine.usart.bring(told.bytes);
    rest = machine.cycles + QUIET_CYCLES;
    if (!running) {
      running = true;
      again.port2.postMessage(null);
    }
  }
};
