"""What is done to a raw sample before a model sees it; the manifest keeps it.

One formula for all: ``(raw / divisor - mean) / deviation``, the last two for all values of a sample
or for each place of its last axis, such as the colours of a pixel or the axes of a sensor.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from glyphite.convert.errors import InputError
from glyphite.convert.text import printable

LEAST_DIVISOR, MOST_DIVISOR = 1e-6, 1e6
"""Of numbers that a network can have learnt from."""
Divisor = Annotated[float, Meta(ge=LEAST_DIVISOR, le=MOST_DIVISOR)]
Finite = Annotated[float, Meta(ge=-1e39, le=1e39)]
"""Of numbers that are float32."""
Values = Annotated[tuple[Finite, ...], Meta(min_length=1)]
SLACK = 0.05
"""By which a range that calibration found may miss the one that was meant, as a share of it."""
COLOUR_AXES = (1, 3, 4)
"""Sizes of an axis of colours: grey, three colours, and these with opacity."""
LEAST_DEVIATION = 1e-6
"""Below it, values that never change would become noise."""


@dataclass(frozen=True)
class Preprocessing:
    """What is done to a raw sample (n, *shape); by default nothing."""

    divisor: Divisor = 1.0
    mean: Values = (0.0,)
    """Of what was divided: one, or one for each place of the last axis."""
    deviation: Values = (1.0,)
    """Likewise; a negative one turns light and dark around."""
    colours: Literal["rgb", "bgr"] = "rgb"
    """The order in which the model takes the three colours of a raw sample, which are red first."""

    def apply(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        """What the model sees of raw samples (n, *shape)."""
        values = raw[..., ::-1] if self.colours == "bgr" else raw
        mean, deviation = np.array(self.mean), np.array(self.deviation)
        result: NDArray[np.float64] = (values.astype(np.float64) / self.divisor - mean) / deviation
        return result

    def undo(self, seen: NDArray[Any]) -> NDArray[np.float64]:
        """The raw samples (n, *shape) of what the model sees."""
        mean, deviation = np.array(self.mean), np.array(self.deviation)
        raw: NDArray[np.float64] = (seen.astype(np.float64) * deviation + mean) * self.divisor
        return raw[..., ::-1] if self.colours == "bgr" else raw

    @property
    def text(self) -> str:
        """In words, as a table has it."""
        words = {each: name for name, each in NAMED.items()}
        if self in words:
            return SAID[words[self]]
        if self.colours == "bgr" and (red_first := turned(self)) in words:
            return f"{SAID[words[red_first]]}, {BLUE}"
        steps = [f"divided by {self.divisor:g}"] if self.divisor != 1 else []
        if self.mean != (0.0,):
            steps.append(f"less {_listed(self.mean)}")
        if self.deviation != (1.0,):
            steps.append(f"divided by {_listed(self.deviation)}")
        steps += [BLUE] if self.colours == "bgr" else []
        return ", ".join(steps) or SAID["raw"]


NAMED: Mapping[str, Preprocessing] = {
    "raw": Preprocessing(),
    "unit": Preprocessing(255.0),
    "signed": Preprocessing(127.5, mean=(1.0,)),
    "inverted": Preprocessing(255.0, mean=(1.0,), deviation=(-1.0,)),
}
"""The usual ones for pictures of 0..255, by what ``--preprocess`` calls them."""
STANDARD = "standard"
"""The name of the one that is reckoned from the training samples."""
SAID = {
    "raw": "raw, as they are",
    "unit": "divided by 255, so 0..1",
    "signed": "divided by 127.5, less 1, so -1..1",
    "inverted": "1 - value / 255, so 1 is black",
}
BLUE = "blue first"
ALLOWED = f"{', '.join(NAMED)}, {STANDARD} (mean 0, deviation 1), or a number to divide by"


def of_range(low: float, high: float) -> Preprocessing:
    """What was most likely done to pictures that a model takes as numbers of ``low`` to ``high``.

    Where the range is none of the usual ones, nothing.
    """
    for (least, most), name in (((0, 255), "raw"), ((0, 1), "unit"), ((-1, 1), "signed")):
        slack = SLACK * (most - least)
        if abs(low - least) <= slack and abs(high - most) <= slack:
            return NAMED[name]
    return Preprocessing()


def named_preprocessing(
    text: str, samples: NDArray[Any], *, is_picture: bool = False
) -> Preprocessing:
    """The preprocessing that ``--preprocess`` names; ``samples`` (n, *shape) are of the training.

    Raises InputError where there is none of that name.
    """
    if text in NAMED:
        return NAMED[text]
    if text == STANDARD:
        return standard(samples, is_picture=is_picture)
    try:
        divisor = float(text)
    except ValueError:
        divisor = 0.0
    if not LEAST_DIVISOR <= divisor <= MOST_DIVISOR:
        raise InputError(
            f"--preprocess {printable(text)} is not known. There are: {ALLOWED} "
            f"({LEAST_DIVISOR:g} to {MOST_DIVISOR:g})."
        )
    return Preprocessing(divisor)


def word_of(one: Preprocessing) -> str:
    """What ``--preprocess`` of a training was given for ``one``, which it made."""
    names = [name for name, each in NAMED.items() if each == one]
    if names:
        return names[0]
    return f"{one.divisor:g}" if one == Preprocessing(one.divisor) else STANDARD


def turned(one: Preprocessing) -> Preprocessing:
    """The same with the colours in the other order: a mean and a deviation stay their colour's."""
    colours: Literal["rgb", "bgr"] = "rgb" if one.colours == "bgr" else "bgr"
    return Preprocessing(one.divisor, one.mean[::-1], one.deviation[::-1], colours)


def standard(samples: NDArray[Any], *, is_picture: bool = False) -> Preprocessing:
    """Mean 0 and deviation 1 for each place of the last axis of ``samples`` (n, *shape).

    For a vector that is each of its numbers; for a window of sensors, each axis; for a picture,
    each colour, or one for all where its last axis is none of colours, as its columns are alike.
    """
    places = samples.shape[-1]
    if is_picture and samples.ndim > 2 and places not in COLOUR_AXES:
        places = 1
    values = samples.astype(np.float64).reshape(-1, places)
    mean, deviation = values.mean(axis=0), np.maximum(values.std(axis=0), LEAST_DEVIATION)
    return Preprocessing(
        mean=tuple(float(f"{one:.9g}") for one in mean),
        deviation=tuple(float(f"{one:.9g}") for one in deviation),
    )


def _listed(values: tuple[float, ...]) -> str:
    shown = ", ".join(f"{value:.4g}" for value in values[:4])
    return shown if len(values) <= 4 else f"{shown}, ... ({len(values)} values)"
