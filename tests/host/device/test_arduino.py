"""Sketches by the real Arduino core: weighed, measured, refused where they do not fit."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.errors import BoardError, DoesNotFitError, LinkError, ToolError
from glyphite.convert.workspace import ModelFolder, build_root
from glyphite.host.cli import main
from glyphite.host.device.arduino import LIBRARIES, sketch_command, write_sketch
from glyphite.host.device.build import build
from glyphite.host.device.transport.firmware_files import find_firmware

Tools = Callable[..., None]
Change = Callable[[str], str]

pytestmark = pytest.mark.usefixtures("avr_emulator")


@pytest.fixture(autouse=True)
def tools(require_tool: Tools) -> None:
    require_tool("arduino-builder", "avr-gcc", "avr-size", "avr-nm")


def rewrite(folder: ModelFolder, file: str, pattern: str, replacement: str) -> None:
    path = folder.generated / file
    text, count = re.subn(pattern, replacement, path.read_text())
    assert count == 1, pattern
    path.write_text(text)


def assert_no_image(folder: ModelFolder, board: str) -> None:
    assert not list(folder.board(board).glob("firmware*"))


def sizes(image: Path) -> dict[str, int]:
    """avr-size's own account of the image."""
    text = subprocess.run(["avr-size", image], capture_output=True, text=True, check=True).stdout
    names, values = (line.split() for line in text.splitlines())
    return dict(zip(names[:3], map(int, values[:3]), strict=True))


