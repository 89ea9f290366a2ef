"""Arduinos that arduino-cli builds for and uploads to: their files, and every way that can fail.

arduino-cli and these cores are in no package registry, so no test here runs them.
"""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.convert.boards import Arduino, Board, all_boards, load_board
from glyphite.convert.errors import BoardError, DoesNotFitError, LinkError, ToolError
from glyphite.convert.progress import ignore_progress
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from glyphite.host.device.arduino import installed_cores, reported_sizes, sketch_command
from glyphite.host.device.build import build
from glyphite.host.device.flash import STEPS, flash
from glyphite.host.device.session import connect
from glyphite.host.device.transport.emulator import EmulatedBoard
from glyphite.host.device.upload import (
    ensure_right_board,
    failure,
    new_port,
    upload,
    upload_command,
)

CORES = {
    "due": "arduino:sam",
    "esp32-devkit": "esp32:esp32",
    "giga-r1": "arduino:mbed_giga",
    "nano-rp2040-connect": "arduino:mbed_nano",
    "nano33ble": "arduino:mbed_nano",
    "uno-r4-minima": "arduino:renesas_uno",
    "zero": "arduino:samd",
}
TINY_SHA256 = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"
DEBIAN_BOARDS = Path("/usr/share/arduino/hardware/arduino/avr/boards.txt")
ABSENT = (
    "arduino-cli, which builds and flashes 'nano33ble', is not installed. Install it "
    "(https://arduino.github.io/arduino-cli/latest/installation/) and then the board's core: "
    "`arduino-cli core install arduino:mbed_nano`."
)


def arduino_of(name: str) -> tuple[Board, Arduino]:
    board = load_board(name)
    assert board.arduino is not None
    return board, board.arduino


@pytest.fixture
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH on which nothing is installed."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def executable(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("name", CORES)
def test_a_board_knows_its_core_and_the_command_that_installs_it(name: str) -> None:
    _, arduino = arduino_of(name)
    assert arduino.core == CORES[name]
    assert arduino.install.startswith(f"arduino-cli core install {CORES[name]}")
    assert (arduino.part, arduino.programmer) == (None, None)


def test_a_core_that_is_not_arduinos_own_is_installed_from_its_index() -> None:
    """arduino-cli knows Espressif's cores by that address only."""
    assert arduino_of("esp32-devkit")[1].install == (
        "arduino-cli core install esp32:esp32 --additional-urls "
        "https://espressif.github.io/arduino-esp32/package_esp32_index.json"
    )


def test_no_two_boards_share_a_usb_id() -> None:
    seen: dict[str, str] = {}
    for board in all_boards():
        for usb_id in board.arduino.usb_ids if board.arduino else ():
            assert seen.setdefault(usb_id, board.name) == board.name
    assert len(seen) > 20


@pytest.mark.parametrize(("name", "key"), [("uno", "uno"), ("mega2560", "mega")])
def test_the_usb_ids_of_the_avr_boards_are_the_cores(
    name: str, key: str, absent_because: Callable[[str], None]
) -> None:
    if not DEBIAN_BOARDS.is_file():
        absent_because("arduino-core-avr is not installed.")
    text = DEBIAN_BOARDS.read_text()
    ids = [
        re.findall(rf"^{key}\.{part}\.\d+=0x(\w+)", text, re.MULTILINE) for part in ("vid", "pid")
    ]
    expected = [f"{vid}:{pid}".lower() for vid, pid in zip(*ids, strict=True)]
    assert list(arduino_of(name)[1].usb_ids) == expected


