"""The sketches for the serial monitor, on this machine: what they show, take and refuse.

They are built with the sanitizers, against the double of the Arduino core: its clock flies while
nothing comes, so that a run takes milliseconds.
"""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.data.mnist import SIDE
from glyphite.convert.export.arduino import LIBRARY, library_files
from glyphite.convert.export.samples import (
    SHADES,
    OwnSamples,
    digit_levels,
    packed,
    pixels_of,
    value_samples,
)
from glyphite.convert.manifest import DataRecord, Manifest, TensorInfo
from glyphite.convert.preprocessing import Preprocessing
from glyphite.convert.shipped import MODELS
from glyphite.host.runners.tflm import infer
from tests.builders.dense import fully_connected
from tests.builders.edges import network

DOUBLE = Path(__file__).parents[1] / "doubles" / "arduino"
SANITIZERS = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
WARNINGS = ("-Wall", "-Wextra", "-Werror")
TFLITE = (MODELS / "uno" / "model_int8.tflite").read_bytes()
DIGITS = ["\n".join("".join(SHADES[c] for c in row) for row in rows) for rows in digit_levels()]
VALUES = 37
MOST_LINES = 1000
"""Of what a board says before the text that is waited for: it shows its digits again and again."""


class Board:
    """A sketch that runs: ``send``, then ``until`` it has said a text."""

    def __init__(self, program: Path) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([program], stdin=pipe, stdout=pipe, stderr=pipe)

    def send(self, text: str | bytes) -> None:
        """Write it to the board's line."""
        assert self.process.stdin
        self.process.stdin.write(text if isinstance(text, bytes) else text.encode())
        self.process.stdin.flush()

    def until(self, text: str) -> str:
        """What the board says, up to the line that has ``text``."""
        said = ""
        assert self.process.stdout
        for line in self.process.stdout:
            said += line.decode()
            if text in said:
                return said
            assert said.count("\n") < MOST_LINES, said[-2000:]
        raise AssertionError(f"{said}\n{self.process.stderr and self.process.stderr.read()!r}")


def built(sketch: Path, folder: Path, source: Path, flags: tuple[str, ...] = SANITIZERS) -> Path:
    """The program of a sketch whose library's ``src`` is ``source``."""
    include = (f"-I{source}", f"-I{sketch}", f"-I{DOUBLE}")
    model, program = folder / "model.o", folder / "program"
    first = ("cc", *flags, *include, "-c", sketch / "model.c", "-o", model)
    code = ("-x", "c++", sketch / f"{sketch.name}.ino", DOUBLE / "arduino.cc", "-x", "none", model)
    head = (*include, "-include", "Arduino.h")
    for command in (first, ("c++", "-std=c++17", *flags, *WARNINGS, *head, *code, "-o", program)):
        subprocess.run(list(map(str, command)), check=True)
    return program


@pytest.fixture(scope="module")
def see_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library's example."""
    sketch = LIBRARY / "examples" / "see_digits"
    return built(sketch, tmp_path_factory.mktemp("digits"), LIBRARY / "src")


def exported(
    content: bytes,
    folder: Path,
    flags: tuple[str, ...] = SANITIZERS,
    manifest: Manifest | None = None,
    own: OwnSamples | None = None,
) -> Path:
    """The program of ``see_values`` as it is exported with a model."""
    compiled = compile_model(content, "values")
    samples = value_samples(compiled, lambda tensors: infer(content, tensors), manifest, own)
    for name, text in library_files(compiled, None, samples).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    library = folder / "Glyphite"
    return built(library / "examples" / "see_values", folder, library / "src", flags)


