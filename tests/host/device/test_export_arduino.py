"""``glyphite export --arduino``: a .zip that Arduino's tools take, build and run.

The rules are those of Arduino's library specification, 1.5 format, revision 2.2.
"""

import dataclasses
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import serial

from glyphite.convert.boards import load_board
from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.export.arduino import LIBRARY, library_files
from glyphite.convert.export.standalone import compile_folder
from glyphite.convert.shipped import MODELS
from glyphite.convert.workspace import find_model
from glyphite.host.cli import main
from glyphite.host.device.session import connect
from glyphite.host.device.transport.avr import flash_file, flash_with
from glyphite.host.device.transport.emulator import EmulatedBoard
from glyphite.host.device.transport.firmware_files import record_firmware
from glyphite.host.runners.litert import LitertRunner
from tests.builders.sketches import built

REQUIRED = {
    *("name", "version", "author", "maintainer", "sentence", "paragraph"),
    *("category", "url", "architectures"),
}
OPTIONAL = {"depends", "dot_a_linkage", "includes", "precompiled", "ldflags", "license"}
CATEGORIES = {
    *("Display", "Communication", "Signal Input/Output", "Sensors", "Device Control", "Timing"),
    *("Data Storage", "Data Processing", "Other"),
}
ROOT = {"LICENSE", "README.md", "keywords.txt", "library.json", "library.properties"}
FOLDER = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"
SKETCH = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}"
STANDARD = {"stdint.h", "stddef.h", "stdbool.h", "string.h", "limits.h"}
ON_AVR_ONLY = {"avr/pgmspace.h", "avr/io.h"}
ON_ARM_ONLY = {"arm_acle.h"}


@pytest.fixture
def exported(small_tflite: Path, build_folder: Path) -> Path:
    """The .zip with a small model in C for every board."""
    assert main(["export", str(small_tflite), "--arduino"]) == 0
    (found,) = build_folder.glob("*/Glyphite-*.zip")
    return found


@pytest.fixture
def library(exported: Path, tmp_path: Path) -> Path:
    """The library's folder, unpacked as the Arduino IDE does into the sketchbook's libraries."""
    with zipfile.ZipFile(exported) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "libraries")
    return tmp_path / "libraries" / "Glyphite"


@pytest.fixture
def avr_tools(avr_emulator: Path, require_tool: Callable[..., None]) -> None:
    """What builds a sketch for an AVR, and runs it."""
    require_tool("arduino-builder", "avr-gcc")


def properties(library: Path) -> dict[str, str]:
    text = (library / "library.properties").read_text(encoding="utf-8")
    pairs = [line.partition("=") for line in text.splitlines() if line and line[0] != "#"]
    assert all(separator for _, separator, _ in pairs)
    assert len({key for key, _, _ in pairs}) == len(pairs)
    return {key: value for key, _, value in pairs}


def included(path: Path) -> set[tuple[str, str]]:
    """(bracket, name) of each #include."""
    return set(re.findall(r'^\s*#\s*include\s+(["<])([^">]+)', path.read_text(), re.MULTILINE))


def test_all_lies_in_one_folder_with_a_name_that_is_allowed(exported: Path) -> None:
    with zipfile.ZipFile(exported) as archive:
        names = [PurePosixPath(name) for name in archive.namelist()]
    assert {name.parts[0] for name in names} == {"Glyphite"}
    assert all(re.fullmatch(FOLDER, part) for name in names for part in name.parts)
    assert PurePosixPath("Glyphite/library.properties") in names


def test_every_required_property_is_there_and_none_that_is_unknown(library: Path) -> None:
    found = properties(library)
    assert set(found) >= REQUIRED
    assert set(found) <= REQUIRED | OPTIONAL
    assert all(found.values())