def test_flashing_without_arduino_cli_names_it_and_the_core(
    small_tflite: Path, empty_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["flash", str(small_tflite), "--board", "nano33ble", "--port", "/dev/ttyACM0"]
    assert main(command) == 1
    assert ABSENT in " ".join(capsys.readouterr().err.split())


def test_building_without_arduino_cli_leaves_no_image(tiny: ModelFolder, empty_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        build(tiny, load_board("nano33ble"))
    assert str(caught.value) == ABSENT
    assert not list(tiny.board("nano33ble").glob("*"))


@pytest.mark.parametrize("name", CORES)
def test_arduino_cli_without_the_core_names_the_command(name: str, empty_path: Path) -> None:
    """A stand-in lists cores as arduino-cli does; nothing else of it is run."""
    executable(empty_path, "arduino-cli", "echo 'arduino:avr 1.8.6 1.8.6 Arduino AVR Boards'")
    assert installed_cores() == {"arduino:avr"}
    board, arduino = arduino_of(name)
    with pytest.raises(ToolError) as caught:
        sketch_command(board, Path("classify"), Path("made"))
    assert str(caught.value) == (
        f"arduino-cli lacks the core {CORES[name]} for {name!r}. "
        f"Install it with `{arduino.install}`."
    )
    with pytest.raises(ToolError, match="lacks the core"):
        upload(Path("firmware.elf"), board, arduino, "/dev/ttyACM0")


def test_compile_and_upload_name_board_port_and_files(empty_path: Path) -> None:
    executable(empty_path, "arduino-cli", "echo 'arduino:mbed_nano 4.2.1 4.2.1 Mbed OS Nano'")
    board, arduino = arduino_of("nano33ble")
    command = sketch_command(board, Path("classify"), Path("made"))
    assert command[1:4] == ["compile", "--fqbn", "arduino:mbed_nano:nano33ble"]
    assert "--build-property" not in command  # those of the AVR's are its own
    assert upload_command("cli", arduino, "/dev/ttyACM0", Path("files")) == [
        *("cli", "upload", "--fqbn", "arduino:mbed_nano:nano33ble", "--port", "/dev/ttyACM0"),
        *("--input-dir", "files", "--verify"),
    ]


def test_an_emulated_port_is_refused() -> None:
    board, arduino = arduino_of("giga-r1")
    with pytest.raises(BoardError) as caught:
        upload(Path("firmware.elf"), board, arduino, "sim://uno")
    assert str(caught.value) == (
        "The board 'giga-r1' is not emulated, and sim://uno is not a port that arduino-cli could "
        "upload to. Name the board's own: /dev/ttyACM0, COM3."
    )


NOT_EMULATED = (
    "The board 'due' is not emulated. Connect one and name its port, or name an emulated board: "
    "`glyphite boards` lists them."
)


def test_an_emulated_line_to_a_board_without_an_emulator_is_refused(tmp_path: Path) -> None:
    """To send it tensors, and to flash another board's sketch onto it."""
    with pytest.raises(BoardError) as caught, connect("sim://due"):
        pass
    assert str(caught.value) == NOT_EMULATED
    image = tmp_path / "firmware.elf"
    with pytest.raises(BoardError) as caught:
        flash(image, load_board("uno"), "sim://due", TINY_SHA256, ignore_progress)
    assert str(caught.value) == NOT_EMULATED


def test_another_boards_usb_id_is_refused_with_its_name() -> None:
    """A converter that many boards have, or none at all, says nothing."""
    with pytest.raises(BoardError) as caught:
        ensure_right_board(load_board("nano33ble"), "/dev/ttyACM0", "2341:0366")
    assert str(caught.value) == (
        "The board on /dev/ttyACM0 is not a 'nano33ble': its USB id, 2341:0366, is that of "
        "giga-r1. Name the board that it is: `--board giga-r1`."
    )
    for found in ("2341:805a", "1a86:7523", None):
        ensure_right_board(load_board("nano33ble"), "/dev/ttyACM0", found)


def test_a_failed_upload_says_what_arduino_cli_said() -> None:
    said = "Waiting for upload port...\nNo device found on ttyACM0\nFailed uploading: exit status 1"
    assert failure(said, load_board("nano33ble"), "/dev/ttyACM0") == (
        "arduino-cli could not upload to 'nano33ble' on /dev/ttyACM0 and said: No device found on "
        "ttyACM0. Press the board's reset button twice, which starts its bootloader, and flash "
        "again."
    )
    assert "said: nothing." in failure("", load_board("due"), "COM3")


def test_the_port_is_followed_where_the_board_takes_another() -> None:
    assert new_port("Done in 6.2 seconds\nNew upload port: /dev/ttyACM1 (serial)\n") == (
        "/dev/ttyACM1"
    )
    assert new_port("Done in 6.2 seconds\n") is None


def test_sizes_are_those_that_the_core_reckons() -> None:
    said = (
        "Sketch uses 83016 bytes (8%) of program storage space. Maximum is 983040 bytes.\n"
        "Global variables use 45240 bytes (17%) of dynamic memory, leaving 216904 bytes for local "
        "variables. Maximum is 262144 bytes.\n"
    )
    assert reported_sizes(said) == (83016, 45240)
    assert reported_sizes("Sketch uses 83016 bytes") is None


def test_a_sketch_too_large_for_its_core_is_said_so(tiny: ModelFolder, empty_path: Path) -> None:
    """The stand-in ends as arduino-cli does when the linker finds no room."""
    executable(
        empty_path,
        "arduino-cli",
        'if [ "$1" = core ]; then echo arduino:samd 1.8.14; exit 0; fi\n'
        'echo "ld: region \\`FLASH\' overflowed by 1234 bytes" >&2; exit 1',
    )
    with pytest.raises(DoesNotFitError) as caught:
        build(tiny, load_board("zero"))
    assert str(caught.value) == (
        "The model 'tiny' does not fit on 'zero': its core finds no room for the sketch. "
        "Use a larger board or a smaller model."
    )
    assert not list(tiny.board("zero").glob("*"))


STAND_IN = """case "$1" in
core) echo "arduino:samd 1.8.14" ;;
compile)
    while [ "$1" != --build-path ]; do shift; done
    cp {elf} "$2/classify.ino.elf"
    echo sketch > "$2/classify.ino.bin"
    echo "Sketch uses 12345 bytes (4%) of program storage space. Maximum is 262144 bytes."
    echo "Global variables use 2345 bytes (7%) of dynamic memory." ;;
upload) echo "$@" > {log}; echo "New upload port: {port} (serial)" ;;
esac
"""


def test_what_arduino_cli_made_is_weighed_uploaded_and_heard(
    tiny: ModelFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in makes the files and moves the port; the board that answers is this machine's."""
    native = load_board("native")
    image = Path(shutil.copy(build(tiny, native).image, tmp_path / "native.elf"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    zero, log = load_board("zero"), tmp_path / "log"
    with (
        EmulatedBoard(native, image, terminal=True) as emulated,
        EmulatedBoard(native, image, terminal=True) as other,
    ):
        script = STAND_IN.format(elf=image, log=log, port=other.terminal)
        executable(tmp_path, "arduino-cli", script)
        built = build(tiny, zero)
        assert (built.size.flash, built.size.ram, built.size.stack) == (12345, 2345, 1024)
        assert not built.size.stack_measured
        steps: list[int] = []
        flashed = flash(built.image, zero, emulated.terminal, TINY_SHA256, steps.append)
    assert (flashed.hello.model_name, flashed.port) == ("tiny", other.terminal)
    assert sum(steps) == STEPS
    folder = built.image.parent / "upload"
    assert (folder / "classify.ino.bin").read_text() == "sketch\n"
    assert f"--port {emulated.terminal} --input-dir {folder} --verify" in log.read_text()


def test_a_board_that_does_not_come_back_is_said_so(
    tiny: ModelFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    native = load_board("native")
    image = build(tiny, native).image
    script = STAND_IN.format(elf=image, log=tmp_path / "log", port="/dev/ttyACM99")
    executable(tmp_path, "arduino-cli", script)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("glyphite.host.device.upload.BACK_SECONDS", 0.5)
    board, arduino = arduino_of("zero")
    with (
        EmulatedBoard(native, image, terminal=True) as emulated,
        pytest.raises(LinkError) as caught,
    ):
        upload(image, board, arduino, emulated.terminal)
    assert str(caught.value).startswith(
        "The sketch is on the board, but its port /dev/ttyACM99 did not come back: There is no port"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2341:005a", "2341:5a", "the USB id '2341:5a' cannot be used. Vendor and product are "),
        ("2341:005a", "2341:005A", "the USB id '2341:005A' cannot be used."),
        ("arduino:mbed_nano:nano33ble", "nano33ble", "'arduino.fqbn' is 'nano33ble'. PACKAGE:"),
        ("fqbn", "board", "unknown key 'arduino.board'. Allowed here: fqbn, usb_ids, index_url,"),
    ],
)
def test_a_mistake_in_a_board_file_is_named(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "mine.toml"
    text = load_board("nano33ble").path.read_text().replace('"nano33ble"', '"mine"', 1)
    path.write_text(
        text.replace(old, new, 1) if old != "fqbn" else text.replace("fqbn =", "board =")
    )
    with pytest.raises(BoardError, match=re.escape(message)):
        load_board(str(path))


def test_the_verb_boards_shows_what_each_needs(
    empty_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["boards", "--json"]) == 0
    boards = {board["name"]: board for board in json.loads(capsys.readouterr().out)}
    for name in CORES:
        _, arduino = arduino_of(name)
        assert boards[name]["compiler"] == {
            "program": "arduino-cli",
            "installed": False,
            "package": None,
            "install": arduino.install,
        }
        assert boards[name]["fqbn"] == arduino.fqbn
        assert boards[name]["usb_ids"] == list(arduino.usb_ids)
    assert main(["boards"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "need arduino-cli (https://arduino.github.io" in out
    assert "nano-rp2040-connect, nano33ble: arduino-cli core install arduino:mbed_nano" in out