@pytest.fixture(scope="module")
def see_values(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That of a model of 37 values."""
    return exported(values_model(), tmp_path_factory.mktemp("values"))


@pytest.fixture
def board(see_digits: Path) -> Iterator[Board]:
    """A board with ``see_digits``."""
    board = Board(see_digits)
    yield board
    board.process.kill()
    board.process.communicate()


@pytest.fixture
def values_board(see_values: Path) -> Iterator[Board]:
    """A board with ``see_values``."""
    board = Board(see_values)
    yield board
    board.process.kill()
    board.process.communicate()


def values_model() -> bytes:
    return fully_connected(np.random.default_rng(0), (1, VALUES), VALUES, 11)


def scores_of(levels: NDArray[np.int64]) -> NDArray[np.int8]:
    """TensorFlow Lite Micro's scores of pictures (n, 28, 28)."""
    manifest = Manifest.load(MODELS / "uno" / "manifest.json")
    scores: NDArray[np.int8] = infer(TFLITE, manifest.quantize(pixels_of(levels)))
    return scores


def answer_to(levels: NDArray[np.int64]) -> str:
    (scores,) = scores_of(levels[np.newaxis])
    best = int(scores.argmax())
    return f"Answer {best}, score {(int(scores[best]) + 128) * 1000 // 256 / 1000:.3f}, "


def test_a_picture_is_packed_as_the_sketch_unpacks_it() -> None:
    """One of each kind of code: a pixel, a repetition, the longest one, a half byte to fill up."""
    levels = np.zeros(SIDE * SIDE, np.int64)
    levels[3], levels[10:15] = 9, 4
    codes = [0, 10, 9, 0, 11, 0, 4, 11, 0]
    codes += [15] * 12  # what is left of 769: 768 pixels are 12 times 64
    codes += [0] * (len(codes) % 2)
    assert packed(levels) == bytes(a | b << 4 for a, b in zip(codes[::2], codes[1::2], strict=True))


def test_all_test_digits_are_shown_and_answered_as_on_the_pc(board: Board) -> None:
    """Each by its picture, its class and its time; the network reads all ten right."""
    said = board.until("Send 28 lines").replace("\r\n", "\n")
    assert said.startswith("The network uno reads digits on this board\n")
    for digit, picture in enumerate(DIGITS):
        assert re.search(
            rf"\nTest digit {digit}\n{re.escape(picture)}\nAnswer {digit}, "
            r"score 0\.\d{3}, \d+\.\d{3} ms, as on the PC\n",
            said,
        )
    assert "NOT AS ON THE PC" not in said


def test_they_come_again_after_a_while(board: Board) -> None:
    board.until("Send 28 lines")
    assert "Test digit 0" in board.until("Test digit 1")


def test_a_board_that_answers_otherwise_says_so(tmp_path: Path) -> None:
    sketch = tmp_path / "see_digits"
    sketch.mkdir()
    for path in (LIBRARY / "examples" / "see_digits").iterdir():
        text = path.read_text().replace("    {120, -127, -127", "    {119, -127, -127")
        (sketch / path.name).write_text(text)
    board = Board(built(sketch, tmp_path, LIBRARY / "src", flags=()))
    said = board.until("Test digit 2")
    board.process.kill()
    board.process.communicate()
    assert re.findall(r" ms, (.*)\r", said) == ["NOT AS ON THE PC", "as on the PC"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_picture_is_read_by_every_line_ending(board: Board, end: str) -> None:
    board.send(DIGITS[4].replace("\n", end) + end)
    assert answer_to(digit_levels()[4]) in board.until("Answer")


@pytest.mark.parametrize(
    ("form", "take"),
    [
        ("one line, blanks for the ends", lambda text: text.replace("\n", " ") + "\n"),
        ("one line", lambda text: text.replace("\n", "")),
        ("no end of the last line", lambda text: text),
        ("an empty line below", lambda text: text + "\n\n\n"),
        ("blanks for paper", lambda text: text.replace(".", " ") + "\n"),
        ("lines cut short", lambda text: re.sub(r"\.+$", "", text, flags=re.MULTILINE) + "\n"),
        ("one line of blanks", lambda text: text.replace("\n", " ").replace(".", " ") + "\n"),
    ],
)
def test_a_picture_is_read_in_every_form(
    board: Board, form: str, take: Callable[[str], str]
) -> None:
    """As text fields hand it on, which know no ends of lines, and as editors save it."""
    board.send(take(DIGITS[7]))
    said = board.until("Answer").replace("\r\n", "\n")
    assert answer_to(digit_levels()[7]) in said, form
    assert f"Your picture\n{DIGITS[7]}\nAnswer" in said


def test_shades_are_the_pcs(board: Board) -> None:
    """Pictures that are no digits, whose scores tell more."""
    rng = np.random.default_rng(4)
    for _ in range(5):
        levels = rng.integers(0, len(SHADES), (SIDE, SIDE))
        board.send("\n".join("".join(SHADES[level] for level in row) for row in levels) + "\n")
        assert answer_to(levels) in board.until("Answer")


def test_a_line_at_a_time_is_as_good(board: Board) -> None:
    """With pauses, in which the board says how far it is, and shows no test digit."""
    board.until("Send 28 lines")
    lines = DIGITS[5].splitlines()
    for count, line in enumerate(lines[:-1], start=1):
        board.send(line + "\n")
        assert board.until("lines came") == f"{count} of 28 lines came; a ? starts again\r\n"
    board.send(lines[-1] + "\n")
    assert answer_to(digit_levels()[5]) in board.until("Answer")


BAD = {
    "Line 1 has more than 28 characters": "." * 29 + "\n",
    "Line 3 has more than 28 characters": "..\n\n" + "." * 60 + "\n" + ".\n" * 25,
    "Line 28 has more than 28 characters": "\n" * 27 + "." * 29,
    "Line 2 has others than blank and .:-=+*#%&@": "..\n..x..\n",
    "Line 1 has others than blank and .:-=+*#%&@": "?",
    "More than 28 lines came": ".\n" * 29,
}


@pytest.mark.parametrize("sentence", BAD)
def test_what_is_no_picture_is_answered_by_a_sentence(board: Board, sentence: str) -> None:
    """And the next picture is read as if nothing had been."""
    board.until("Send 28 lines")
    board.send(BAD[sentence])
    assert board.until("again") == f"{sentence}: send the whole picture again\r\n"
    board.send(DIGITS[2] + "\n")
    assert answer_to(digit_levels()[2]) in board.until("Answer")


def test_hostile_bytes_do_not_end_it(board: Board) -> None:
    rng = np.random.default_rng(6)
    alphabets = (bytes(range(256)), SHADES.encode() + b" \r\n", b"\r\n", b".", b"\0\xff")
    for alphabet in alphabets * 4:
        board.send(bytes(rng.choice(list(alphabet), rng.integers(1, 3000)).tolist()))
        board.send("?")
        board.until("send the whole picture again")
    board.send(DIGITS[9] + "\n")
    assert answer_to(digit_levels()[9]) in board.until("Answer")


def test_samples_of_any_model_are_answered_as_on_the_pc(values_board: Board) -> None:
    said = values_board.until("Send 37 numbers")
    assert said.count("as on the PC") == 3
    for number, what in enumerate(("every value 0", "rising values", "scattered values")):
        assert f"Sample {number}, {what}\r\n" in said


def test_samples_of_the_data_are_shown_by_what_they_are(tmp_path: Path) -> None:
    tensors = np.random.default_rng(3).integers(-128, 128, (2, VALUES), np.int8)
    own = OwnSamples(tensors, ('from the data: a "b"?', "from the data: caf\u00e9"))
    board = Board(exported(values_model(), tmp_path, own=own))
    said = board.until("Send 37 numbers")
    for number, (title, answer) in enumerate(
        zip(own.titles, infer(values_model(), tensors), strict=True)
    ):
        shown = said.partition(f"Sample {number}, {title}\r\n")[2].partition("Sample")[0]
        assert f"Highest: output {answer.argmax()}, " in shown
        assert shown.count("as on the PC") == 1
    board.process.kill()
    board.process.communicate()


@pytest.mark.parametrize("between", [" ", ",", ", ", "\r\n", ";", "\t"])
def test_typed_values_are_quantized_as_the_header_says(values_board: Board, between: str) -> None:
    """As real numbers, and as int8 after a q."""
    values = np.random.default_rng(7).integers(-128, 128, VALUES).astype(np.int8)
    edge = compile_model(values_model(), "values").edges
    expected = infer(values_model(), values[np.newaxis])
    first, last = edge[0].quantization, edge[1].quantization
    assert first and last
    shown = " ".join(f"{last.scale * (int(q) - last.zero_point):.4f}" for q in expected[0])
    real = [repr(first.scale * (int(value) - first.zero_point)) for value in values]
    for text in ("q " + between.join(map(str, values)), between.join(real) + "\n"):
        values_board.until("Send 37 numbers") if text[0] == "q" else None
        values_board.send(text)
        assert shown in values_board.until("Highest").replace("-0.0000", "0.0000")


def test_floats_go_into_a_model_of_floats_as_they_are(tmp_path: Path) -> None:
    """And come out so; an int8 is none of its inputs."""
    board = Board(exported(network(), tmp_path, flags=()))
    assert board.until("Send 15 numbers").count("as on the PC") == 3
    values = np.random.default_rng(8).normal(0, 2, (1, 5, 1, 3)).astype(np.float32)
    board.send(" ".join(repr(float(value)) for value in values.flat) + "\n")
    expected = infer(network(), values[np.newaxis, 0])
    assert " ".join(f"{value:.4f}" for value in expected.flat) in board.until("Highest")
    board.send("q 1 2\n")
    assert "Value 1 is no number" in board.until("again")
    board.process.kill()
    board.process.communicate()


def test_values_are_typed_as_the_data_have_them_and_classes_are_named(tmp_path: Path) -> None:
    """By the manifest, whose preprocessing has one place for each number of this vector."""
    rng = np.random.default_rng(9)
    first, last = (
        TensorInfo((1, edge.count), "int8", edge.quantization.scale, edge.quantization.zero_point)
        for edge in compile_model(values_model(), "values").edges
        if edge.quantization
    )
    names = ('a "b" \\', *(f"class 1{index}?" for index in range(10)))
    mean, deviation = (tuple(rng.uniform(1, 9, VALUES).tolist()) for _ in range(2))
    how = Preprocessing(4.0, mean, deviation)
    record = DataRecord("/data.npz", {}, "data", "", "")
    manifest = Manifest("values", "0" * 64, first, last, names, how, record)
    board = Board(exported(values_model(), tmp_path, manifest=manifest))
    board.until("Send 37 numbers")
    raw = rng.normal(20, 30, (1, VALUES)).round(2)
    board.send(" ".join(map(str, raw[0])) + "\n")
    (expected,) = infer(values_model(), manifest.quantize(raw))
    said = board.until("Highest")
    shown = " ".join(f"{last.scale * (int(q) - last.zero_point):.4f}" for q in expected)
    assert shown in said.replace("-0.0000", "0.0000")
    best = int(expected.argmax())
    assert f"Highest: output {best} ({names[best]}), " in said
    board.process.kill()
    board.process.communicate()


NOT_VALUES = {
    "Value 2 is no number of 27 characters at most": "1 abc",
    "Value 1 is no number of 27 characters at most": "1" * 28,
    "Value 3 is no number of 27 characters at most": "1 2 1e+-4 ",
    "Value 1 is no whole number from -128 to 127": "q 128,",
    "Value 2 is no whole number from -128 to 127": "q 1 1.5\n",
    "More values came than the model takes": "1 " * 38,
}


@pytest.mark.parametrize("sentence", NOT_VALUES)
def test_what_is_no_input_is_answered_by_a_sentence(values_board: Board, sentence: str) -> None:
    values_board.until("Send 37 numbers")
    values_board.send(NOT_VALUES[sentence])
    assert values_board.until("again") == f"{sentence}: send all of them again\r\n"
    values_board.send("0 " * 10)
    assert values_board.until("again") == "10 of 37 values came; a ? starts again\r\n"
    values_board.send("0 " * 27)
    assert "Your values" in values_board.until("Highest")