def test_each_property_is_what_the_specification_allows(library: Path) -> None:
    found = properties(library)
    assert re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}", found["name"])
    assert not found["name"].lower().startswith("arduino")
    assert re.fullmatch(
        r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){1,2}(-[\w.-]+)?(\+[\w.-]+)?", found["version"]
    )
    assert all(author.strip() for author in found["author"].split(","))
    assert found["category"] in CATEGORIES
    assert re.fullmatch(r"https?://\S+\.\S+", found["url"])
    assert re.fullmatch(r"\*|\w+(,\s*\w+)*", found["architectures"])
    assert not found["paragraph"].startswith(found["sentence"])  # the IDE prints both, in a row


def test_what_is_included_by_the_ides_menu_lies_in_src(library: Path) -> None:
    for name in properties(library)["includes"].split(","):
        assert (library / "src" / name.strip()).is_file()


def test_sources_lie_in_src_alone(library: Path) -> None:
    """With a src folder, sources in the root and in utility would not be compiled."""
    assert not [path for path in library.iterdir() if path.suffix in {".c", ".cpp", ".h", ".S"}]
    assert not (library / "utility").exists()
    entries = {path.name for path in library.iterdir()}
    assert entries == {*ROOT, "src", "examples", "extras"}


def test_keywords_are_separated_by_one_tab(library: Path) -> None:
    lines = (library / "keywords.txt").read_text().splitlines()
    keywords = [line for line in lines if line and line[0] != "#"]
    assert len(keywords) > 5
    for line in keywords:
        assert re.fullmatch(r"\w+\t(KEYWORD[123]|LITERAL[12])", line), line


def test_keywords_are_names_that_the_library_or_a_model_has(library: Path) -> None:
    paths = (*(library / "src").glob("*.h"), library / "examples" / "classify" / "model.h")
    text = "".join(path.read_text() for path in paths)
    for line in (library / "keywords.txt").read_text().splitlines():
        if line and line[0] != "#":
            assert re.search(rf"\b{line.split()[0]}\b", text), line


def test_an_example_is_a_folder_with_a_sketch_of_its_name(library: Path) -> None:
    sketches = sorted((library / "examples").iterdir())
    assert [sketch.name for sketch in sketches] == ["classify", "minimal", "see_values"]
    for sketch in sketches:
        assert re.fullmatch(SKETCH, sketch.name)
        samples = {"samples.h"} if sketch.name == "see_values" else set()
        assert {path.name for path in sketch.iterdir()} == {
            *(f"{sketch.name}.ino", "model.c", "model.h", *samples)
        }


def test_only_src_needs_to_be_on_the_include_path(library: Path) -> None:
    """Each quoted name is found beside its file or in src, each other is the compiler's own."""
    source = library / "src"
    for path in (*source.rglob("*.[ch]"), *(library / "examples").rglob("*.[ch]")):
        for bracket, name in included(path):
            if bracket == '"':
                assert (path.parent / name).is_file() or (source / name).is_file(), (path, name)
            else:
                assert name in STANDARD | ON_AVR_ONLY | ON_ARM_ONLY, (path, name)


def test_the_sketches_keep_to_the_plain_arduino_api(library: Path) -> None:
    """No board's own header, and no call but those that every core has."""
    core = {"Serial.begin", "Serial.available", "Serial.read", "Serial.write", "Serial.print"}
    core |= {"Serial.println", "micros", "millis", "delay", "F"}
    ours = {"glyphite_begin", "glyphite_sink", "glyphite_poll", "GLYPHITE_COMPILED_MODEL"}
    ours |= {"model_input", "model_invoke", "model_output", "GLYPHITE_READ_BYTE"}
    words = {"for", "if", "while", "switch", "return", "sizeof", "defined", "strtod"}
    see_digits = LIBRARY / "examples" / "see_digits" / "see_digits.ino"
    for sketch in (*(library / "examples").rglob("*.ino"), see_digits):
        samples = {('"', "samples.h"), ('"', "digits.h")}
        assert included(sketch) <= {('"', "model.h"), ("<", "Glyphite.h")} | samples
        text = re.sub(r'//.*|"[^"]*"', "", sketch.read_text())
        own = set(re.findall(r"^[\w *]+[ *](\w+)\([^)]*\) \{", text, re.MULTILINE))
        called = set(re.findall(r"([A-Za-z_][\w.]*)\s*\(", text))
        assert called <= core | ours | words | own, sketch


