"""Building firmware: the sizes are the image's, what does not fit is refused, nothing is left."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.boards import Board, load_board
from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.errors import DoesNotFitError, LinkError, ModelError, PortError, ToolError
from glyphite.convert.shipped import FIRMWARE
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from glyphite.host.cli.build import compile_and_build
from glyphite.host.device.build import build
from glyphite.host.device.elf import Elf, Section, Symbol, read_elf
from glyphite.host.device.session import connect
from glyphite.host.device.size import image_size
from glyphite.host.device.transport.firmware_files import find_firmware
from tests.builders.dense import fully_connected
from tests.builders.models import ModelBuilder
from tests.builders.small import small

Tools = Callable[..., None]


@pytest.fixture
def cortex_m4(require_tool: Tools) -> Board:
    require_tool("arm-none-eabi-gcc")
    return load_board("cortex-m4")


@pytest.fixture
def native(require_tool: Tools) -> Board:
    require_tool("cc")
    return load_board("native")


def variant(tmp_path: Path, board: str, *changes: tuple[str, str]) -> Board:
    """A board file of our own: one that comes with the project, with lines changed."""
    text = (FIRMWARE / "boards" / f"{board}.toml").read_text()
    text = text.replace(f'name = "{board}"', f'name = "my-{board}"', 1)
    for pattern, replacement in changes:
        text, count = re.subn(pattern, replacement, text, flags=re.MULTILINE)
        assert count == 1, pattern
    path = tmp_path / f"{board}.toml"
    path.write_text(text)
    return load_board(str(path))


def output(*command: object) -> str:
    return subprocess.run(
        [str(word) for word in command], check=True, capture_output=True, text=True
    ).stdout


def test_flash_is_what_a_flasher_would_write(
    tiny: ModelFolder, cortex_m4: Board, tmp_path: Path
) -> None:
    """objcopy makes the flat image of flash; its length is an independent measure."""
    built = build(tiny, cortex_m4)
    flat = tmp_path / "flat.bin"
    output("arm-none-eabi-objcopy", "-O", "binary", built.image, flat)
    assert built.size.flash == flat.stat().st_size > 2000


def test_a_variable_with_an_initial_value_takes_both_memories_and_the_stack_is_apart() -> None:
    text, data = Section(".text", 100, True, False), Section(".data", 8, True, True)
    bss, stack = Section(".bss", 40, False, True), Section(".stack", 512, False, True)
    value = Symbol("value", 8, data, 0, False)
    size = image_size(Elf((text, data, bss, stack, Section(".empty", 0, True, False)), (value,)))
    assert (size.flash, size.ram, size.stack) == (108, 48, 512)
    assert size.sections == {".text": 100, ".data": 8, ".bss": 40}
    assert [(part.name, part.memory) for part in size.parts] == [("value", "flash and RAM")]


def test_ram_and_stack_are_what_binutils_count(tiny: ModelFolder, cortex_m4: Board) -> None:
    built = build(tiny, cortex_m4)
    table = output("arm-none-eabi-size", "-A", built.image)
    sizes = {words[0]: int(words[1]) for words in map(str.split, table.splitlines()) if words[1:]
             and words[1].isdigit()}  # fmt: skip
    assert built.size.ram == sizes[".data"] + sizes[".bss"]
    assert built.size.stack == sizes[".stack"] == 8192
    assert built.size.sections[".text"] == sizes[".text"]


def test_parts_are_named_with_their_memory_largest_first(
    tiny: ModelFolder, cortex_m4: Board
) -> None:
    parts = build(tiny, cortex_m4).size.parts
    sizes = [part.bytes for part in parts]
    assert sizes == sorted(sizes, reverse=True)
    found = {part.name: part for part in parts}
    assert (found["model_arena"].bytes, found["model_arena"].memory) == (300, "RAM")
    assert (found["vectors"].bytes, found["vectors"].memory) == (68, "flash")


def test_the_size_file_says_the_same(tiny: ModelFolder, native: Board) -> None:
    built = build(tiny, native)
    written = json.loads((tiny.board("native") / "size.json").read_text())
    assert (written["flash"], written["ram"]) == (built.size.flash, built.size.ram)
    assert written["parts"][0]["name"] == built.size.parts[0].name
    assert written["sha256"] == bytes([*range(31), 255]).hex()
    assert 300 < built.size.ram < built.size.flash < 50_000


def test_the_same_model_gives_the_same_image(tiny: ModelFolder, cortex_m4: Board) -> None:
    first = build(tiny, cortex_m4).image.read_bytes()
    assert build(tiny, cortex_m4).image.read_bytes() == first


def test_an_image_does_not_depend_on_where_the_model_lies(
    tiny: ModelFolder, cortex_m4: Board, tmp_path: Path
) -> None:
    first = build(tiny, cortex_m4).image.read_bytes()
    for place in ("0", "zzz"):
        shutil.copytree(tiny.root, tmp_path / place / "tiny")
        moved = ModelFolder(tmp_path / place / "tiny", tmp_path / place / "tiny" / "m.tflite")
        assert build(moved, cortex_m4).image.read_bytes() == first


def test_the_last_image_built_is_the_one_that_runs(
    tiny: ModelFolder, native: Board, build_folder: Path
) -> None:
    built = build(tiny, native)
    assert find_firmware("native").path == built.image.resolve()
    assert find_firmware("native").board == native


@pytest.mark.usefixtures("cortex_m4")
def test_what_needs_more_flash_than_the_board_has_is_refused(
    tiny: ModelFolder, tmp_path: Path
) -> None:
    needed = build(tiny, variant(tmp_path, "cortex-m4")).size.flash
    small = variant(tmp_path, "cortex-m4", ("^flash = .*", "flash = 2_000"))
    with pytest.raises(DoesNotFitError) as caught:
        build(tiny, small)
    assert re.fullmatch(
        rf"The model 'tiny' does not fit on 'my-cortex-m4': it needs {needed:,} bytes of flash, "
        r"and the board has 2,000\. Largest parts: \w+ [\d,]+, \w+ [\d,]+, \w+ [\d,]+\. "
        r"Use a larger board or a smaller model\.",
        str(caught.value),
    )
    assert not (tiny.board("my-cortex-m4") / "firmware.elf").exists()
    with pytest.raises(PortError, match="No firmware was built for the board"):
        find_firmware(str(small.path))


def test_what_needs_more_ram_than_the_stack_leaves_is_refused(
    tiny: ModelFolder, cortex_m4: Board, tmp_path: Path
) -> None:
    needed = build(tiny, cortex_m4).size.ram
    small = variant(tmp_path, "cortex-m4", ("^ram = .*", f"ram = {8192 + needed - 1}"))
    text = (
        rf"needs {needed:,} bytes of RAM, and the board has {needed - 1:,} beside the stack's 8,192"
    )
    largest = r"Largest parts: ring 512, model_arena 300, "
    with pytest.raises(DoesNotFitError, match=rf"{text}\. {largest}"):
        build(tiny, small)
    exact = variant(tmp_path, "cortex-m4", ("^ram = .*", f"ram = {8192 + needed}"))
    assert build(tiny, exact).size.ram == needed


def test_a_failed_build_takes_the_former_image_away(
    tiny: ModelFolder, native: Board, build_folder: Path
) -> None:
    """Else the board would run, and be judged by, what was built before."""
    image = build(tiny, native).image
    (tiny.generated / "model.c").write_text("this is not C;\n")
    with pytest.raises(ToolError) as caught:
        build(tiny, native)
    assert "cc cannot build the firmware for 'native': " in str(caught.value)
    assert "model.c:1:1: error: unknown type name" in str(caught.value)
    assert "\n" not in str(caught.value)
    kept = build_folder / ".boards" / f"cc-{os.getpid()}.log"
    assert f"All that it said is in {kept}. Check 'toolchain' in " in str(caught.value)
    assert len(kept.read_text().splitlines()) > 2
    assert not image.exists()
    with pytest.raises(LinkError):
        find_firmware("native")


def test_a_warning_is_an_error(tiny: ModelFolder, native: Board) -> None:
    model = tiny.generated / "model.c"
    model.write_text(model.read_text() + "signed char cut(int a) { return a; }\n")
    with pytest.raises(ToolError, match="-Werror=conversion"):
        build(tiny, native)


def test_a_missing_function_is_the_linkers_first_word(tiny: ModelFolder, native: Board) -> None:
    model = tiny.generated / "model.c"
    model.write_text(model.read_text().replace("model_invoke", "model_something"))
    header = tiny.generated / "model.h"
    header.write_text(header.read_text() + "void model_something(void);\n")
    with pytest.raises(ToolError, match="undefined reference to `model_invoke'"):
        build(tiny, native)


def test_a_model_for_another_library_is_refused_by_the_compiler(
    tiny: ModelFolder, native: Board
) -> None:
    header = tiny.generated / "model.h"
    header.write_text(header.read_text().replace("MODEL_API 1", "MODEL_API 99"))
    with pytest.raises(ToolError, match=r"another version of this library: run `glyphite compile`"):
        build(tiny, native)


def test_a_model_without_c_names_the_command_that_makes_it(
    tiny: ModelFolder, native: Board
) -> None:
    (tiny.generated / "model.c").unlink()
    with pytest.raises(ModelError) as caught:
        build(tiny, native)
    assert str(caught.value) == (
        f"The model 'tiny' has no C yet: {tiny.generated}/model.c does not exist. "
        "Make it with `glyphite compile tiny`."
    )


def test_a_file_of_any_name_is_built_and_its_board_tells_the_beginning(
    tiny: ModelFolder, tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    require_tool("cc")
    long = tmp_path / f"{'long_' * 9}.tflite"
    long.write_bytes(small().build([0], [4]))
    prepared = compile_and_build(str(long), "native")
    assert (
        '#define MODEL_NAME "long_long_long_long_long_long_l"'
        in (prepared.folder.generated / "model.h").read_text()
    )
    with connect(f"sim://native?firmware={prepared.built.image}") as session:
        assert session.hello().model_name == "long_long_long_long_long_long_l"


def test_a_name_too_long_for_hello_is_refused_in_words(tiny: ModelFolder, native: Board) -> None:
    header = tiny.generated / "model.h"
    header.write_text(header.read_text().replace('"tiny"', f'"{"x" * 32}"'))
    with pytest.raises(ModelError, match=r"too long for a board: 31 bytes are allowed\. Rename"):
        build(tiny, native)
    header.write_text(header.read_text().replace("x" * 32, "x" * 31))
    build(tiny, native)


def test_an_absent_compiler_names_its_package(tiny: ModelFolder, tmp_path: Path) -> None:
    board = variant(tmp_path, "cortex-m4", ("^cc = .*", 'cc = "no-such-gcc"'))
    with pytest.raises(ToolError) as caught:
        build(tiny, board)
    assert str(caught.value) == (
        "no-such-gcc, the compiler for the board 'my-cortex-m4', is not installed. Install it with "
        "`sudo apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi`."
    )


def test_a_compiler_that_writes_nothing_is_named(tiny: ModelFolder, tmp_path: Path) -> None:
    board = variant(tmp_path, "cortex-m4", ("^cc = .*", 'cc = "true"'))
    with pytest.raises(ToolError) as caught:
        build(tiny, board)
    assert str(caught.value) == (
        "true, the compiler for the board 'my-cortex-m4', wrote no program. Name a C compiler as "
        f"'toolchain.cc' in {board.path}."
    )


def test_a_sketch_for_a_board_whose_menu_is_left_out_names_the_key(
    tiny: ModelFolder, tmp_path: Path, require_tool: Tools
) -> None:
    require_tool("arduino-builder")
    board = variant(tmp_path, "mega2560", (":cpu=atmega2560", ""))
    said = (
        r"cannot build the firmware for 'my-mega2560': .*mmcu.*\. All that it said is in .*log\. "
        r"Check 'toolchain' and 'arduino\.fqbn' in .*toml; "
    )
    with pytest.raises(ToolError, match=said):
        build(tiny, board)


def test_a_compiler_that_the_environment_names_is_what_to_check(
    tiny: ModelFolder, native: Board, monkeypatch: pytest.MonkeyPatch, require_tool: Tools
) -> None:
    require_tool("gcc")
    monkeypatch.setenv("CC", "gcc -no-such-option")
    said = (
        r"^gcc -no-such-option cannot build the firmware for 'native': .*\. All that it said is in "
        r".*gcc-\d+\.log\. Check the environment variable CC\.$"
    )
    with pytest.raises(ToolError, match=said):
        build(tiny, native)


@pytest.mark.parametrize(
    "content", [b"", b"\x7fELF", b"MZ" + bytes(100), b"\x7fELF\x01\x01" + b"\xff" * 100]
)
def test_what_is_no_elf_image_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "firmware.elf"
    path.write_bytes(content)
    with pytest.raises(ToolError, match=r"is not an ELF image \(.*\)\. Build it again\."):
        read_elf(path)


def dense(root: Path, inputs: int, channels: int) -> ModelFolder:
    """One fully connected layer, with the C for a Mega."""
    folder = ModelFolder(root / "wide", root / "wide" / "model_int8.tflite")
    content = fully_connected(np.random.default_rng(0), (1, inputs), inputs, channels)
    compile_model(content, "wide", architecture="avr6").write(folder.generated)
    return folder


def test_an_array_too_long_for_an_avrs_compiler_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        build(dense(tmp_path, 1000, 40), load_board("mega2560"))
    assert str(caught.value) == (
        "The model 'wide' cannot be built for 'mega2560': fully_connected_0_weights has 40,000 "
        "bytes, and avr-gcc takes at most 32,767 in an array. Make that layer narrower, or use a "
        "board with another processor."
    )


def test_constants_beyond_an_avrs_flash_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(DoesNotFitError, match=r"it needs at least 4\d,\d+ bytes of flash, and the"):
        build(dense(tmp_path, 1000, 40), load_board("uno"))


@pytest.mark.parametrize(
    ("inputs", "boards"), [(8, "every board;"), (800, "every board but an Uno or Mega,")]
)
def test_an_export_says_for_which_boards_its_c_is(
    inputs: int, boards: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wide.tflite"
    path.write_bytes(fully_connected(np.random.default_rng(0), (1, inputs), inputs, 48))
    assert main(["export", str(path), "--arduino", "--out", str(tmp_path / "wide.zip")]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"The C runs on {boards}" in told


def test_an_export_for_a_mega_names_the_array_that_is_too_long(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "wide.tflite", tmp_path / "wide.zip"
    path.write_bytes(fully_connected(np.random.default_rng(0), (1, 1000), 1000, 40))
    call = ["export", str(path), "--arduino", "--board", "mega2560", "--out", str(out)]
    assert main(call) == 2
    assert "fully_connected_0 has 40,000 bytes in an array" in " ".join(
        capsys.readouterr().err.split()
    )
    assert not out.exists()


@pytest.fixture
def pooling(build_folder: Path) -> ModelFolder:
    """A .tflite with one pooling in it: the least that `glyphite compile` takes."""
    model = ModelBuilder()
    model.tensor((1, 4, 4, 1), 0.05, -128)
    model.tensor((1, 2, 2, 1), 0.05, -128)
    size = {"filterHeight": 2, "filterWidth": 2, "strideH": 2, "strideW": 2, "padding": 1}
    model.operator("MAX_POOL_2D", [0], [1], "Pool2DOptions", version=2, **size)
    folder = ModelFolder(build_folder / "pool", build_folder / "pool" / "model_int8.tflite")
    folder.root.mkdir(parents=True)
    folder.tflite.write_bytes(model.build([0], [1]))
    return folder


def test_the_verb_compiles_and_prints_a_table(
    pooling: ModelFolder, cortex_m4: Board, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", "pool", "--board", "cortex-m4"]) == 0
    out = capsys.readouterr().out
    assert "pool on cortex-m4" in out
    assert re.search(r"flash .* 4,194,304 .* 0\.1 %", out)
    assert "stack, reserved" in out
    written = out.split("Written:")[1].split()
    assert written[0] == str(pooling.board("cortex-m4") / "speed" / "firmware.elf")


def test_the_verbs_json_is_the_only_thing_on_stdout(
    pooling: ModelFolder, native: Board, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", "pool", "--board", "native", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["board"] == "native"
    assert document["flash_available"] is None
    assert document["flash"] > document["ram"] > 0
    assert Path(document["image"]).is_file()


def test_the_verb_ends_with_one_sentence_where_the_model_is_too_large(
    pooling: ModelFolder,
    cortex_m4: Board,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    small = variant(tmp_path, "cortex-m4", ("^flash = .*", "flash = 1_000"))
    assert main(["build", "pool", "--board", str(small.path)]) == 1
    err = capsys.readouterr().err
    assert err.startswith("glyphite build: The model 'pool' does not fit on 'my-cortex-m4': it ne")
    assert err.count("\n") == 1


def test_a_terminal_shows_how_far_a_build_is(pooling: ModelFolder, native: Board) -> None:
    """And only a terminal: elsewhere nothing stands between a script and the errors."""
    command = [
        sys.executable,
        "-m",
        "glyphite.host.cli",
        "build",
        "pool",
        "--board",
        native.name,
        "--json",
    ]
    ours, theirs = os.openpty()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, check=True, text=True)
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # the end of a pseudo-terminal
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    assert b"Building" in shown
    assert b"2/2" in shown
    assert json.loads(done.stdout)["model"] == pooling.name
    silent = subprocess.run(command, capture_output=True, check=True).stderr.splitlines()
    assert all(line.startswith(b"glyphite build: ") for line in silent)  # where it is slow
