/**
 * The ATmega328P's USART0 for avr8js: the receiver holds two bytes and one more in its shift
 * register, and bytes take the time that the sketch's own divisor gives them.
 */

/** @typedef {import("avr8js").CPU} CPU */

const UCSRA = 0xc0;
const UCSRB = 0xc1;
const UBRRL = 0xc4;
const UBRRH = 0xc5;
const UDR = 0xc6;
const RXC = 0x80;
const TXC = 0x40;
const UDRE = 0x20;
const DOR = 0x08;
const U2X = 0x02;
const MPCM = 0x01;
const RXEN = 0x10;
const TXEN = 0x08;
const BITS_A_BYTE = 10;
const HELD = 2;

/**
 * @param {number} address in words
 * @param {number} mask of its flag and of what enables it
 * @param {boolean} constant whether its flag is a level
 */
function interrupt(address, mask, constant) {
  return { address, flagRegister: UCSRA, flagMask: mask, enableRegister: UCSRB, enableMask: mask, constant };
}

export class Usart {
  /**
   * @param {CPU} cpu
   * @param {(byte: number) => void} sent called once a byte has left
   */
  constructor(cpu, sent) {
    this.cpu = cpu;
    this.sent = sent;
    /** Bytes that came while two were held and a third waited: they are lost, as on the chip. */
    this.overruns = 0;
    /** @type {number[]} what the line brings, in order */
    this._line = [];
    this._receiving = false;
    /** @type {number[]} */
    this._held = [];
    this._sending = false;
    /** @type {number | null} */
    this._next = null;
    this._received = interrupt(0x24, RXC, true);
    this._empty = interrupt(0x26, UDRE, true);
    this._complete = interrupt(0x28, TXC, false);
    this._hook();
  }

  /** @param {Uint8Array} bytes that come on the line, one behind the other */
  bring(bytes) {
    for (const byte of bytes) this._line.push(byte);
    if (!this._receiving) this._start();
  }

  /** Whether a byte is coming or leaving. */
  get isBusy() {
    return this._receiving || this._sending;
  }

  get _byteCycles() {
    const { data } = this.cpu;
    const divisor = ((((data[UBRRH] ?? 0) & 0x0f) << 8) | (data[UBRRL] ?? 0)) + 1;
    return divisor * ((data[UCSRA] ?? 0) & U2X ? 8 : 16) * BITS_A_BYTE;
  }

  _start() {
    const byte = this._line.shift();
    this._receiving = byte !== undefined;
    if (byte === undefined) return;
    if (this._held.length > HELD) {
      this._held.pop(); // the shift register is needed
      this.overruns++;
      this.cpu.data[UCSRA] = (this.cpu.data[UCSRA] ?? 0) | DOR;
    }
    this.cpu.addClockEvent(() => this._stop(byte), this._byteCycles);
  }

  /** @param {number} byte whose stop bit is there */
  _stop(byte) {
    const isOn = ((this.cpu.data[UCSRB] ?? 0) & RXEN) !== 0;
    if (isOn) {
      this._held.push(byte);
      this.cpu.setInterruptFlag(this._received);
    }
    this._start();
  }

  /** @param {number} byte */
  _send(byte) {
    this._sending = true;
    this.cpu.setInterruptFlag(this._empty);
    this.cpu.addClockEvent(() => this._left(byte), this._byteCycles);
  }

  /** @param {number} byte */
  _left(byte) {
    this.sent(byte);
    this._sending = false;
    const next = this._next;
    this._next = null;
    if (next === null) this.cpu.setInterruptFlag(this._complete);
    else this._send(next);
  }

  _hook() {
    const { cpu } = this;
    cpu.data[UCSRA] = UDRE;
    cpu.readHooks[UDR] = () => {
      const byte = this._held.shift() ?? 0;
      cpu.data[UCSRA] = (cpu.data[UCSRA] ?? 0) & ~DOR;
      cpu.clearInterrupt(this._received);
      if (this._held.length > 0) cpu.setInterruptFlag(this._received);
      return byte;
    };
    cpu.writeHooks[UDR] = (byte) => {
      if (((cpu.data[UCSRB] ?? 0) & TXEN) === 0 || this._next !== null) return true;
      if (!this._sending) this._send(byte);
      else {
        this._next = byte;
        cpu.clearInterrupt(this._empty);
      }
      return true;
    };
    cpu.writeHooks[UCSRA] = (value) => {
      cpu.clearInterruptByFlag(this._complete, value);
      cpu.data[UCSRA] = ((cpu.data[UCSRA] ?? 0) & ~(U2X | MPCM)) | (value & (U2X | MPCM));
      return true;
    };
    cpu.writeHooks[UCSRB] = (value) => {
      cpu.data[UCSRB] = value;
      if ((value & RXEN) === 0) {
        this._held.length = 0;
        cpu.clearInterrupt(this._received);
      }
      for (const each of [this._received, this._empty, this._complete]) cpu.updateInterruptEnable(each, value);
      return true;
    };
  }
}
