"""A board whose library misreads dense layers is told from one that is wrong otherwise."""

from collections.abc import Callable
from functools import reduce
from hashlib import sha256

import numpy as np
import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.emit.text import byte_lines
from glyphite.convert.compiler.frontend.tflite import read_loosely
from glyphite.convert.export.tflm_dense import by_tensor, misread
from glyphite.convert.files import read_bytes
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from glyphite.host.device.build import build
from glyphite.host.measure import one_scale as subject
from glyphite.host.measure.one_scale import one_scale
from glyphite.host.runners.base import Tensors
from glyphite.host.runners.tflm import infer


@pytest.fixture
def tensors() -> Tensors:
    return np.random.default_rng(1).integers(-128, 128, (4, 28, 28, 1), np.int8)


def test_the_cause_is_named_where_it_explains_every_byte(
    seed: ModelFolder, tensors: Tensors
) -> None:
    tflite = read_bytes(seed.tflite)
    right = infer(tflite, tensors)
    told = infer(misread(tflite, read_loosely(tflite)), tensors)
    assert (told != right).any()
    sentence = one_scale(seed, tensors, told, right)
    assert "exactly the bytes of a TensorFlow Lite Micro from before October 2024" in sentence
    assert "as `glyphite export seed --tflm --library chirale` does for one" in sentence
    told[0, 0] ^= 1
    assert one_scale(seed, tensors, told, right) == ""
    assert one_scale(seed, tensors, right, right) == ""


def test_stream_and_verify_name_it_in_place_of_other_advice(
    seed: ModelFolder, capsys: pytest.CaptureFixture[str], require_tool: Callable[..., None]
) -> None:
    """A board that claims to have the model, and whose C is made of it as it is misread."""
    require_tool("cc")
    tflite = read_bytes(seed.tflite)
    misreading = misread(tflite, read_loosely(tflite))
    seed.generated.mkdir()
    for file, text in compile_model(misreading, "seed").files.items():
        lines = (byte_lines(sha256(each).digest()) for each in (misreading, tflite))
        changed = reduce(lambda made, pair: made.replace(*pair), zip(*lines, strict=True), text)
        (seed.generated / file).write_text(changed)
    build(seed, load_board("native"))
    (seed.generated / "model.c").unlink()
    for words in (["stream", "--port", "sim://native"], ["verify", "seed", "--board", "native"]):
        assert main([*words, "--count", "20"]) == 1
        told = capsys.readouterr().err
        assert "as `glyphite export seed --tflm --library chirale` does for one." in told
        assert "narrows it down" not in told
        assert "the compiler is wrong" not in told


def test_a_model_that_an_older_library_reads_rightly_has_another_cause(
    seed: ModelFolder,
    tensors: Tensors,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tflite = read_bytes(seed.tflite)
    right = infer(tflite, tensors)
    told = infer(misread(tflite, read_loosely(tflite)), tensors)
    with monkeypatch.context() as without:
        without.setattr(subject, "has_tflm", lambda: False)
        assert one_scale(seed, tensors, told, right) == ""
    seed.tflite.write_bytes(by_tensor(tflite, read_loosely(tflite)))
    assert one_scale(seed, tensors, told, right) == ""
