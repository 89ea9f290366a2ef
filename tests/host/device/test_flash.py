"""Flashing with the real avrdude, through the real bootloaders of emulated boards."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import serial

from glyphite.convert.boards import Board, load_board
from glyphite.convert.errors import BoardError, LinkError, ToolError
from glyphite.convert.shipped import FIRMWARE
from glyphite.convert.workspace import ModelFolder, build_root
from glyphite.host.cli import main
from glyphite.host.device.build import build
from glyphite.host.device.flash import STEPS, Flashed, flash
from glyphite.host.device.session import connect
from glyphite.host.device.transport.avr import erased_flash, flash_file, flash_with
from glyphite.host.device.transport.emulator import EmulatedBoard
from glyphite.host.device.transport.firmware_files import record_firmware
from tests.paths import PROJECT

TINY_SHA256 = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"

pytestmark = pytest.mark.usefixtures("avr_emulator")


@pytest.fixture(scope="module")
def built_sketches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sketch with the tiny model for both boards, as firmware.elf by the board's name."""
    folder = tmp_path_factory.mktemp("sketches") / "tiny"
    shutil.copytree(PROJECT / "tests" / "firmware" / "tiny", folder / "c")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLYPHITE_BUILD", str(folder.parent))
        model = ModelFolder(folder, folder / "model_int8.tflite")
        return {name: build(model, load_board(name)).image for name in ("uno", "mega2560")}


@pytest.fixture
def sketches(require_tool: Callable[..., None], request: pytest.FixtureRequest) -> dict[str, Path]:
    require_tool("avrdude", "arduino-builder", "avr-gcc")
    made: dict[str, Path] = request.getfixturevalue("built_sketches")
    return made


@pytest.fixture
def uno(sketches: dict[str, Path]) -> Board:
    """An emulated Uno that holds the tiny model's sketch, as flashing leaves it."""
    board = load_board("uno")
    flash_file(board).write_bytes(flash_with(board, sketches["uno"]))
    record_firmware(board, flash_file(board))
    return board


def put(image: Path, board: Board, port: str) -> tuple[Flashed, list[int]]:
    """Flash the tiny model; the steps that were told are the second part."""
    steps: list[int] = []
    return flash(image, board, port, TINY_SHA256, steps.append), steps


def flat(image: Path, to: Path) -> bytes:
    """What the sketch puts into flash, by objcopy."""
    subprocess.run(["avr-objcopy", "-O", "binary", image, to], check=True)
    return to.read_bytes()


def assert_answers(port: str) -> None:
    """The tiny model's own formula, on the board behind ``port``."""
    values = np.random.default_rng(3).integers(-128, 128, 300, np.int8)
    expected = values.astype(int)
    for c in range(10):
        expected[c] = np.clip(expected[c] + 2 * expected[c + 1] + c, -128, 127)
    with connect(port, TINY_SHA256) as session:
        assert session.ask(values.reshape(1, 300)).scores.tolist() == expected[:10].tolist()


@pytest.mark.parametrize("name", ["uno", "mega2560"])
def test_a_sketch_goes_through_the_bootloader_and_answers(
    sketches: dict[str, Path], name: str, tmp_path: Path
) -> None:
    """It is in the flash byte for byte, the bootloader is as it was, and the model is confirmed."""
    board = load_board(name)
    flashed, steps = put(sketches[name], board, f"sim://{name}")
    assert flashed.tries == 1
    assert flashed.hello.model_sha256 == TINY_SHA256
    assert flashed.hello.board == name
    assert sum(steps) == STEPS
    assert len(steps) > 20
    program = flat(sketches[name], tmp_path / "flat.bin")
    kept, erased = flash_file(board).read_bytes(), erased_flash(board)
    assert kept[: len(program)] == program
    boot = board.memory.flash if board.memory else 0
    assert kept[boot:] == erased[boot:]
    assert_answers(f"sim://{name}")


def test_an_emulated_board_may_run_several_times_at_once(uno: Board) -> None:
    """Each with a flash and a memory of its own."""
    with connect("sim://uno") as one, connect("sim://uno", TINY_SHA256) as other:
        for session in (one, other):
            session.ask(np.zeros((1, 300), np.int8))
        one.ask(np.zeros((1, 300), np.int8))
        assert (one.hello().inferences, other.hello().inferences) == (2, 1)


