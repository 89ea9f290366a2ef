"""Short training runs, in this process or another, and what their weights come to.

``python -m tests.builders.training NETWORK EPOCHS BATCH_SIZE SEED IMAGES`` prints a run's digest.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from glyphite.convert.data import mnist as data
from glyphite.convert.data.mnist import Mnist, load_mnist
from glyphite.train.fit import Settings, Trained
from glyphite.train.networks.recipes import train
from tests.paths import PROJECT


def few(mnist: Mnist, images: int) -> Mnist:
    """So many images to train on, and 500 to judge by."""
    return Mnist(
        mnist.train_images[:images],
        mnist.train_labels[:images],
        mnist.test_images[:500],
        mnist.test_labels[:500],
    )


def shorten(patch: pytest.MonkeyPatch, learnt: int, judged: int) -> None:
    """For the product too, MNIST has so many training images, and so many test images."""
    whole = data.parsed

    def shorter(files: Mapping[str, bytes]) -> Mnist:
        mnist = whole(files)
        return Mnist(
            *(mnist.train_images[:learnt], mnist.train_labels[:learnt]),
            *(mnist.test_images[:judged], mnist.test_labels[:judged]),
        )

    patch.setattr(data, "parsed", shorter)


def digest(trained: Trained) -> str:
    """Of every weight's bytes."""
    weights = trained.model.get_weights()
    return hashlib.sha256(b"".join(weight.tobytes() for weight in weights)).hexdigest()


def start_elsewhere(settings: Settings, images: int) -> subprocess.Popen[str]:
    """A process that trains on so many images, and prints the digest and nothing else.

    TensorFlow has as many threads there as it wants or the recipe lets it have.
    """
    threads = {"TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"}  # as `make test` sets them
    environment = {name: value for name, value in os.environ.items() if name not in threads}
    numbers = (settings.epochs, settings.batch_size, settings.seed, images)
    command = [sys.executable, "-m", __name__, settings.network, *map(str, numbers)]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=pipe, stderr=pipe, text=True
    )


def digests_elsewhere(settings: Settings, images: int) -> set[str]:
    """Those that two processes print, which train at once and must say nothing else."""
    runs = [start_elsewhere(settings, images) for _ in range(2)]
    answers = [run.communicate() for run in runs]
    assert [run.returncode for run in runs] == [0, 0], answers
    assert [said for _, said in answers] == ["", ""]
    return {digest.strip() for digest, _ in answers}


def _main(network: str, epochs: str, batch_size: str, seed: str, images: str) -> None:
    settings = Settings(network, int(epochs), int(batch_size), int(seed))
    print(digest(train(settings, few(load_mnist(), int(images)))))


if __name__ == "__main__":
    _main(*sys.argv[1:])
