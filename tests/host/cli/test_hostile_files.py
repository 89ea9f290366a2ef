"""A .tflite that cannot be used: every verb says so in one line, and leaves nothing behind."""

from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.errors import ModelError
from glyphite.convert.workspace import MOST_TFLITE_BYTES, find_model
from glyphite.host.cli import main
from glyphite.host.runners.litert import read_manifest
from tests.builders.models import ModelBuilder, random_int8
from tests.paths import PROJECT

VERBS = (
    ("compile",),
    ("export", "--tflm"),
    ("verify", "--board", "native"),
    ("compare", "--count", "2"),
    ("build", "--board", "native"),
    ("bench", "--board", "cortex-m4"),
    ("inspect",),
    ("predict", str(PROJECT / "tests" / "data" / "seven.png")),
)


def convolution() -> ModelBuilder:
    rng = np.random.default_rng(0)
    model = ModelBuilder()
    model.tensor((1, 28, 28, 1), 0.1)
    model.weights(random_int8(rng, 2, 3, 3, 1), [0.1, 0.2])
    model.bias(np.array([5, -5], np.int32))
    model.tensor((1, 26, 26, 2), 0.1)
    one = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    model.operator("CONV_2D", [0, 1, 2], [3], "Conv2DOptions", padding=1, **one)
    return model


def truncated() -> bytes:
    content = convolution().build([0], [3])
    return content[: len(content) // 2]


def index_out_of_range() -> bytes:
    model = convolution()
    model.operators[0].outputs = [77]
    return model.build([0], [3])


def buffer_out_of_range() -> bytes:
    model = convolution()
    model.tensors[1].buffer = 99
    return model.build([0], [3])


def weights_left_out() -> bytes:
    """LiteRT ends its process on this one."""
    model = convolution()
    model.operators[0].inputs = [0, -1, 2]
    return model.build([0], [3])


def name_of_no_characters() -> bytes:
    """LiteRT raises UnicodeDecodeError on this one, and the shape is no model's of ours."""
    model = convolution()
    model.tensors[0].name = b"\xff\xfe"
    model.operators[0].outputs = [77]
    return model.build([0], [3])


FILES = {
    "empty": lambda: b"",
    "no_tflite": lambda: b"hello, world" * 30,
    "truncated": truncated,
    "index_out_of_range": index_out_of_range,
    "buffer_out_of_range": buffer_out_of_range,
    "weights_left_out": weights_left_out,
    "name_of_no_characters": name_of_no_characters,
}


def sentence(
    verb: tuple[str, ...], path: Path, folder: Path, capfd: pytest.CaptureFixture[str]
) -> str:
    """What a verb says of a file that it cannot use."""
    named = [*verb, str(path)] if verb[0] == "predict" else [verb[0], str(path), *verb[1:]]
    assert main(named) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert not [found for found in folder.rglob("*") if found.is_file()]
    return said.err


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(
    name: str,
    verb: tuple[str, ...],
    tmp_path: Path,
    build_folder: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / f"{name}.tflite"
    path.write_bytes(FILES[name]())
    said = sentence(verb, path, build_folder, capfd)
    assert said.startswith(f"glyphite {verb[0]}: ")
    assert said.endswith(".\n")


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_a_file_too_large_is_not_read(
    verb: tuple[str, ...], tmp_path: Path, build_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "large.tflite"
    with path.open("wb") as file:
        file.truncate(3 << 30)
    assert sentence(verb, path, build_folder, capfd) == (
        f"glyphite {verb[0]}: {path} has {3 << 30:,} bytes, and at most {MOST_TFLITE_BYTES:,} are "
        "read. Name a model for microcontrollers.\n"
    )


def test_a_file_on_which_tensorflow_lite_crashes_is_refused_as_such(
    tmp_path: Path, build_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "harmful.tflite"
    path.write_bytes(weights_left_out())
    said = sentence(("verify", "--board", "native"), path, build_folder, capfd)
    assert said == (
        f"glyphite verify: TensorFlow Lite crashes on {path}: the file is damaged. Copy it or "
        "convert it anew; `glyphite compile` may name what is wrong in it.\n"
    )


def number(tensor: int, scale: float, zero_point: int = 0) -> bytes:
    """An input (0), weights (1) or output (3) whose bytes stand for no numbers."""
    model = convolution()
    model.tensors[tensor].quantization.scale = [scale]
    model.tensors[tensor].quantization.zeroPoint = [zero_point]
    return model.build([0], [3])


NUMBERS = {
    "input_of_no_number": (0, float("nan"), 0),
    "input_of_one_value": (0, 0.0, 0),
    "weights_of_no_number": (1, float("nan"), 0),
    "output_of_infinity": (3, float("inf"), 0),
    "output_below_0": (3, -0.1, 0),
    "output_beyond_its_bytes": (3, 0.1, 300),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_bytes_that_stand_for_no_numbers_are_refused_by_who_compiles_and_who_runs(
    name: str,
    tmp_path: Path,
    build_folder: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """None of them harms the process that reads it, so none needs a trial in another one."""
    monkeypatch.setattr("glyphite.host.runners.litert.try_out", lambda _: None)
    path = tmp_path / f"{name}.tflite"
    path.write_bytes(number(*NUMBERS[name]))
    for verb in ("compile", "inspect"):
        assert sentence((verb,), path, build_folder, capfd).endswith(".\n")
    if name != "weights_of_no_number":  # no figure is made of those without a compiler or LiteRT
        with pytest.raises(ModelError, match=str(path)):
            read_manifest(find_model(str(path)))