def test_any_program_reaches_it_by_pyserials_own_url(uno: Board) -> None:
    """Without a line of ours but the import that registers the URL."""
    program = (
        "import serial, glyphite.host.device.transport, time\n"
        "from glyphite.host.device.session import Session\n"
        "with serial.serial_for_url('sim://uno', 115200, timeout=1) as port:\n"
        "    print(Session(port).hello().model_name)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout == "tiny\n"


@pytest.mark.parametrize("name", ["uno", "mega2560"])
def test_a_port_is_flashed_as_a_real_one_is(sketches: dict[str, Path], name: str) -> None:
    """By its path, as /dev/ttyACM0 is: the pseudo-terminal of a board that runs elsewhere. Its time
    stands still where it waits for a host that other programs keep from running."""
    board = load_board(name)
    with EmulatedBoard(board, flash_file(board), ("--keep",)) as emulated:
        flashed, _ = put(sketches[name], board, emulated.terminal)
        assert flashed.hello.model_name == "tiny"
        assert_answers(emulated.terminal)


def test_another_model_is_noticed_and_the_command_named(uno: Board) -> None:
    with pytest.raises(LinkError) as caught, connect("sim://uno", "ab" * 32):
        pass
    assert str(caught.value) == (
        f"The board on sim://uno holds another model: 'tiny' with SHA-256 {TINY_SHA256}, and "
        f"yours is {'ab' * 32}. Put yours on it: "
        "`glyphite flash MODEL --board uno --port sim://uno`."
    )


@pytest.mark.parametrize(("named", "there"), [("uno", "mega2560"), ("mega2560", "uno")])
def test_the_wrong_board_is_named_by_its_bootloader(
    sketches: dict[str, Path], named: str, there: str
) -> None:
    """What an emulated board has, its file says, and nothing is tried."""
    with pytest.raises(BoardError) as caught:
        put(sketches[named], load_board(named), f"sim://{there}")
    assert str(caught.value) == wrong_board(f"sim://{there}", named, there)
    assert flash_file(load_board(there)).read_bytes() == erased_flash(load_board(there))


def wrong_board(port: str, named: str, there: str) -> str:
    return (
        f"The board on {port} is not a {named!r}: its bootloader is that of {there}. "
        f"Name the board that it is: `--board {there}`."
    )


def test_the_wrong_board_at_a_port_is_named_by_what_its_bootloader_answers(
    sketches: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glyphite.host.device.flash.SYNC_SECONDS", 0.5)
    monkeypatch.setattr("glyphite.host.device.bootloader.ASK_SECONDS", 60.0)
    board = load_board("mega2560")
    with EmulatedBoard(board, flash_file(board)) as emulated:
        with pytest.raises(BoardError) as caught:
            put(sketches["uno"], load_board("uno"), emulated.terminal)
        assert str(caught.value) == wrong_board(emulated.terminal, "uno", "mega2560")


def test_an_emulated_bootloader_that_answers_nothing_is_told_in_its_own_words(
    sketches: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks whether a byte has come, for ever. No button can be pressed on such a board."""
    monkeypatch.setattr("glyphite.host.device.flash.EMULATED_SECONDS", 0.5)
    board, look_again = load_board("uno"), bytes.fromhex("8091C000 FDCF")  # lds, rjmp
    flash_file(board).write_bytes(b"\xff" * 0x7E00 + look_again.ljust(512, b"\xff"))
    with pytest.raises(LinkError) as caught:
        put(sketches["uno"], board, "sim://uno")
    assert str(caught.value) == (
        "avrdude and the bootloader of the emulated board on sim://uno did not understand each "
        "other in 3 tries. Try again when this machine has less to do; if it stays so, check "
        f"'emulator' and 'arduino' in {board.path}."
    )


def test_the_wrong_chip_is_refused_by_its_signature(
    sketches: dict[str, Path], tmp_path: Path
) -> None:
    """An older Arduino has an ATmega168 behind the same bootloader."""
    text = (FIRMWARE / "boards" / "uno.toml").read_text()
    text = re.sub('name = "uno"', 'name = "old"', text)
    text = re.sub('"m328p"', '"m168p"', text)
    path = tmp_path / "old.toml"
    path.write_text(re.sub('"atmega328p"', '"atmega168p"', text))
    with pytest.raises(BoardError) as caught:
        put(sketches["uno"], load_board(str(path)), "sim://uno")
    assert str(caught.value) == (
        "The board on sim://uno has the chip m328p (signature 1e950f), and 'old' has an "
        "atmega168p. Name the board that it is: see `glyphite boards`."
    )


@pytest.fixture
def terminal() -> Iterator[str]:
    """A pseudo-terminal's path, with nothing behind it."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_a_port_without_a_bootloader_is_not_in_sync(
    sketches: dict[str, Path], terminal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glyphite.host.device.flash.SYNC_SECONDS", 0.5)
    monkeypatch.setattr("glyphite.host.device.bootloader.ASK_SECONDS", 0.5)
    with pytest.raises(LinkError) as caught:
        put(sketches["uno"], load_board("uno"), terminal)
    assert str(caught.value) == (
        f"The bootloader of the board on {terminal} is not in sync: it answered none of 3 tries. "
        "Likely the board is not a 'uno', or opening the port does not reset it: press its reset "
        "button as flashing starts, and check the cable."
    )


def test_a_port_that_another_program_holds_is_busy(
    sketches: dict[str, Path], terminal: str
) -> None:
    code = f"import time; held = open({terminal!r}); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout and holder.stdout.readline()
            with pytest.raises(LinkError, match=f"The port {terminal} is in use by python"):
                put(sketches["uno"], load_board("uno"), terminal)
        finally:
            holder.kill()


def test_a_port_that_does_not_exist_is_said_so(sketches: dict[str, Path]) -> None:
    with pytest.raises(LinkError, match=r"There is no port /dev/ttyACM99\. Ports found: "):
        put(sketches["uno"], load_board("uno"), "/dev/ttyACM99")


def test_without_avrdude_its_package_is_named(
    sketches: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tool in ("cc", "sh", "avr-gcc", "avr-objcopy"):
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError) as caught:
        put(sketches["uno"], load_board("uno"), "sim://uno")
    assert str(caught.value) == (
        "avrdude, which flashes Arduinos, is not installed. "
        "Install it with `sudo apt-get install avrdude`."
    )


def test_all_that_avrdude_says_is_kept_in_a_file_that_the_sentence_names(
    sketches: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last line is shown; the path that mends it stands in the one before."""
    said = "avrdude: cannot open /no/where.conf\navrdude: error reading the configuration\n"
    program = tmp_path / "bin" / "avrdude"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nprintf '{said}' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    with pytest.raises(ToolError) as caught:
        put(sketches["uno"], load_board("uno"), "sim://uno")
    kept = build_root() / ".boards" / f"avrdude-{os.getpid()}.log"
    assert str(caught.value) == (
        "avrdude failed at sim://uno and said: avrdude: error reading the configuration. All that "
        f"it said is in {kept}. Fix that and flash again."
    )
    assert kept.read_text() == said


def test_boards_that_are_not_flashed_say_what_to_do(sketches: dict[str, Path]) -> None:
    with pytest.raises(BoardError) as caught:
        put(sketches["uno"], load_board("native"), "sim://native")
    assert str(caught.value) == (
        "The board 'native' is not flashed. "
        "Build for it with `glyphite build MODEL --board native`."
    )
    with pytest.raises(BoardError, match="The emulated board 'cortex-m4' is not flashed"):
        put(sketches["uno"], load_board("uno"), "sim://cortex-m4")


def test_an_emulated_board_without_a_sketch_says_how_to_flash_it() -> None:
    with pytest.raises(LinkError) as caught, serial.serial_for_url("sim://uno"):
        pass
    assert str(caught.value) == (
        "The emulated board 'uno' holds no sketch yet. "
        "Put one on it: `glyphite flash uno --board uno --port sim://uno`."
    )


def test_the_command_compiles_builds_flashes_and_confirms(
    small_tflite: Path,
    require_tool: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """From a .tflite to the board's answer in one command, and again as text."""
    require_tool("avrdude", "arduino-builder", "avr-gcc")
    model = str(small_tflite)
    assert main(["flash", model, "--board", "uno", "--port", "sim://uno", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["model"] == "small"
    assert document["tries"] == 1
    assert document["flash"] > 3000
    assert 0 < document["stack"] < 200
    with connect("sim://uno", document["sha256"]) as session:
        assert session.ask(np.zeros((1, 16), np.int8)).scores.size == 4
    assert main(["flash", model, "--board", "uno", "--port", "sim://uno"]) == 0
    said = capsys.readouterr().out
    assert re.search(
        r"^uno on sim://uno: [\d,]+ bytes written and read back in [\d.]+ s\.$", said, re.M
    )
    assert f"model 'small', SHA-256 {document['sha256']}." in " ".join(said.split())


def test_a_mistake_is_one_sentence_and_an_exit_code(
    small_tflite: Path, require_tool: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    require_tool("avrdude", "arduino-builder", "avr-gcc")
    model = str(small_tflite)
    assert main(["flash", model, "--board", "uno", "--port", "/dev/nope"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("glyphite flash: There is no port /dev/nope. Ports found: ")
    assert said.err.count("\n") == 1
