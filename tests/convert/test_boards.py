"""Board files: what they say is read whole, and a mistake in one is a sentence that names it."""

import json
import os
import re
from pathlib import Path

import pytest

from glyphite.convert.boards import BOARDS, all_boards, known_board, load_board
from glyphite.convert.errors import BoardError
from glyphite.convert.shipped import FIRMWARE
from glyphite.host.cli import main

MINIMAL = """
name = "{name}"
description = "a board for a test"
[mcu]
architecture = "armv7e-m"
cpu = "cortex-m4"
timer_hz = 1000
[memory]
flash = 1024
ram = 512
stack = 128
[toolchain]
cc = "arm-none-eabi-gcc"
package = "gcc-arm-none-eabi"
port = "mps2"
optimize = "-Os"
[serial]
baud = 9600
receive_buffer = 16
"""


def board_file(folder: Path, text: str = MINIMAL, name: str = "test-board") -> str:
    path = folder / "mine.toml"
    path.write_text(text.replace("{name}", name))
    return str(path)


def refusal(path: str) -> str:
    with pytest.raises(BoardError) as caught:
        load_board(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_a_name_from_outside_is_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A FIFO there would hold whoever opens it."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("uno.toml")
    assert known_board("uno.toml") is None
    assert known_board("../boards/uno") is None
    assert known_board("uno") == load_board("uno")


def test_the_boards_of_the_project_are_read() -> None:
    boards = {board.name: board for board in all_boards()}
    assert set(boards) == {path.stem for path in BOARDS.glob("*.toml")} >= {"native", "cortex-m4"}
    assert boards["native"].memory is None
    m4 = boards["cortex-m4"]
    assert m4.memory is not None
    assert (m4.memory.flash, m4.memory.ram) == (4 << 20, 4 << 20)
    assert m4.mcu.clock_hz == m4.mcu.timer_hz == 25_000_000
    assert m4.emulator is not None
    assert m4.emulator.instructions_per_tick == 1_000_000_000 // m4.mcu.timer_hz


def test_a_board_file_of_ones_own_is_named_by_its_path(tmp_path: Path) -> None:
    board = load_board(board_file(tmp_path))
    assert (board.name, board.toolchain.flags, board.emulator) == ("test-board", (), None)
    assert board.path == (tmp_path / "mine.toml").resolve()


def test_no_board_file_of_ones_own_takes_the_name_of_another(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(load_board("native").path.read_text())
    said = f"{path}: a board that comes with Glyphite is called 'native', and files go by that name"
    with pytest.raises(BoardError, match=re.escape(said)):
        load_board(str(path))


def test_an_unknown_board_is_answered_with_those_there_are() -> None:
    with pytest.raises(BoardError) as caught:
        load_board("unoo")
    names = ", ".join(board.name for board in all_boards())
    assert str(caught.value) == (
        f"No board called 'unoo'. Did you mean uno? There are: {names}. "
        "Name one of them, or the path of a board file (.toml)."
    )


@pytest.mark.parametrize("name", ["../boards/native", "", "NATIVE", "native.tml"])
def test_only_a_boards_own_name_names_it(name: str) -> None:
    with pytest.raises(BoardError, match="No board called"):
        load_board(name)


def test_a_board_file_that_does_not_exist_is_said_so(tmp_path: Path) -> None:
    path = str(tmp_path / "none.toml")
    with pytest.raises(BoardError, match=re.escape(f"No such board file: {path}. Check the path.")):
        load_board(path)


def test_what_is_no_toml_is_said_so(tmp_path: Path) -> None:
    path = board_file(tmp_path, "name = = 3")
    with pytest.raises(BoardError, match=r"cannot be read as TOML: Invalid value \(at line 1"):
        load_board(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("baud = 9600", "baud = 9600\nspeed = 1"),
            "unknown key 'serial.speed'. Allowed here: baud, receive_buffer, address, interrupt. "
            "Correct it there.",
        ),
        (("stack = 128", ""), "the key 'memory.stack' is missing. Correct it there."),
        (
            ("[serial]\nbaud = 9600\nreceive_buffer = 16", ""),
            "the key 'serial' is missing. Correct it there.",
        ),
        (
            ("flash = 1024", 'flash = "1K"'),
            "'memory.flash' is '1K', and a whole number is needed. Correct it there.",
        ),
        (
            ("flash = 1024", "flash = true"),
            "'memory.flash' is True, and a whole number is needed. Correct it there.",
        ),
        (
            ("flash = 1024", "flash = 1e6"),
            "'memory.flash' is 1000000.0, and a whole number is needed. Correct it there.",
        ),
        (
            ('cpu = "cortex-m4"', "cpu = 4"),
            "'mcu.cpu' is 4, and a string is needed. Correct it there.",
        ),
        (
            ('optimize = "-Os"', 'optimize = "-Os"\nflags = "-g"'),
            "'toolchain.flags' is '-g', and a list is needed. Correct it there.",
        ),
        (
            ("[mcu]", "[[mcu]]"),
            "'mcu' is [{'architecture': 'armv7e-m', 'cpu': 'cortex-m4', 'timer_hz': 1000}], "
            "and a table is needed. Correct it there.",
        ),
        (("flash = 1024", "flash = 0"), "'flash' is 0. A number of 1 to 2^32 - 1 is needed."),
        (
            ("timer_hz = 1000", "timer_hz = -5"),
            "'timer_hz' is -5. A number of 1 to 2^32 - 1 is needed.",
        ),
        (
            ("stack = 128", "stack = 512"),
            "a stack of 512 bytes leaves nothing of 512 bytes of RAM. Make 'memory.stack' smaller.",
        ),
        (
            ('name = "{name}"', 'name = "My Board"'),
            "the name 'My Board' cannot be used. At most 31 lower-case letters, digits and '-' "
            "are allowed.",
        ),
        (
            ("description", 'path = "x"\ndescription'),
            "unknown key 'path'. Allowed here: name, description, mcu, toolchain, serial, memory, "
            "emulator, arduino. Correct it there.",
        ),
        (
            ("[serial]", '[emulator]\nkind = "qemu"\nmachine = "x"\n[serial]'),
            "a qemu emulator needs 'program', 'package' and 'machine'. Add them.",
        ),
    ],
)
def test_a_mistake_is_named_with_what_is_allowed(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    assert change[0] in MINIMAL
    assert refusal(board_file(tmp_path, MINIMAL.replace(*change))) == message


def test_an_unknown_port_or_emulator_lists_the_known_ones(tmp_path: Path) -> None:
    text = MINIMAL.replace('port = "mps2"', 'port = "mps3"')
    message = refusal(board_file(tmp_path, text))
    assert message == "there is no port 'mps3'. Known ports: mps2, native."
    for odd in ("x" * 5000, "../ports/native", r"mps2\u0000"):
        text = MINIMAL.replace('port = "mps2"', f'port = "{odd}"')
        assert "Known ports: mps2, native." in refusal(board_file(tmp_path, text))
    text = MINIMAL + '[emulator]\nkind = "renode"\n'
    message = refusal(board_file(tmp_path, text))
    assert message.startswith("the emulator kind 'renode' is not known. Known kinds: process, qemu")


@pytest.mark.parametrize("usb_id", ["2341:004E", "2341-0043", "2341:43", "0x2341:0x43"])
def test_a_usb_id_in_another_form_is_refused(tmp_path: Path, usb_id: str) -> None:
    """What a port tells is compared as it stands: capitals would never be found."""
    text = MINIMAL + f'[arduino]\nfqbn = "arduino:avr:uno"\nusb_ids = ["{usb_id}"]\n'
    assert refusal(board_file(tmp_path, text)).startswith(
        f"the USB id {usb_id!r} cannot be used. Vendor and product are needed, four lower-case"
    )


def test_a_file_among_ours_is_named_as_its_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glyphite.convert.boards.BOARDS", tmp_path.resolve())
    path = board_file(tmp_path.resolve())
    assert (
        refusal(path) == "the board calls itself 'test-board'. Rename the file to test-board.toml."
    )


def test_every_text_of_a_board_fits_in_hello() -> None:
    assert all(len(board.name) < 32 for board in all_boards())


def test_the_verb_lists_boards_with_limits_and_tools(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["boards"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"cortex-m4 .* 4,194,304 ", out)
    assert re.search(r"native .* no limit ", out)


def test_the_verbs_json_says_which_tools_are_absent(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With an empty PATH nothing is installed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["boards", "--json"]) == 0
    boards = {board["name"]: board for board in json.loads(capsys.readouterr().out)}
    assert boards["cortex-m4"]["flash"] == 4 << 20
    assert boards["cortex-m4"]["compiler"] == {
        "program": "arm-none-eabi-gcc",
        "installed": False,
        "package": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    }
    assert boards["cortex-m4"]["emulator"]["installed"] is False
    assert boards["native"]["flash"] is None
    assert boards["native"]["emulator"]["installed"] is True
    assert main(["boards"]) == 0
    assert "install" in capsys.readouterr().out


def test_every_board_file_says_what_it_is_in_its_first_line() -> None:
    for path in (FIRMWARE / "boards").glob("*.toml"):
        assert path.read_text().startswith("# "), path


def test_a_boards_name_has_31_letters_at_most(tmp_path: Path) -> None:
    """As a hello's text has."""
    text = Path(board_file(tmp_path)).read_text()
    assert load_board(board_file(tmp_path, text.replace("test-board", "b" * 31))).name == "b" * 31
    with pytest.raises(BoardError, match="At most 31 lower-case letters"):
        load_board(board_file(tmp_path, text.replace("test-board", "b" * 32)))


@pytest.mark.parametrize(
    "value",
    [
        '[arduino]\nfqbn = "arduino:avr:uno"\nusb_ids = ["{}"]\n',
        '[arduino]\nfqbn = "{}"\n',
        '[emulator]\nkind = "{}"\n',
    ],
)
def test_a_value_of_thousands_of_letters_is_quoted_in_part(tmp_path: Path, value: str) -> None:
    said = refusal(board_file(tmp_path, MINIMAL + value.format(9_000 * "?")))
    assert "???..." in said
    assert len(said) < 500


@pytest.mark.parametrize("package", ["x; touch pwned", "gcc  make", "-y", "$(id)", "a\\nb"])
def test_a_package_stands_in_a_command_and_is_a_name(tmp_path: Path, package: str) -> None:
    text = MINIMAL.replace('"gcc-arm-none-eabi"', f'"{package}"')
    with pytest.raises(BoardError, match=r"'package' is .* Names of Debian packages"):
        load_board(board_file(tmp_path, text))


def test_the_command_that_installs_a_core_is_quoted(tmp_path: Path) -> None:
    text = MINIMAL + '[arduino]\nfqbn = "a:b:c"\nindex_url = "http://x; touch pwned"\n'
    arduino = load_board(board_file(tmp_path, text)).arduino
    assert arduino is not None
    assert arduino.install == (
        "arduino-cli core install a:b --additional-urls 'http://x; touch pwned'"
    )


def test_a_name_that_no_file_can_have_is_a_sentence() -> None:
    with pytest.raises(BoardError, match="No such board file: aaa"):
        load_board("a" * 300 + ".toml")


def test_a_board_file_is_never_named_as_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(board_file(tmp_path)).rename("-b.toml")
    assert load_board("-b.toml").named == "./-b.toml"
