"""A board whose library misreads dense layers is told from one that is wrong otherwise."""

import numpy as np
import pytest

from glyphite.convert.compiler.frontend.tflite import read_loosely
from glyphite.convert.export.tflm_dense import by_tensor, misread
from glyphite.convert.files import read_bytes
from glyphite.convert.workspace import ModelFolder
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
