"""The space of networks: each is drawn for the shape of a sample, and written as Python.

What is written is the network: the search trains the very file that ``glyphite train`` takes.
Pictures (height, width, channels) and windows (time, axes) get convolutions, vectors (n,) dense
layers. A kernel or a step that is larger than what is left of the sample becomes that large.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Protocol

from glyphite.convert.errors import DataError

Shape = tuple[int, ...]

MOST_BLOCKS = 5
MOST_FOURS = 16
"""Of a layer's channels, which are multiples of four: the kernels compute four at a time."""
KERNELS = {3: (2, 6), 2: (2, 9)}
"""The least and the largest side of a kernel, by the rank of a sample."""
STRIDES = (2, 3, 4)
WHOLE, POOL = "none", "pool 2"
REDUCES = (WHOLE, POOL, *(f"stride {step}" for step in STRIDES))
MOST_DENSE = 3
"""Dense layers before the last, of vectors."""
CONV, SEPARABLE = "conv", "separable"
FLATTEN, AVERAGE = "flatten", "average"
SOFTMAX = "softmax"

Choice = str | int


class Draws(Protocol):
    """What decides: a trial of Optuna, or :class:`Fixed`."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """A whole number of ``low`` to ``high``; with ``log`` small ones are as likely as large."""

    def suggest_categorical(self, name: str, choices: Sequence[str]) -> Any:  # noqa: ANN401
        """One of ``choices``."""


@dataclass(frozen=True)
class Drawn:
    """A network of the space."""

    title: str
    """Short: ``8c4s2, 16c3p, 40c3, 36c3``; docs/search.md tells the signs."""
    layers: tuple[str, ...]
    """Each layer as Python that makes it."""
    shape: Shape
    """Of a sample, without the batch."""
    weights: int
    """Of convolutions and dense layers, without biases: bytes of flash that it takes at least."""

    def source(self, name: str, remark: str = "") -> str:
        """The content of a file whose function ``network`` makes it; ``remark``: a line of text."""
        title = f"{name}: {self.title}."
        doc = f'"""{title}\n\n{remark}\n"""' if remark else f'"""{title}"""'
        inner = "".join(f"            {layer},\n" for layer in self.layers)
        return (
            f"{doc}\n\nimport keras\nfrom keras import layers\n\n\n"
            "def network() -> keras.Model:\n"
            '    """The network, untrained."""\n'
            "    return keras.Sequential(\n        [\n"
            f"            keras.Input({self.shape!r}),\n{inner}        ]\n    )\n"
        )


@dataclass
class _Made:
    """What is made so far of a network."""

    shape: Shape
    layers: list[str] = field(default_factory=list)
    title: list[str] = field(default_factory=list)
    weights: int = 0

    def add_dense(self, units: int, activation: str | None) -> None:
        """``units`` outputs of all that there is."""
        self.weights += prod(self.shape) * units
        self.shape = (units,)
        how = "" if activation is None else f', activation="{activation}"'
        self.layers.append(f"layers.Dense({units}{how})")

    def add_block(self, kind: str, channels: int, kernel: Shape, reduce: str) -> None:
        """A convolution with batch normalization and ReLU, and what makes its output smaller."""
        *sides, before = self.shape
        strides = int(reduce.split()[1]) if reduce.startswith("stride") else 1
        stride = min(strides, *sides)
        axes = "1D" if len(sides) == 1 else "2D"
        step = "" if stride == 1 else f", strides={stride}"
        if kind == SEPARABLE:
            self.layers.append(f"layers.DepthwiseConv{axes}({_size(kernel)}{step}, use_bias=False)")
            self.layers += _NORMALIZED
            self.layers.append(f"layers.Conv{axes}({channels}, 1, use_bias=False)")
            self.weights += prod(kernel) * before + before * channels
        else:
            made = f"layers.Conv{axes}({channels}, {_size(kernel)}{step}, use_bias=False)"
            self.layers.append(made)
            self.weights += prod(kernel) * before * channels
        self.layers += _NORMALIZED
        places = [(side - size) // stride + 1 for side, size in zip(sides, kernel, strict=True)]
        is_pooled = reduce == POOL and min(places) >= 2
        if is_pooled:
            self.layers.append(f"layers.MaxPooling{axes}(2)")
            places = [place // 2 for place in places]
        self.shape = (*places, channels)
        self.title.append(_title(kind, channels, kernel, stride, is_pooled))


_NORMALIZED = ("layers.BatchNormalization(momentum=0.95)", "layers.ReLU()")


def _size(sizes: Shape) -> str:
    return str(sizes[0]) if len(set(sizes)) == 1 else str(tuple(sizes))


def _title(kind: str, channels: int, kernel: Shape, stride: int, is_pooled: bool) -> str:
    sides = "x".join(map(str, kernel if len(set(kernel)) > 1 else kernel[:1]))
    step = f"s{stride}" if stride > 1 else ""
    return f"{channels}{'d' if kind == SEPARABLE else 'c'}{sides}{step}{'p' if is_pooled else ''}"


def draw(draws: Draws, shape: Shape, outputs: int, last: str | None = SOFTMAX) -> Drawn:
    """A network for samples of ``shape``, with ``outputs`` numbers of the activation ``last``.

    Raises DataError where samples have more than three axes.
    """
    if not 1 <= len(shape) <= 3:
        raise DataError(
            f"Samples of the shape {shape} are searched for no network: vectors (n,), windows "
            "(time, axes) and pictures (height, width, channels) are. Give them such a shape."
        )
    made = _Made(shape)
    if len(shape) == 1:
        _draw_dense(draws, made)
    else:
        _draw_blocks(draws, made)
    made.add_dense(outputs, last)
    return Drawn(", ".join(made.title), tuple(made.layers), shape, made.weights)


def _draw_dense(draws: Draws, made: _Made) -> None:
    for number in range(draws.suggest_int("depth", 0, MOST_DENSE)):
        units = 4 * draws.suggest_int(f"fours{number}", 1, 2 * MOST_FOURS, log=True)
        made.add_dense(units, "relu")
        made.title.append(str(units))
    if not made.title:
        made.title.append("one layer")


def _draw_blocks(draws: Draws, made: _Made) -> None:
    least, most = KERNELS[len(made.shape)]
    for number in range(draws.suggest_int("depth", 1, MOST_BLOCKS)):
        kinds = (CONV, SEPARABLE) if number else (CONV,)
        kind = draws.suggest_categorical(f"kind{number}", kinds)
        fours = draws.suggest_int(f"fours{number}", 1, MOST_FOURS, log=True)
        side = draws.suggest_int(f"kernel{number}", least, most)
        reduce = draws.suggest_categorical(f"reduce{number}", REDUCES)
        kernel = tuple(min(side, axis) for axis in made.shape[:-1])
        made.add_block(kind, 4 * fours, kernel, reduce)
    if draws.suggest_categorical("head", (FLATTEN, AVERAGE)) == FLATTEN or _is_one_place(made):
        made.layers.append("layers.Flatten()")
    else:
        made.layers.append(f"layers.GlobalAveragePooling{len(made.shape) - 1}D()")
        made.shape = made.shape[-1:]
        made.title.append("average")


def _is_one_place(made: _Made) -> bool:
    return prod(made.shape[:-1]) == 1


@dataclass(frozen=True)
class Fixed:
    """Draws what is named, and else the first or the least: a network that is known."""

    choices: Mapping[str, Choice]

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """The number of that name."""
        return int(self.choices.get(name, low))

    def suggest_categorical(self, name: str, choices: Sequence[str]) -> str:
        """The choice of that name."""
        return str(self.choices.get(name, choices[0]))


def _blocks(head: str, *blocks: tuple[str, int, int, str]) -> dict[str, Choice]:
    """The choices of a network of convolutions: kind, channels, kernel and what makes it small."""
    found: dict[str, Choice] = {"depth": len(blocks), "head": head}
    for number, (kind, channels, kernel, reduce) in enumerate(blocks):
        found |= {f"kind{number}": kind, f"fours{number}": channels // 4}
        found |= {f"kernel{number}": kernel, f"reduce{number}": reduce}
    return found


UNO = _blocks(
    FLATTEN,
    (CONV, 8, 4, "stride 2"), (CONV, 16, 3, POOL), (CONV, 40, 3, WHOLE), (CONV, 36, 3, WHOLE),
)  # fmt: skip
"""The layers of the network ``uno``."""
SLIM = _blocks(
    FLATTEN,
    (CONV, 8, 5, "stride 2"), (CONV, 16, 3, "stride 2"), (CONV, 32, 3, WHOLE), (CONV, 48, 3, WHOLE),
)  # fmt: skip
"""Half of its MACs: docs/uno-model.md has what it reached."""
FAST = _blocks(FLATTEN, (CONV, 8, 6, "stride 4"), (CONV, 16, 3, WHOLE), (CONV, 32, 4, WHOLE))
"""Few outputs, as each costs an AVR more than a MAC does."""


def known(shape: Shape) -> list[dict[str, Choice]]:
    """The choices that are tried first: for pictures of 20x20 or more, those above."""
    return [UNO, SLIM, FAST] if len(shape) == 3 and min(shape[:2]) >= 20 else []
