"""The sketches for the serial monitor by the real Arduino core, on the emulated boards."""

import dataclasses
import html
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial

from glyphite.convert.boards import Board, load_board
from glyphite.convert.export.samples import DIGITS
from glyphite.host.device.arduino import SKETCH, sketch_command
from glyphite.host.device.elf import read_elf
from glyphite.host.device.size import Size, image_size
from glyphite.host.device.transport.avr import flash_with
from glyphite.host.device.transport.emulator import EmulatedBoard
from tests.paths import PROJECT

README = (PROJECT / "README.md").read_text()
SVG = (PROJECT / "docs" / "serial-monitor.svg").read_text()
SEE_DIGITS = SKETCH.with_name("see_digits")
BAUD = 9600
NANO_FLASH = 30_720
"""What the IDE leaves for a sketch on an Arduino Nano, which is an Uno with a larger bootloader."""
PATIENCE = 120.0
"""Seconds for a text that surely comes: a busy PC is slow."""
PICTURES = [
    "\n".join(text.splitlines()[1:29]) for text in DIGITS.read_text().split(": test image ")[1:]
]


def without_times(text: str) -> list[str]:
    """The lines that say something; a time depends on when the board's clock was looked at."""
    return [re.sub(r"[\d.]+ ms", "MS", line) for line in text.splitlines() if line]


def drawn() -> list[str]:
    """What the README's picture of the serial monitor says, below its title."""
    texts = re.findall(r'class="(?:picture|said)"[^>]*>([^<]*)<', SVG)
    return without_times("\n".join(html.unescape(text) for text in texts))


class Monitor:
    """The serial monitor of a board."""

    def __init__(self, port: serial.Serial) -> None:
        self.port = port

    def send(self, text: str) -> None:
        """Write it to the board's line."""
        self.port.write(text.encode())

    def until(self, text: str) -> str:
        """What the board says, up to the line that has ``text``."""
        said = ""
        while text not in said:
            line = self.port.readline()
            assert line, said
            said += line.decode()
        return said


@pytest.fixture(autouse=True)
def tools(avr_emulator: Path, require_tool: Callable[..., None]) -> None:
    """What builds a sketch for an AVR, and runs it."""
    require_tool("arduino-builder", "avr-gcc")


def built(board: Board, folder: Path) -> tuple[Path, Size]:
    """The image of the library's example, and its size."""
    made = folder / "made"
    made.mkdir()
    subprocess.run(sketch_command(board, SEE_DIGITS, made), check=True, capture_output=True)
    image = made / "see_digits.ino.elf"
    return image, image_size(read_elf(image))


@contextmanager
def monitor(board: Board, image: Path, report: Path) -> Iterator[Monitor]:
    """A board with the sketch, at the speed of the IDE's serial monitor."""
    flash = report.with_suffix(".flash")
    flash.write_bytes(flash_with(board, image))
    slow = dataclasses.replace(board, serial=dataclasses.replace(board.serial, baud=BAUD))
    with (
        EmulatedBoard(slow, flash, ("--report", str(report))) as emulated,
        serial.Serial(emulated.terminal, BAUD, timeout=PATIENCE) as port,
    ):
        yield Monitor(port)


def test_an_uno_shows_digits_and_takes_one_that_is_pasted(tmp_path: Path) -> None:
    """It fits, also a Nano; the README has its figures."""
    uno, report = load_board("uno"), tmp_path / "report.json"
    image, size = built(uno, tmp_path)
    assert size.flash <= NANO_FLASH
    with monitor(uno, image, report) as it:
        said = it.until(" ms").replace("\r\n", "\n")
        assert said.startswith("The network uno reads digits on this board\n\nTest digit 0\n")
        assert f"{PICTURES[0]}\nAnswer 0, score 0.968, " in said
        assert said.endswith(" ms, as on the PC\n")
        assert 60 < float(re.findall(r"([\d.]+) ms", said)[0]) < 100
        it.send(
            PICTURES[4].replace("\n", " ") + "\r\n"
        )  # as the IDE pastes it, both ends of a line
        assert "Answer 4, " in it.until("Answer")
        it.send(PICTURES[7] + "\n")
        it.until("Your picture")
        it.send(PICTURES[3] + "\n")  # while the board draws and computes: the buffer has 64 bytes
        it.until("Some of it came while the board was at work, and is lost: send the whole")
        it.send("x" * 2000)
        it.until("Line 1 has others than blank and .:-=+*#%&@: send the whole picture again")
        it.send(PICTURES[3].replace("\n", "\r"))
        assert "Answer 3, " in it.until("Answer")
    found = json.loads(report.read_text())
    assert (found["stopped_by"], found["overruns"]) == ("host", 0)
    assert size.ram + found["stack_bytes"] < 2048
    row = rf"`see_digits`.* {size.flash:,} B .*{size.ram:,} \+ {found['stack_bytes']} B"
    assert re.search(row, README), (size.flash, size.ram, found["stack_bytes"])


def test_a_mega_does_the_same(tmp_path: Path) -> None:
    """Its constants may lie beyond 64 KB, where a near read does not reach."""
    mega = load_board("mega2560")
    image, _ = built(mega, tmp_path)
    with monitor(mega, image, tmp_path / "report.json") as it:
        assert it.until(" ms").endswith(" ms, as on the PC\r\n")
        it.send(PICTURES[5] + "\n")
        assert "Answer 5, " in it.until("Answer")
