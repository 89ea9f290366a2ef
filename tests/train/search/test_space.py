"""The space of networks: what is drawn is a file that makes the network, of as many weights."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from glyphite.convert.errors import DataError
from glyphite.train.fit import Settings
from glyphite.train.networks.networks import uno
from glyphite.train.own import untrained
from glyphite.train.search.space import FAST, SLIM, UNO, Choice, Drawn, Fixed, draw, known
from tests.strict import require_module

if TYPE_CHECKING:
    import keras


class AtRandom:
    """Draws by a seed, as Optuna does at first."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        return int(self.random.integers(low, high, endpoint=True))

    def suggest_categorical(self, name: str, choices: Sequence[str]) -> str:
        return str(self.random.choice(list(choices)))


def model_of(drawn: Drawn, folder: Path) -> "keras.Model":
    path = folder / "trial_1.py"
    path.write_text(drawn.source("Trial 1", "a remark"))
    return untrained(Settings(f"{path}:network"))


def test_the_network_uno_is_in_the_space(tmp_path: Path) -> None:
    require_module("tensorflow")
    found = model_of(draw(Fixed(UNO), (28, 28, 1), 10), tmp_path)
    wanted = uno()
    assert [type(layer) for layer in found.layers] == [type(layer) for layer in wanted.layers]
    shapes = [[layer.output.shape for layer in model.layers] for model in (found, wanted)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("shape", [(12, 9, 3), (20, 2), (6,)])
def test_whatever_is_drawn_is_a_network_of_as_many_weights(
    shape: tuple[int, ...], tmp_path: Path
) -> None:
    require_module("tensorflow")
    for seed in range(6):
        drawn = draw(AtRandom(seed), shape, 5)
        model = model_of(drawn, tmp_path)
        assert (model.input_shape[1:], model.output_shape[1:]) == (shape, (5,))
        kernels = [weight for weight in model.weights if "kernel" in weight.name]
        assert sum(int(np.prod(kernel.shape)) for kernel in kernels) == drawn.weights


def test_a_title_tells_the_layers() -> None:
    assert draw(Fixed(UNO), (28, 28, 1), 10).title == "8c4s2, 16c3p, 40c3, 36c3"
    assert draw(Fixed(FAST), (28, 28, 1), 10).title == "8c6s4, 16c3, 32c4"
    separable: dict[str, Choice] = {
        "depth": 2,
        "fours0": 1,
        "kernel0": 3,
        "kind1": "separable",
        "fours1": 2,
    }
    assert draw(Fixed({**separable, "kernel1": 5, "head": "average"}), (9, 30, 1), 2).title == (
        "4c3, 8d5, average"
    )


def test_known_networks_are_of_pictures_that_they_can_read() -> None:
    assert known((28, 28, 1)) == [UNO, SLIM, FAST]
    assert known((8, 8, 1)) == known((128, 9)) == known((6,)) == []


def test_samples_of_four_axes_are_refused() -> None:
    with pytest.raises(DataError, match=r"shape \(2, 2, 2, 2\) are searched for no network"):
        draw(Fixed({}), (2, 2, 2, 2), 3)