def test_each_sketch_says_which_model_it_has(library: Path) -> None:
    """Not the one that the library itself comes with."""
    for sketch in (library / "examples").rglob("*.ino"):
        assert "the model small" in sketch.read_text()
        assert "Uno's digit CNN" not in sketch.read_text()


def test_the_same_model_gives_the_same_bytes(exported: Path, small_tflite: Path) -> None:
    first = exported.read_bytes()
    exported.unlink()
    assert main(["export", str(small_tflite), "--arduino"]) == 0
    assert exported.read_bytes() == first
    with zipfile.ZipFile(exported) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}


def test_c_is_for_every_board_unless_one_is_named(
    exported: Path, small_tflite: Path, tmp_path: Path
) -> None:
    content, name = small_tflite.read_bytes(), small_tflite.stem
    out = tmp_path / "out" / "mine.zip"
    command = ["export", str(small_tflite), "--arduino", "--board", "uno", "--out", str(out)]
    assert main(command) == 0
    for path, architecture in ((exported, ""), (out, "avr5")):
        expected = compile_model(content, name, architecture=architecture).files
        with zipfile.ZipFile(path) as archive:
            for file, text in expected.items():
                for sketch in ("classify", "minimal"):
                    found = archive.read(f"Glyphite/examples/{sketch}/{file}").decode()
                    assert found == text
    assert exported.read_bytes() != out.read_bytes()


def test_a_model_of_digits_gets_the_library_s_own_example(tmp_path: Path) -> None:
    """With its own answers, and a head that says whose they are."""
    out, own = tmp_path / "digits.zip", LIBRARY / "examples" / "see_digits"
    assert main(["export", str(MODELS / "uno"), "--arduino", "--out", str(out)]) == 0
    with zipfile.ZipFile(out) as archive:
        names = {name for name in archive.namelist() if "/see_" in name}
        digits = archive.read("Glyphite/examples/see_digits/digits.h").decode()
        sketch = archive.read("Glyphite/examples/see_digits/see_digits.ino").decode()
        assert "Glyphite/src/uno/avr/model.h" not in archive.namelist()
    assert {name.rpartition("/")[2] for name in names} == {
        *("see_digits.ino", "digits.h", "model.c", "model.h")
    }
    assert digits == (own / "digits.h").read_text()
    head, _, rest = sketch.partition("#include")
    assert head.startswith("// Reads handwritten digits by the model uno, compiled by Glyphite ")
    assert rest == (own / "see_digits.ino").read_text().partition("#include")[2]


