"""What the tests of data sets share: MNIST itself, and a cache to spoil."""

from pathlib import Path

import pytest

from glyphite.convert.data.mnist import MD5, Mnist, cache_folder, load_mnist


@pytest.fixture(scope="session")
def mnist() -> Mnist:
    """The published data set."""
    return load_mnist()


@pytest.fixture(scope="session")
def published(mnist: Mnist) -> dict[str, bytes]:
    """The four published files by name."""
    return {name: (cache_folder() / name).read_bytes() for name in MD5}


@pytest.fixture
def filled_cache(published: dict[str, bytes], tmp_path: Path) -> Path:
    """A cache folder of this test's own with the four files in it."""
    cache = tmp_path / "cache" / "mnist"
    cache.mkdir(parents=True)
    for name in published:
        (cache / name).symlink_to(cache_folder().resolve() / name)
    return cache