@pytest.mark.parametrize("name", ["uno", "mega2560"])
def test_flash_static_ram_and_stack_are_the_sketchs(tiny: ModelFolder, name: str) -> None:
    """The first two as binutils reports them, the third as the emulated board reached it."""
    built = build(tiny, load_board(name))
    found = sizes(built.image)
    assert built.size.flash == found["text"] + found["data"]
    assert built.size.ram == found["data"] + found["bss"]
    assert built.size.stack_measured
    assert 20 < built.size.stack < 150
    symbols = subprocess.run(
        ["avr-nm", "-S", "--size-sort", "-r", built.image],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    largest = [line.split()[3] for line in symbols if line.split()[2] != "a"][:3]
    assert [part.name for part in built.size.parts[:3]] == largest
    size = json.loads(built.image.with_name("size.json").read_text())
    assert (size["stack"], size["stack_measured"]) == (built.size.stack, True)


def test_the_command_prints_the_limits_and_flashes_nothing(
    small_tflite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is built must still be flashed, as on the desk."""
    assert main(["build", str(small_tflite), "--board", "uno"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"flash +│ +[\d,]+ │ 32,256 │", said)
    assert re.search(r"static RAM +│ +[\d,]+ │ +2,048 │", said)
    assert re.search(r"stack, measured +│ +\d+ │ +2,048 │", said)
    with pytest.raises(LinkError, match="The emulated board 'uno' holds no sketch yet"):
        find_firmware("uno")


def test_too_much_static_ram_is_refused_by_its_largest_parts(tiny: ModelFolder) -> None:
    rewrite(tiny, "model.h", r"(MODEL_ARENA_BYTES) \d+", r"\1 1900")
    with pytest.raises(DoesNotFitError) as caught:
        build(tiny, load_board("uno"))
    assert re.fullmatch(
        r"The model 'tiny' does not fit on 'uno': it needs 2,\d{3} bytes of RAM, and the board has "
        r"1,948 beside the stack's 100\. Largest parts: model_arena 1,900, Serial 157, \w+ \d+\. "
        r"Use a larger board or a smaller model\.",
        str(caught.value),
    )
    assert_no_image(tiny, "uno")


def test_more_ram_than_the_linker_knows_is_refused_in_the_same_words(tiny: ModelFolder) -> None:
    rewrite(tiny, "model.h", r"(MODEL_ARENA_BYTES) \d+", r"\1 9000")
    with pytest.raises(DoesNotFitError, match=r"needs 9,\d{3} bytes of RAM.*model_arena 9,000, "):
        build(tiny, load_board("uno"))


def test_too_much_flash_is_refused_with_the_bootloader_counted(tiny: ModelFolder) -> None:
    """29,000 bytes of constants leave the sketch no room below Optiboot's 512."""
    rewrite(
        tiny,
        "model.c",
        r"void model_invoke\(void\) \{",
        "static const char weights[29000] PROGMEM = {1};\n\nvoid model_invoke(void) {\n"
        "    model_arena[299] = (int8_t)pgm_read_byte(weights + (uint8_t)model_arena[298]);",
    )
    rewrite(tiny, "model.c", '#include "model.h"', '#include "model.h"\n#include <avr/pgmspace.h>')
    with pytest.raises(DoesNotFitError) as caught:
        build(tiny, load_board("uno"))
    assert re.match(
        r"The model 'tiny' does not fit on 'uno': it needs 32,\d{3} bytes of flash, and the board "
        r"has 32,256\. Largest parts: weights 29,000, ",
        str(caught.value),
    )


def test_a_stack_that_runs_into_the_static_data_is_refused(tiny: ModelFolder) -> None:
    """Static data fits with 150 bytes to spare; the kernel's 400 bytes of locals do not."""
    rewrite(tiny, "model.h", r"(MODEL_ARENA_BYTES) \d+", r"\1 1620")
    rewrite(
        tiny,
        "model.c",
        r"void model_invoke\(void\) \{",
        "void model_invoke(void) {\n    volatile int8_t deep[400];\n"
        "    for (int i = 0; i < 400; i++) {\n        deep[i] = (int8_t)i;\n    }",
    )
    with pytest.raises(DoesNotFitError) as caught:
        build(tiny, load_board("uno"))
    assert re.fullmatch(
        r"The model 'tiny' does not fit on 'uno': the stack of the sketch ran into its static data"
        r": avr_board: stack overflow: [^.]+\. It has 1,8\d{2} of 2,048 bytes of RAM as static "
        r"data\. Largest parts: model_arena 1,620, Serial 157, \w+ \d+\. "
        r"Use a larger board or a smaller model\.",
        str(caught.value),
    )
    assert_no_image(tiny, "uno")


def test_without_the_emulator_the_stack_is_reserved_not_measured(
    tiny: ModelFolder, avr_emulator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    avr_emulator.unlink()
    monkeypatch.setattr("glyphite.host.device.transport.avr.HEADER", Path("/nowhere/sim_avr.h"))
    size = build(tiny, load_board("uno")).size
    assert (size.stack, size.stack_measured) == (100, False)


def test_c_that_does_not_compile_is_one_sentence(tiny: ModelFolder) -> None:
    rewrite(tiny, "model.c", r"void model_invoke\(void\) \{", "void model_invoke(void) { oops();")
    rewrite(tiny, "model.c", '#include "model.h"', '#include "model.h"\n#error Broken on purpose')
    with pytest.raises(ToolError) as caught:
        build(tiny, load_board("uno"))
    assert "cannot build the firmware for 'uno'" in str(caught.value)
    assert "Broken on purpose" in str(caught.value)
    (kept,) = (build_root() / ".boards").glob("*.log")
    assert f"All that it said is in {kept}. " in str(caught.value)
    assert len(kept.read_text().splitlines()) > 2


@pytest.mark.parametrize("key", ["optimize", "flags", "link_flags"])
def test_the_core_compiles_with_the_options_of_the_board_file(
    key: str, tiny: ModelFolder, tmp_path: Path
) -> None:
    """What it ignored would be recorded all the same, as what the firmware was built with."""
    board = load_board("uno")
    wrong = '"-Oanything"' if key == "optimize" else '["-Oanything"]'
    text = board.path.read_text().replace('name = "uno"', 'name = "mine"')
    text = re.sub(rf"^{key} = .*\n", "", text, flags=re.MULTILINE)
    (tmp_path / "mine.toml").write_text(text.replace("cc = ", f"{key} = {wrong}\ncc = "))
    with pytest.raises(ToolError, match=r"-Oanything|argument to .-O. should"):
        build(tiny, load_board(str(tmp_path / "mine.toml")))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('optimize = "-O3"', r"'toolchain\.optimize' is '-O3', and the core .* Say '-Os' there\."),
        ('optimize = "-Os"\nlink_flags = ["-s"]', r"'toolchain\.link_flags' is '-s', .* Remove it"),
    ],
)
def test_options_that_a_core_would_ignore_are_refused(line: str, said: str, tmp_path: Path) -> None:
    text = load_board("nano33ble").path.read_text().replace('"nano33ble"', '"mine"', 1)
    (tmp_path / "mine.toml").write_text(text.replace('optimize = "-Os"', line))
    with pytest.raises(BoardError, match=said):
        load_board(str(tmp_path / "mine.toml"))


def executable(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_arduino_cli_is_preferred_where_it_has_the_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in that lists cores as arduino-cli does; the command is checked, not run."""
    listed = "ID Installed Latest Name\\narduino:avr 1.8.6 1.8.6 Arduino AVR Boards\\n"
    executable(tmp_path, "arduino-cli", f"printf '{listed}'")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    command = sketch_command(load_board("mega2560"), tmp_path / "classify", tmp_path / "made")
    assert command[:4] == [
        *(str(tmp_path / "arduino-cli"), "compile", "--fqbn"),
        "arduino:avr:mega:cpu=atmega2560",
    ]
    assert command[-1] == str(tmp_path / "classify")
    assert "compiler.cpp.extra_flags=-DDECIMAL_DIG=__DECIMAL_DIG__ -Os" in command


def test_arduino_cli_without_the_core_leaves_it_to_arduino_builder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable(tmp_path, "arduino-cli", "echo 'No platforms installed.'")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    command = sketch_command(load_board("uno"), tmp_path / "classify", tmp_path / "made")
    assert command[0] == "arduino-builder"
    monkeypatch.setenv("PATH", str(tmp_path))
    executable(tmp_path, "arduino-cli", "exit 0")
    with pytest.raises(ToolError) as caught:
        sketch_command(load_board("uno"), tmp_path / "classify", tmp_path / "made")
    assert str(caught.value) == (
        "arduino-cli lacks the core arduino:avr for 'uno'. "
        "Install it with `arduino-cli core install arduino:avr`."
    )


def test_without_any_arduino_tool_both_ways_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "avr-gcc").symlink_to(str(shutil.which("avr-gcc")))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError) as caught:
        sketch_command(load_board("uno"), tmp_path / "classify", tmp_path / "made")
    assert str(caught.value) == (
        "Nothing here builds sketches for 'uno'. Install arduino-cli and its core "
        "(`arduino-cli core install arduino:avr`) or "
        "`sudo apt-get install gcc-avr avr-libc arduino-core-avr arduino-builder`."
    )


def test_a_sketch_has_the_speed_and_the_name_of_the_board_file(
    tiny: ModelFolder, tmp_path: Path
) -> None:
    """A bootloader's speed is its own, and the host talks to the sketch at the same one."""
    text = load_board("uno").path.read_text().replace('"uno"', '"old"').replace("115200", "57600")
    (tmp_path / "old.toml").write_text(text)
    board = load_board(str(tmp_path / "old.toml"))
    first, second, *rest = (
        (write_sketch(tiny, tmp_path, board) / "classify.ino").read_text().splitlines()
    )
    assert first == "#define GLYPHITE_BAUD 57600"
    assert second == '#define GLYPHITE_ARDUINO_BOARD "old"'
    assert "    Serial.begin(GLYPHITE_BAUD);" in rest
    header = (LIBRARIES / "Glyphite" / "src" / "Glyphite.h").read_text()
    assert "#ifndef GLYPHITE_BAUD\n#define GLYPHITE_BAUD 115200\n#endif\n" in header