def test_without_a_pc_s_answers_the_example_compares_nothing(
    small_tflite: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Neither TensorFlow Lite Micro nor a C compiler is there."""
    monkeypatch.setattr("glyphite.host.runners.tflm.find_spec", lambda _: None)
    monkeypatch.setenv("CC", "no-such-compiler")
    out = tmp_path / "mine.zip"
    assert main(["export", str(small_tflite), "--arduino", "--out", str(out)]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "The example for the serial monitor has no answers of this PC: No C compiler" in said
    with zipfile.ZipFile(out) as archive:
        assert b"PC_ANSWERS" not in archive.read("Glyphite/examples/see_values/samples.h")


@pytest.mark.usefixtures("avr_tools")
@pytest.mark.parametrize(("board", "options"), [("uno", ()), ("mega2560", ("--board", "mega2560"))])
def test_the_example_is_built_by_arduinos_tool_and_answers(
    board: str,
    options: tuple[str, ...],
    small_tflite: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As LiteRT does, byte for byte, on the emulated board."""
    out = tmp_path / "mine.zip"
    assert main(["export", str(small_tflite), "--arduino", "--out", str(out), *options]) == 0
    shutil.unpack_archive(out, tmp_path / "libraries")
    library = tmp_path / "libraries" / "Glyphite"
    image = built(library, "classify", board, tmp_path / "made", monkeypatch)
    assert (tmp_path / "made" / "libraries" / "Glyphite").is_dir()
    flash = tmp_path / "board.flash"
    flash.write_bytes(flash_with(load_board(board), image))
    tensors = np.random.default_rng(2).integers(-128, 128, (5, 1, 16), np.int8)
    expected = LitertRunner(small_tflite).run(tensors[:, 0])[0]
    with EmulatedBoard(load_board(board), flash) as emulated, connect(emulated.terminal) as it:
        assert it.hello().board == board
        answers = [it.ask(tensor).scores.tolist() for tensor in tensors]
    assert answers == expected.tolist()


@pytest.mark.usefixtures("avr_tools")
def test_the_minimal_sketch_prints_the_best_class(
    library: Path,
    small_tflite: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = built(library, "minimal", "uno", tmp_path / "made", monkeypatch)
    board = load_board("uno")
    flash_file(board).write_bytes(flash_with(board, image))
    record_firmware(board, flash_file(board))
    with serial.serial_for_url("sim://uno", 115200, timeout=10) as port:
        line = port.read_until(b"\n").decode()
    empty = np.full((1, 16), 3, np.int8)  # the input's zero point
    best = int(np.argmax(LitertRunner(small_tflite).run(empty)[0]))
    assert re.fullmatch(rf"class {best}, microseconds \d+\r\n", line)


def test_json_is_the_only_thing_on_stdout(
    small_tflite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(small_tflite), "--arduino", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    path = Path(result["path"])
    assert result["bytes"] == path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        assert result["files"] == archive.namelist()
    assert (result["model"], len(result["sha256"])) == (small_tflite.stem, 64)


def test_people_see_what_is_in_it_and_what_to_do_next(
    small_tflite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(small_tflite), "--arduino"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for words in ("Glyphite/examples/classify", "Glyphite/examples/minimal", "Add .ZIP Library"):
        assert words in said
    assert "File > Examples > Glyphite > see_values, Upload, Tools > Serial Monitor" in said
    assert (
        "With your board's port for PORT (/dev/ttyACM0 or COM3, say) and its name for BOARD."
        in said
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--board", "cortex-m4"], "The board 'cortex-m4' is not an Arduino. Name one that is"),
        (["--board", "unoo"], "No board called 'unoo'."),
        (["--out", "{tmp}"], "{tmp} is a folder, and a .zip file is needed. Name one with --out."),
        (
            ["--out", "{tmp}/mine"],
            "{tmp}/mine is not named as a .zip, and the Arduino IDE takes no other. "
            "Name it mine.zip, say, with --out.",
        ),
        (["--out", "{tmp}/file/mine.zip"], "{tmp}/file/mine.zip cannot be written: "),
    ],
)
def test_what_cannot_be_is_one_sentence_and_writes_nothing(
    small_tflite: Path,
    tmp_path: Path,
    options: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").write_text("no folder")
    words = [option.replace("{tmp}", str(tmp_path)) for option in options]
    assert main(["export", str(small_tflite), "--arduino", *words]) == 2
    said = capsys.readouterr().err
    assert message.replace("{tmp}", str(tmp_path)) in " ".join(said.split())
    assert "Traceback" not in said
    assert not list(tmp_path.rglob("*.zip"))


def test_a_board_says_nothing_to_tflm(
    small_tflite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(small_tflite), "--tflm", "--board", "uno"]) == 2
    assert "--board does not go with --tflm" in capsys.readouterr().err


def test_the_sketches_of_a_board_have_the_speed_of_its_line(small_tflite: Path) -> None:
    """Of a board of the user's own with another one; else 115,200, as the library has it."""
    uno = load_board("uno")
    slow = dataclasses.replace(uno, serial=dataclasses.replace(uno.serial, baud=57600))
    compiled = compile_folder(find_model(str(small_tflite)), "avr5")
    for board, minimal, classify in ((slow, "57600", True), (uno, "115200", False)):
        files = library_files(compiled, board)
        text = files["Glyphite/examples/minimal/minimal.ino"].decode()
        assert f"    Serial.begin({minimal});" in text
        text = files["Glyphite/examples/classify/classify.ino"].decode()
        assert ("#define GLYPHITE_BAUD 57600\n#include" in text) == classify
