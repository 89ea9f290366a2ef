"""The emulated Arduino, run with small programs of its own: what it does is what the chip does."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial

from glyphite.convert.boards import Board, load_board
from glyphite.convert.errors import InputError, ToolError
from glyphite.host.device.transport.avr import STACK_OVERFLOW, erased_flash, flash_file, flash_with
from glyphite.host.device.transport.emulator import EmulatedBoard

pytestmark = pytest.mark.usefixtures("avr_emulator")

PATIENCE = 120.0
"""Seconds within which any machine gets an answer; what takes how long is told by the board's own
clock, whatever else this machine has to do."""

CLOCK = 16_000_000

PRELUDE = """
#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/delay.h>
static void setup(void) { /* 115200 baud as the Arduino core sets it, and a clock in cycles */
    UCSR0A = 1 << U2X0;
    UBRR0 = 16;
    UCSR0B = 1 << RXEN0 | 1 << TXEN0;
    TCCR1B = 1 << CS10;
}
static uint8_t take(void) {
    while (!(UCSR0A & 1 << RXC0)) {}
    return UDR0;
}
static void put(uint8_t byte) {
    while (!(UCSR0A & 1 << UDRE0)) {}
    UDR0 = byte;
}
static void put16(uint16_t value) {
    put(value >> 8);
    put((uint8_t)value);
}
"""

Sketch = Callable[..., Path]


@pytest.fixture
def sketch(tmp_path: Path) -> Sketch:
    """``sketch(code, board)``: compile a program; the result is its .elf."""

    def make(code: str, board: str = "uno") -> Path:
        source, image = tmp_path / "sketch.c", tmp_path / "sketch.elf"
        source.write_text(PRELUDE + code)
        chip = f"-mmcu={load_board(board).mcu.cpu}"
        command = ["avr-gcc", chip, "-Os", "-DF_CPU=16000000", str(source), "-o", str(image)]
        subprocess.run(command, check=True)
        return image

    return make


@contextmanager
def running(image: Path, board: str = "uno", *extra: str) -> Iterator[EmulatedBoard]:
    with EmulatedBoard(load_board(board), image, extra) as emulated:
        yield emulated


@contextmanager
def opened(emulated: EmulatedBoard, wait: float = PATIENCE) -> Iterator[serial.Serial]:
    """The board's port; the first byte that the sketch sends says that it runs."""
    with serial.Serial(emulated.terminal, 115200, timeout=wait) as port:
        yield port


def boot_seconds(report: Path) -> float:
    """From the last reset to the sketch, by the board's own clock."""
    seconds: float = json.loads(report.read_text())["boot_cycles"] / CLOCK
    return seconds


def test_a_sketch_starts_behind_the_real_bootloader(sketch: Sketch, tmp_path: Path) -> None:
    """Optiboot blinks, then waits for a second of the board's time."""
    report = tmp_path / "report.json"
    image = sketch("int main(void) { setup(); put('!'); for (;;) put(take() + 1); }")
    with running(image, "uno", "--report", str(report)) as emulated, opened(emulated) as port:
        assert port.read(1) == b"!"
        port.write(b"HAL")
        assert port.read(3) == b"IBM"
    assert 1.4 < boot_seconds(report) < 1.6


@pytest.mark.parametrize("board", ["uno", "mega2560"])
def test_every_opening_of_the_port_resets_the_board(sketch: Sketch, board: str) -> None:
    """Also when it is closed and opened again at once, between two looks of the emulator."""
    code = "int main(void) { setup(); put('!'); for (uint8_t n = 1;; n++) { take(); put(n); } }"
    with running(sketch(code, board), board) as emulated:
        for _ in range(2):
            with opened(emulated) as port:
                assert port.read(1) == b"!"
                port.write(b"aa")
                assert port.read(2) == b"\x01\x02"


