"""The name of an exported Arduino library; what is in it, tests/host/device builds."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.errors import InputError
from glyphite.convert.export.arduino import write_library
from glyphite.convert.workspace import ModelFolder
from tests.builders.models import conv_and_pool


@pytest.fixture
def small(tmp_path: Path) -> ModelFolder:
    model, last = conv_and_pool(np.random.default_rng(8))
    (tmp_path / "small.tflite").write_bytes(model.build([0], [last]))
    return ModelFolder(tmp_path / "small", tmp_path / "small.tflite")


@pytest.mark.parametrize("name", ["mine.zip", "MINE.ZIP", "my.lib.Zip"])
def test_a_zip_may_be_spelled_in_capitals(small: ModelFolder, tmp_path: Path, name: str) -> None:
    made = write_library(small, out=tmp_path / name)
    assert made.path == tmp_path / name
    with zipfile.ZipFile(made.path) as archive:
        assert tuple(archive.namelist()) == made.files
    assert made.bytes == made.path.stat().st_size


@pytest.mark.parametrize("name", ["mine", "mine.zip.tar", "zip"])
def test_what_is_named_otherwise_is_refused(small: ModelFolder, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=rf"is not named as a \.zip, .* Name it {name}\.zip, say"):
        write_library(small, out=tmp_path / name)
    assert not (tmp_path / name).exists()
