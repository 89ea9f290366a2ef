"""MNIST is the published one or it is refused, and every source is named that was tried."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.data.mnist import MD5, Mnist, cache_folder, load_mnist
from glyphite.convert.data.sources import SourceError
from glyphite.convert.errors import DataError
from glyphite.host.cli import main
from tests.strict import require_module

SPOILT = "t10k-labels-idx1-ubyte"


@dataclass(frozen=True)
class Shelf:
    """A source that has these files, or fails."""

    files: Mapping[str, bytes]
    failure: str = ""
    name: str = "the shelf"

    def fetch(self) -> Mapping[str, bytes]:
        if self.failure:
            raise SourceError(self.failure)
        return self.files


def spoil(content: bytes) -> bytes:
    """One bit of the last byte differs."""
    return content[:-1] + bytes([content[-1] ^ 1])


def test_the_data_set_is_the_published_one(mnist: Mnist) -> None:
    assert mnist.train_images.shape == (60_000, 28, 28)
    assert mnist.test_images.shape == (10_000, 28, 28)
    assert mnist.train_images.dtype == mnist.test_labels.dtype == np.uint8
    assert mnist.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert mnist.test_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(mnist.test_labels).tolist() == [
        *(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    ]
    assert mnist.train_images.max() == 255
    assert 33.3 < mnist.train_images.mean() < 33.4


def test_the_arrays_cannot_be_written(mnist: Mnist) -> None:
    with pytest.raises(ValueError, match="read-only"):
        mnist.test_images[0, 0, 0] = 1


def test_the_split_is_the_training_set_cut_once(mnist: Mnist) -> None:
    split = mnist.split()
    assert (len(split.train_labels), len(split.test_labels)) == (50_000, 10_000)
    for whole, first, second in (
        (mnist.train_images, split.train_images, split.test_images),
        (mnist.train_labels, split.train_labels, split.test_labels),
    ):
        assert np.array_equal(np.concatenate([first, second]), whole)


def test_a_filled_cache_asks_no_source(filled_cache: Path, mnist: Mnist) -> None:
    told: list[str] = []
    loaded = load_mnist(filled_cache, [Shelf({}, "it was asked")], told.append)
    assert told == []
    assert np.array_equal(loaded.test_images, mnist.test_images)


def test_a_source_fills_the_cache_for_good(tmp_path: Path, published: dict[str, bytes]) -> None:
    cache = tmp_path / "mnist"
    told: list[str] = []
    first = load_mnist(cache, [Shelf(published)], told.append)
    assert told == ["Fetching MNIST: the shelf"]
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == published
    again = load_mnist(cache, [])
    assert np.array_equal(first.train_images, again.train_images)


def test_a_missing_file_makes_the_cache_be_filled_anew(
    filled_cache: Path, published: dict[str, bytes]
) -> None:
    (filled_cache / SPOILT).unlink()
    load_mnist(filled_cache, [Shelf(published)])
    assert (filled_cache / SPOILT).read_bytes() == published[SPOILT]


def test_a_wrong_checksum_in_the_cache_is_refused_with_file_found_expected_and_way_out(
    filled_cache: Path, published: dict[str, bytes]
) -> None:
    load_mnist(filled_cache)  # what was read before does not stand for the file of now
    (filled_cache / SPOILT).unlink()
    (filled_cache / SPOILT).write_bytes(spoil(published[SPOILT]))
    with pytest.raises(DataError) as caught:
        load_mnist(filled_cache, [Shelf(published)])
    assert str(caught.value) == (
        f"{filled_cache / SPOILT} is not the published MNIST file: its MD5 is "
        "811bea14e107f1ce1b49c369ad3d5d37, and 27ae3e4e09519cfbb04c329615203637 is expected. "
        "Delete it and try again: it is then fetched anew."
    )


def test_the_command_refuses_a_wrong_checksum_without_a_traceback(
    filled_cache: Path,
    published: dict[str, bytes],
    build_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    require_module("tensorflow", "matplotlib")
    (filled_cache / SPOILT).unlink()
    (filled_cache / SPOILT).write_bytes(published[SPOILT][:-1])
    monkeypatch.setenv("GLYPHITE_CACHE", str(filled_cache.parent))
    assert main(["train", "seed"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"glyphite train: {filled_cache / SPOILT} is not the published MNIST")
    assert err.count("\n") == 1
    assert not build_folder.exists()


def test_a_source_with_a_wrong_file_is_passed_over(
    tmp_path: Path, published: dict[str, bytes]
) -> None:
    wrong = {**published, SPOILT: spoil(published[SPOILT])}
    load_mnist(tmp_path, [Shelf(wrong, name="a bad mirror"), Shelf(published)])
    assert (tmp_path / SPOILT).read_bytes() == published[SPOILT]


def test_the_error_names_every_source_and_why_it_failed(
    tmp_path: Path, published: dict[str, bytes]
) -> None:
    cache = tmp_path / "mnist"
    wrong = {**published, SPOILT: spoil(published[SPOILT])}
    lacking = {name: content for name, content in published.items() if name != SPOILT}
    sources = [
        Shelf({}, "it answered 404 Not Found", "the web"),
        Shelf(wrong, name="a bad mirror"),
        Shelf(lacking, name="half a package"),
    ]
    with pytest.raises(DataError) as caught:
        load_mnist(cache, sources)
    assert str(caught.value) == (
        f"MNIST cannot be loaded. Tried the cache {cache}: it does not hold the four files; "
        "the web: it answered 404 Not Found; a bad mirror: its t10k-labels-idx1-ubyte has the MD5 "
        "811bea14e107f1ce1b49c369ad3d5d37, and 27ae3e4e09519cfbb04c329615203637 is expected; "
        "half a package: t10k-labels-idx1-ubyte is not in it. Go online, or put the files "
        f"{', '.join(MD5)} (uncompressed) into {cache}."
    )
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, published: dict[str, bytes]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DataError, match=r"MNIST cannot be kept in .*file/mnist: Not a directory\."):
        load_mnist(tmp_path / "file" / "mnist", [Shelf(published)])


def test_the_cache_lies_where_it_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GLYPHITE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "mnist"
    monkeypatch.delenv("GLYPHITE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "glyphite" / "mnist"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "glyphite" / "mnist"