def test_bytes_sent_while_the_chip_starts_are_lost(sketch: Sketch, tmp_path: Path) -> None:
    """The fuses make it sleep for 65 ms after a reset, so that Optiboot never sees these."""
    report = tmp_path / "report.json"
    image = sketch("int main(void) { setup(); put('!'); for (;;) put(take()); }")
    with running(image, "uno", "--report", str(report)) as emulated:
        os.killpg(emulated.process.pid, signal.SIGSTOP)  # it sees the reset and the bytes at once
        with opened(emulated) as port:
            port.write(b"hello")
            os.killpg(emulated.process.pid, signal.SIGCONT)
            assert port.read(1) == b"!"
    assert boot_seconds(report) > 1.4  # what Optiboot hears, it leaves for at once


def test_a_slow_sketch_loses_what_the_chip_cannot_hold(sketch: Sketch, tmp_path: Path) -> None:
    """Two bytes wait in the buffer and one in the shift register, which each later one takes."""
    report = tmp_path / "report.json"
    code = """
    int main(void) {
        setup();
        put('!');
        for (;;) {
            while (!(UCSR0A & 1 << RXC0)) {}
            _delay_ms(20);
            put(UCSR0A & 1 << DOR0 ? 'D' : 'd');
            while (UCSR0A & 1 << RXC0) put(UDR0);
            put(UCSR0A & 1 << DOR0 ? 'D' : 'd');
        }
    }"""
    image = sketch(code)
    with running(image, "uno", "--report", str(report)) as emulated, opened(emulated) as port:
        port.read(1)
        port.write(b"abcdefgh")
        assert port.read(5) == b"Dabhd"
        port.write(b"xyz")
        assert port.read(5) == b"dxyzd"
    assert json.loads(report.read_text())["overruns"] == 5


