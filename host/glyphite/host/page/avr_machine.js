/** An Arduino Uno on avr8js: an ATmega328P at 16 MHz, its timers, its serial line, its flash. */

import { avrInstruction, AVRTimer, CPU, timer0Config, timer1Config, timer2Config } from "avr8js";
import { Usart } from "./avr_usart.js";

export const CLOCK_HZ = 16_000_000;
const FLASH_BYTES = 0x8000;
const RAM_BYTES = 0x800;
/** avr8js enters an interrupt in 2 cycles, the chip in 4. */
const ENTRY = 2;
/** Cycles between two looks at the clock of the machine around. */
const PIECE = 20_000;

export class Machine {
  /**
   * @param {Uint8Array} flash the sketch, from address 0 on
   * @param {(byte: number) => void} sent called with each byte that leaves the board
   */
  constructor(flash, sent) {
    const words = new Uint16Array(FLASH_BYTES / 2).fill(0xffff);
    new Uint8Array(words.buffer).set(flash);
    this.cpu = new CPU(words, RAM_BYTES);
    this.usart = new Usart(this.cpu, sent);
    this.timers = [timer0Config, timer1Config, timer2Config].map((config) => new AVRTimer(this.cpu, config));
  }

  /** Cycles since the board's start. */
  get cycles() {
    return this.cpu.cycles;
  }

  /**
   * Run on.
   * @param {number} cycles at least so many
   */
  advance(cycles) {
    const { cpu } = this;
    const end = cpu.cycles + cycles;
    while (cpu.cycles < end) {
      avrInstruction(cpu);
      const { pc } = cpu;
      cpu.tick();
      if (cpu.pc !== pc) cpu.cycles += ENTRY;
    }
  }

  /**
   * Run for so long by the clock of the machine around.
   * @param {number} milliseconds
   * @param {() => number} now
   */
  runFor(milliseconds, now) {
    const end = now() + milliseconds;
    do this.advance(PIECE);
    while (now() < end);
  }
}
