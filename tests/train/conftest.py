"""What the tests of training share: MNIST itself."""

import pytest

from glyphite.convert.data.mnist import Mnist, load_mnist


@pytest.fixture(scope="session")
def mnist() -> Mnist:
    """The published data set."""
    return load_mnist()
