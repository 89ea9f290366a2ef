"""Fashion-MNIST is the published one, and its classes have their names."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.data import fashion_mnist
from glyphite.convert.data.idx import idx
from glyphite.convert.data.load import load
from glyphite.convert.data.options import Kind
from glyphite.convert.data.published import Published, cache_folder
from glyphite.convert.data.sources import DebianPackage, Folder, PackedDownload
from glyphite.convert.errors import DataError
from tests.builders.data_sets import pixels
from tests.strict import absent


def small() -> dict[str, bytes]:
    """As many images as are held out to validate, and a few more."""
    labels = np.arange(10_040) % 10
    images, few = pixels((10_040, 28, 28)), pixels((30, 28, 28))
    contents = (idx(images), idx(labels), idx(few), idx(labels[:30]))
    return dict(zip(fashion_mnist.PUBLISHED.names, contents, strict=True))


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A small data set in its place, in a cache of this test's own."""
    files = small()
    md5 = tuple((name, hashlib.md5(content).hexdigest()) for name, content in files.items())
    monkeypatch.setattr(
        fashion_mnist, "PUBLISHED", Published("fashion-mnist", "Fashion-MNIST", md5)
    )
    monkeypatch.setenv("GLYPHITE_CACHE", str(tmp_path))
    (tmp_path / "fashion-mnist").mkdir()
    for name, content in files.items():
        (tmp_path / "fashion-mnist" / name).write_bytes(content)
    return files


def test_it_is_a_data_set_by_its_name(published: dict[str, bytes]) -> None:
    data = load("fashion-mnist")
    assert (data.name, data.title, data.kind) == ("fashion-mnist", "Fashion-MNIST", Kind.PICTURE)
    assert [len(part) for part in data.parts] == [40, 10_000, 30]
    assert (data.class_name(0), data.class_name(9)) == ("T-shirt/top", "Ankle boot")
    assert np.array_equal(data.test.inputs, pixels((30, 28, 28)))
    assert idx(data.test.inputs) == published["t10k-images-idx3-ubyte"]


def test_a_file_that_is_not_the_published_one_is_refused(
    published: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "fashion-mnist" / "t10k-labels-idx1-ubyte"
    path.write_bytes(published[path.name][:-1] + b"\7")
    with pytest.raises(DataError, match="is not the published Fashion-MNIST file: its MD5 is"):
        load("fashion-mnist")


def test_the_sources_stand_in_their_order_and_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLYPHITE_FASHION_MNIST_URL", raising=False)
    names = fashion_mnist.PUBLISHED.names
    assert fashion_mnist.default_sources() == (
        Folder(Path("/usr/share/datasets/fashion-mnist"), names),
        PackedDownload(fashion_mnist.KERAS_URL, names),
        DebianPackage("dataset-fashion-mnist", "usr/share/datasets/fashion-mnist", names),
    )
    monkeypatch.setenv("GLYPHITE_FASHION_MNIST_URL", "http://mirror")
    assert PackedDownload("http://mirror", names) in fashion_mnist.default_sources()


def test_debian_s_package_holds_the_published_files() -> None:
    there, *_ = fashion_mnist.default_sources()
    assert isinstance(there, Folder)
    if not there.path.is_dir():
        absent("dataset-fashion-mnist is not installed.")
    files = there.fetch()
    assert {name: hashlib.md5(files[name]).hexdigest() for name in files} == fashion_mnist.MD5
    assert (len(files), cache_folder("fashion-mnist").name) == (4, "fashion-mnist")