def test_a_sketch_that_keeps_up_loses_nothing(sketch: Sketch, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    image = sketch("int main(void) { setup(); put('!'); for (;;) put(take()); }")
    sent = bytes(range(256)) * 8
    with running(image, "uno", "--report", str(report)) as emulated, opened(emulated) as port:
        port.read(1)
        port.write(sent)
        assert port.read(len(sent)) == sent
    figures = json.loads(report.read_text())
    assert figures["overruns"] == 0
    assert figures["received"] == len(sent)
    assert figures["sent"] == len(sent) + 1


def test_a_byte_takes_ten_bits_in_either_direction(sketch: Sketch) -> None:
    """In: at the host's 115,200 baud, 1,389 cycles. Out: at the chip's divisor, 17 * 8 * 10."""
    code = """
    int main(void) {
        setup();
        put('!');
        take();
        uint16_t start = TCNT1;
        for (uint8_t n = 0; n < 16; n++) take();
        UCSR0A |= 1 << TXC0;
        put16(TCNT1 - start);
        while (!(UCSR0A & 1 << TXC0)) {}
        UCSR0A |= 1 << TXC0;
        start = TCNT1;
        for (uint8_t n = 0; n < 16; n++) put(n);
        while (!(UCSR0A & 1 << TXC0)) {}
        put16(TCNT1 - start);
        for (;;) {}
    }"""
    with running(sketch(code)) as emulated, opened(emulated) as port:
        port.read(1)
        port.write(b"x" * 17)
        answer = port.read(20)
        assert abs(int.from_bytes(answer[:2]) - 16 * 1389) < 40
        assert abs(int.from_bytes(answer[-2:]) - 16 * 1360) < 40


@pytest.mark.parametrize(("board", "cycles"), [("uno", 4 + 3 + 4), ("mega2560", 5 + 3 + 5)])
def test_an_interrupt_takes_the_datasheets_cycles(sketch: Sketch, board: str, cycles: int) -> None:
    """Entry, the vector's jump, and reti; `sts`, which clears the cause, takes 2."""
    code = """
    ISR(USART_VECTOR, ISR_NAKED) { __asm__("sts %0, __zero_reg__\\n reti" :: "n"(&UCSR0B)); }
    static uint8_t __attribute__((noinline)) timed(void) {
        uint8_t enable = 1 << TXEN0 | 1 << UDRIE0;
        uint8_t start = TCNT1L;
        __asm__ volatile("sts %0, %1\\n nop\\n nop" :: "n"(&UCSR0B), "r"(enable));
        return TCNT1L - start;
    }
    int main(void) {
        setup();
        uint8_t without = timed();
        UCSR0B = 0;
        sei();
        uint8_t with = timed();
        cli();
        setup();
        put(with - without);
        for (;;) {}
    }"""
    vector = "USART_UDRE_vect" if board == "uno" else "USART0_UDRE_vect"
    image = sketch(code.replace("USART_VECTOR", vector), board)
    with running(image, board) as emulated, opened(emulated) as port:
        assert port.read(1)[0] == cycles + 2


DEEP = """
static uint8_t data[200] = {1};
static void deep(void) { /* SIZE bytes of stack, and two that called it (three on the Mega) */
    __asm__ volatile("ldi r24, SIZE\\n 1: push r24\\n dec r24\\n brne 1b\\n"
                     "ldi r24, SIZE\\n 2: pop r0\\n dec r24\\n brne 2b\\n" ::: "r24", "r0");
}
int main(void) __attribute__((OS_main));
int main(void) {
    setup();
    put('!');
    for (;;) {
        put(data[take()]);
        __asm__ volatile("call %x0" :: "i"(deep) : "r24", "r0");
        put('.');
    }
}
"""


@pytest.mark.parametrize(
    ("board", "address", "first"), [("uno", 2, 1), ("uno", 2, 0), ("mega2560", 3, 1)]
)
def test_the_deepest_stack_is_told_to_the_byte(
    sketch: Sketch, tmp_path: Path, board: str, address: int, first: int
) -> None:
    """The start-up code's call of main, the call of deep, and what deep pushes.

    The static data ends with .data where the array's first byte is set, and with .bss where not.
    """
    report = tmp_path / "report.json"
    image = sketch(DEEP.replace("SIZE", "123").replace("{1}", f"{{{first}}}"), board)
    with running(image, board, "--report", str(report)) as emulated, opened(emulated) as port:
        assert port.read(1) == b"!"
        port.write(b"\0")
        assert port.read(2) == bytes([first]) + b"."
    figures = json.loads(report.read_text())
    assert figures["stack_bytes"] == 2 * address + 123
    symbols = subprocess.run(["avr-nm", image], capture_output=True, text=True, check=True).stdout
    end = re.search(r"^0080(\w{4}) \w _end$", symbols, re.MULTILINE)
    assert end and figures["static_end"] == int(end[1], 16)


def test_an_interrupt_is_counted_as_if_it_came_where_the_stack_is_deepest(
    sketch: Sketch, tmp_path: Path
) -> None:
    """It comes once, in main, and pushes 20 bytes below its return address; deep is never met."""
    report = tmp_path / "report.json"
    interrupt = r"""
    #include <avr/interrupt.h>
    ISR(TIMER2_COMPA_vect, ISR_NAKED) {
        __asm__ volatile("push r24\n in r24, __SREG__\n push r24\n ldi r24, 18\n"
                         "1: push r24\n dec r24\n brne 1b\n ldi r24, 18\n"
                         "2: pop r0\n dec r24\n brne 2b\n"
                         "pop r24\n out __SREG__, r24\n pop r24\n reti\n");
    }
    """
    once = r"""
        setup();
        OCR2A = 10;
        TIMSK2 = 1 << OCIE2A;
        TCCR2B = 1;
        sei();
        __asm__ volatile("ldi r24, 200\n 1: dec r24\n brne 1b\n" ::: "r24");
        cli();
    """
    code = interrupt + DEEP.replace("SIZE", "123").replace("    setup();\n", once)
    image = sketch(code)
    with running(image, "uno", "--report", str(report)) as emulated, opened(emulated) as port:
        assert port.read(1) == b"!"
        port.write(b"\0")
        assert port.read(2) == bytes([1]) + b"."
    assert json.loads(report.read_text())["stack_bytes"] == (2 + 2 + 123) + (2 + 20)


def test_a_frame_that_is_set_up_in_two_halves_is_no_overflow(sketch: Sketch) -> None:
    """From 0x0805 to 0x07F0 by way of 0x0705, which is inside the static data: 0x0100 to 0x0740."""
    code = """
    static volatile uint8_t data[0x640];
    int main(void) __attribute__((OS_main));
    int main(void) {
        setup();
        __asm__ volatile("out __SP_H__, %1\\n out __SP_L__, %0\\n"
                         "out __SP_H__, %3\\n out __SP_L__, %2\\n"
                         :: "r"(0x05), "r"(0x08), "r"(0xF0), "r"(0x07));
        put('!');
        for (;;) put(data[take()]);
    }"""
    with running(sketch(code)) as emulated, opened(emulated) as port:
        assert port.read(1) == b"!"
        port.write(b"x")
        assert port.read(1) == b"\0"


def test_a_stack_that_reaches_static_data_stops_the_board(
    sketch: Sketch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """1,900 bytes of data leave 148 for the stack; 200 are pushed."""
    report = tmp_path / "report.json"
    code = DEEP.replace("SIZE", "200").replace("data[200]", "data[1900]")
    with running(sketch(code), "uno", "--report", str(report)) as emulated:
        with opened(emulated) as port:
            assert port.read(1) == b"!"
            port.write(b"\0")
            assert emulated.process.wait(PATIENCE) == STACK_OVERFLOW
            assert b"." not in port.read(port.in_waiting)
        assert re.fullmatch(
            "the stack of the sketch ran into its static data: avr_board: stack overflow: the "
            "stack grew down to 0x086B, and the static data ends at 0x086C "
            r"\(program counter 0x\w{5}\)",
            emulated.ending,
        )
    assert capfd.readouterr().err == ""
    assert json.loads(report.read_text())["stopped_by"] == "stack overflow"


def test_the_overflow_reaches_whoever_reads_the_port(sketch: Sketch) -> None:
    image = sketch(DEEP.replace("SIZE", "200").replace("data[200]", "data[1900]"))
    with serial.serial_for_url(f"sim://uno?firmware={image}", 115200, timeout=PATIENCE) as port:
        assert port.read(1) == b"!"
        port.write(b"\0")
        port.timeout = 1.0
        with pytest.raises(serial.SerialException, match="the stack of the sketch ran into"):
            for _ in range(round(PATIENCE)):
                port.read(10)


def test_a_board_that_waits_lives_in_real_time(tmp_path: Path) -> None:
    """An erased one, silent: 16 MHz, where the machine could do many times that."""
    board, report = load_board("uno"), tmp_path / "report.json"
    start = time.monotonic()
    with EmulatedBoard(board, flash_file(board), ("--report", str(report))) as emulated:
        with opened(emulated, 0.5) as port:
            assert port.read(1) == b""
        assert emulated.running
    seconds = time.monotonic() - start
    assert 0.05 < json.loads(report.read_text())["cycles"] / CLOCK < seconds


def test_a_sketch_that_works_runs_as_fast_as_the_machine_can(sketch: Sketch) -> None:
    """Two seconds of the board's own time, which any machine that can run the tests beats, but for
    what it does meanwhile for other programs."""
    code = """
    int main(void) {
        setup();
        put('!');
        for (uint16_t n = 0; n < 200; n++) _delay_ms(10);
        put('.');
        for (;;) {}
    }"""
    with running(sketch(code)) as emulated, opened(emulated) as port:
        assert port.read(1) == b"!"
        start = time.monotonic() - emulated.held_up
        assert port.read(1) == b"."
        assert time.monotonic() - emulated.held_up - start < 1.8


def test_what_optiboot_does_not_know_makes_it_start_the_sketch(
    sketch: Sketch, tmp_path: Path
) -> None:
    """It sets the watchdog to 16 ms; without these bytes it would wait for a whole second."""
    report = tmp_path / "report.json"
    image = sketch("int main(void) { setup(); put('!'); for (;;) put(take()); }")
    with running(image, "uno", "--report", str(report)) as emulated, opened(emulated, 0.1) as port:
        while not (answer := port.read(1)):
            port.write(b"h")
        assert answer == b"!"
    assert boot_seconds(report) < 1.0


@pytest.mark.parametrize("content", [b"", b"text", b"\x7fELF" + bytes(14) + b"\x3e\0"])
def test_what_is_no_firmware_of_an_avr_is_not_flashed(content: bytes, tmp_path: Path) -> None:
    firmware = tmp_path / "firmware.elf"
    firmware.write_bytes(content)
    said = r"firmware\.elf is no firmware for 'uno', .* `glyphite build MODEL --board uno`"
    with pytest.raises(InputError, match=said):
        flash_with(load_board("uno"), firmware)


def test_an_erased_flash_has_the_bootloader_at_its_end() -> None:
    for name, size in (("uno", 32768), ("mega2560", 262144)):
        board = load_board(name)
        assert board.emulator and board.emulator.boot_address and board.memory
        flash = erased_flash(board)
        assert len(flash) == size
        assert set(flash[: board.emulator.boot_address]) == {0xFF}
        assert flash[board.emulator.boot_address] != 0xFF
        assert board.memory.flash == board.emulator.boot_address


def start(program: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [str(program), *map(str, arguments)]
    return subprocess.run(
        command, input="", capture_output=True, text=True, check=False, timeout=PATIENCE
    )


def test_arguments_and_files_that_cannot_be_are_said_in_a_sentence(
    avr_emulator: Path, tmp_path: Path
) -> None:
    short = tmp_path / "short.flash"
    short.write_bytes(b"\xff" * 100)
    good = ("--boot", "0x7e00", "--flash", short)
    for arguments, sentence in (
        ((), "usage: avr_board --mcu NAME --boot ADDRESS --flash IMAGE"),
        (("--mcu", "atmega328p", *good), f"not an image of the whole flash {short}"),
        (("--mcu", "atmega9", *good), "libsimavr does not know the chip atmega9"),
        (("--mcu", "atmega328p", *good, "--baud", "0"), "not a positive number: 0"),
        (("--mcu", "atmega328p", *good, "--clock", "12x"), "not a positive number: 12x"),
    ):
        result = start(avr_emulator, *arguments)
        assert result.returncode == 1
        assert f"avr_board: {sentence}" in result.stderr


def test_on_a_pipe_its_end_ends_the_board(avr_emulator: Path) -> None:
    board = load_board("uno")
    flash = flash_file(board)
    result = start(avr_emulator, "--mcu", "atmega328p", "--boot", 0x7E00, "--flash", flash)
    assert (result.returncode, result.stdout) == (0, "")


def test_an_emulator_that_cannot_start_is_said(tmp_path: Path) -> None:
    flash = tmp_path / "short.flash"
    flash.write_bytes(b"")
    with pytest.raises(
        ToolError,
        match=r"does not start \(avr_board: not an image of the whole flash \S*short\.flash\)",
    ):
        EmulatedBoard(load_board("uno"), flash)


def test_without_libsimavr_the_package_is_named(
    avr_emulator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where the emulator was not compiled yet: then its header is looked for."""
    avr_emulator.unlink()
    monkeypatch.setattr("glyphite.host.device.transport.avr.HEADER", Path("/nowhere/sim_avr.h"))
    board: Board = load_board("uno")
    with pytest.raises(ToolError) as caught:
        EmulatedBoard(board, flash_file(board))
    assert str(caught.value) == (
        "libsimavr, which emulates Arduinos, is not installed. "
        "Install it with `sudo apt-get install libsimavr-dev`."
    )
