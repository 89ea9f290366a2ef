"""Networks that differ a little from a good one: the local half of a search.

Optuna's sampler sees the whole space, of which few draws fall near a network that people have
chosen well. A few more or fewer channels of a layer of that one are tried here.
"""

from collections.abc import Mapping

import numpy as np

from glyphite.train.search.space import (
    AVERAGE,
    CONV,
    FLATTEN,
    KERNELS,
    MOST_BLOCKS,
    MOST_DENSE,
    MOST_FOURS,
    REDUCES,
    SEPARABLE,
    Choice,
    Shape,
)

TWICE = 0.5
"""The probability of each further change after the first."""


def mutated(
    choices: Mapping[str, Choice], shape: Shape, random: np.random.Generator
) -> dict[str, Choice]:
    """``choices`` of a network for samples of ``shape`` with one choice changed, at times more.

    Choices of a layer that is added are left to whoever draws it.
    """
    changed = dict(choices)
    while True:
        _change(changed, shape, random)
        if changed != choices and random.random() >= TWICE:
            return changed


def _change(choices: dict[str, Choice], shape: Shape, random: np.random.Generator) -> None:
    """Change one choice, in place; now and then to what it was."""
    is_dense = len(shape) == 1
    most, depth = (MOST_DENSE, 0) if is_dense else (MOST_BLOCKS, 1)
    layers = int(choices["depth"])
    what = random.choice(
        ["fours", "kernel", "reduce", "kind", "depth", "head"], p=[0.5, 0.2, 0.1, 0.05, 0.1, 0.05]
    )
    if is_dense:
        what = "depth" if what in ("depth", "head") or not layers else "fours"
    layer = int(random.integers(layers)) if layers else 0
    name = f"{what}{layer}"
    if what in ("fours", "kernel", "reduce", "kind") and name not in choices:
        return  # of a layer that was added just now
    if what == "fours":
        widest = 2 * MOST_FOURS if is_dense else MOST_FOURS
        before = int(choices[name])
        step = int(random.integers(1, max(1, before // 3) + 1)) * random.choice([-1, 1])
        choices[name] = int(np.clip(before + step, 1, widest))
    elif what == "kernel":
        least, largest = KERNELS[len(shape)]
        step = int(random.choice([-1, 1]))
        choices[name] = int(np.clip(int(choices[name]) + step, least, largest))
    elif what == "reduce":
        choices[name] = str(random.choice(REDUCES))
    elif what == "kind" and layer:
        choices[name] = SEPARABLE if choices[name] == CONV else CONV
    elif what == "depth":
        choices["depth"] = int(np.clip(layers + random.choice([-1, 1]), depth, most))
    elif what == "head":
        choices["head"] = AVERAGE if choices["head"] == FLATTEN else FLATTEN
