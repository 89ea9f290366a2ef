"""What differs a little from a good network stays in the space, and is tried beside free draws."""

from pathlib import Path

import numpy as np
import pytest

from glyphite.train.search.mutate import mutated
from glyphite.train.search.space import UNO, Choice, Fixed, Shape, draw
from tests.strict import require_module

VECTOR: dict[str, Choice] = {"depth": 2, "fours0": 4, "fours1": 2}
WINDOW: dict[str, Choice] = {
    "depth": 1, "head": "flatten", "kind0": "conv", "fours0": 3, "kernel0": 5, "reduce0": "none",
}  # fmt: skip


@pytest.mark.parametrize(
    ("choices", "shape"), [(UNO, (28, 28, 1)), (WINDOW, (128, 3)), (VECTOR, (5,))]
)
def test_each_is_another_network_of_the_space(choices: dict[str, Choice], shape: Shape) -> None:
    random = np.random.default_rng(1)
    first = draw(Fixed(choices), shape, 10)
    found = [draw(Fixed(mutated(choices, shape, random)), shape, 10) for _ in range(200)]
    assert len({one.layers for one in found}) > 8
    # A change beyond an end of the space, or of a kernel that is cut off, may change nothing.
    assert np.mean([one.layers != first.layers for one in found]) > 0.8
    assert all(1 <= int(value) <= 32 for one in [mutated(choices, shape, random)]
               for name, value in one.items() if name.startswith("fours"))  # fmt: skip


def test_a_search_draws_near_the_best_and_draws_freely_too(tmp_path: Path) -> None:
    require_module("optuna")
    from glyphite.train.search.study import Study

    space = ((28, 28, 1), 10, "softmax")
    study = Study(tmp_path / "s.db", {}, ("maximize", "minimize"), space, 1)
    known = [study.ask() for _ in range(3)]
    for number, one in enumerate(known):
        study.finish(one, (0.99 - number / 100, 100.0 - number), {})
    drawn = [study.ask() for _ in range(24)]
    shared = [
        max(len(set(one.drawn.layers) & set(other.drawn.layers)) for other in known)
        / len(one.drawn.layers)
        for one in drawn
    ]
    near = sum(share >= 0.6 for share in shared)
    assert 4 <= near <= 20
    assert len({one.drawn.layers for one in drawn}) > 20
