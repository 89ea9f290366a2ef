"""What an example sketch shows by itself: inputs in flash, and what the PC answers to them.

A model of digits gets ten test digits of MNIST, packed; every other model samples of its own data,
or, where those are not at hand or too large, three fixed inputs that the sketch makes by the rule
of :func:`fixed_inputs`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.driver import Compiled
from glyphite.convert.compiler.emit.text import byte_lines, environment
from glyphite.convert.compiler.ir.graph import Tensor
from glyphite.convert.data.mnist import SIDE
from glyphite.convert.export.c_array import TEMPLATES
from glyphite.convert.manifest import Manifest
from glyphite.convert.preprocessing import NAMED, Preprocessing
from glyphite.convert.shipped import FIRMWARE

Answers = Callable[[NDArray[Any]], NDArray[Any]]
"""Input tensors (n, *shape) -> the PC's outputs (n, classes), both of the model's types."""

DIGITS = FIRMWARE / "library" / "Glyphite" / "extras" / "digits.txt"
"""Ten digits as text, which can also be pasted into the serial monitor."""
SHADES = ".:-=+*#%&@"
"""The characters of a picture, from paper to ink."""
LONGEST = 5
"""The largest power of a code that repeats: SHADES + LONGEST, which just fits half a byte."""


@dataclass(frozen=True)
class Samples:
    """An example sketch's own inputs."""

    sketch: str
    """Its name: ``see_digits`` or ``see_values``."""
    header: str
    """The name of the file that it includes."""
    text: str
    """Of that file."""


def digit_samples(manifest: Manifest, answers: Answers | None) -> Samples:
    """Ten test digits, for a model that reads 28x28 images as one of 0 to 9.

    Without ``answers`` the sketch has nothing to compare with. Raises what ``answers`` raises.
    """
    levels = digit_levels()
    scores = answers(manifest.quantize(pixels_of(levels))) if answers else None
    plain = np.arange(len(SHADES)).reshape(-1, 1, 1) * np.ones((1, SIDE, SIDE), np.int64)
    fields: dict[str, object] = {
        "shades": [int(image.flat[0]) for image in manifest.quantize(pixels_of(plain))],
        "characters": list(SHADES),
        "count": len(levels),
        "packed": list(byte_lines(b"".join(packed(picture) for picture in levels))),
        "scores": None if scores is None else scores.tolist(),
    }
    return _samples(manifest.name, "see_digits", "digits.h", fields)


@dataclass(frozen=True, eq=False)
class OwnSamples:
    """Samples of a model's data that its sketch keeps in flash."""

    tensors: NDArray[Any]
    """(n, *shape), as the model takes them."""
    titles: tuple[str, ...]
    """Of each: its class, or another word on it."""


def value_samples(
    compiled: Compiled,
    answers: Answers | None,
    manifest: Manifest | None = None,
    own: OwnSamples | None = None,
) -> Samples:
    """Samples of the model's ``own`` data, or three fixed inputs. Raises what ``answers`` raises.

    With a ``manifest`` that names the model's data, values are typed as those have them, and
    classes are called by their names.
    """
    inputs = fixed_inputs(compiled.edges[0]) if own is None else own.tensors
    outputs = [answer.tobytes() for answer in answers(inputs)] if answers else None
    fields: dict[str, object] = {
        "count": len(inputs),
        "outputs": None if outputs is None else [list(byte_lines(each)) for each in outputs],
        "raw": None,
        "names": None,
        "own": own and [list(byte_lines(tensor.tobytes())) for tensor in own.tensors],
        "titles": own and ["".join(map(_escaped, title.encode())) for title in own.titles],
    }
    if manifest is not None and manifest.data is not None:
        fields |= {"raw": _raw(manifest.preprocessing), "names": _names(manifest)}
    return _samples(compiled.name, "see_values", "samples.h", fields)


def _raw(how: Preprocessing) -> tuple[list[str], list[str]] | None:
    """Centre and spread of a raw value, as C writes them; None where the model takes it as it is,
    or in another order."""
    if how == NAMED["raw"] or how.colours != "rgb":
        return None
    mean, deviation = np.broadcast_arrays(np.array(how.mean), np.array(how.deviation))
    centre, spread = mean * how.divisor, deviation * how.divisor
    return [f"{one:#.9g}" for one in centre], [f"{one:#.9g}" for one in spread]


def _names(manifest: Manifest) -> list[str] | None:
    """The classes as strings of C; None where the outputs are none, or have numbers alone."""
    labels = manifest.labels
    is_numbered = labels == tuple(str(index) for index in range(len(labels)))
    if is_numbered or len(labels) != prod(manifest.output.shape):
        return None
    return ["".join(map(_escaped, label.encode())) for label in labels]


def _escaped(byte: int) -> str:
    is_plain = 0x20 <= byte < 0x7F and byte not in b'"\\?'
    return chr(byte) if is_plain else f"\\{byte:03o}"


def digit_levels() -> NDArray[np.int64]:
    """The digits of ``DIGITS``, (10, 28, 28), one of each kind: 0 is paper, 9 is ink."""
    blocks = DIGITS.read_text(encoding="utf-8").split(": test image ")[1:]
    pictures = [block.splitlines()[1 : 1 + SIDE] for block in blocks]
    return np.array([[[SHADES.index(c) for c in row] for row in rows] for rows in pictures])


def pixels_of(levels: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Shades of 0 to 9 as pixels of 0 to 255."""
    return np.round(levels * (255 / (len(SHADES) - 1))).astype(np.uint8)


def packed(levels: NDArray[np.int64]) -> bytes:
    """A picture as codes of half a byte, the lower half first.

    A code below ``len(SHADES)`` is a pixel; that plus n repeats the pixel 2 << n times.
    """
    codes = [
        code for level, run in groupby(levels.flat) for code in _run(int(level), len(list(run)))
    ]
    codes += [0] * (len(codes) % 2)
    return bytes(low | high << 4 for low, high in zip(codes[::2], codes[1::2], strict=True))


def _run(level: int, pixels: int) -> Iterator[int]:
    yield level
    left = pixels - 1
    for power in range(LONGEST, -1, -1):
        times, left = divmod(left, 2 << power)
        yield from [len(SHADES) + power] * times
    yield from [level] * left


def fixed_inputs(source: Tensor) -> NDArray[Any]:
    """Inputs (3, *source.shape[1:]) of the model's type that need no room in flash.

    Every value 0; values that rise from the lowest to the highest; scattered ones, by the upper
    byte of a product. An int8 q stands for q / 128 where the model takes floats.
    """
    index = np.arange(source.count, dtype=np.uint64)
    rising = (index * 256 // source.count).astype(np.int64) - 128
    scattered = ((index + 1) * 2654435761 >> 24).astype(np.uint8).view(np.int8)
    shape = (3, *source.shape[1:])
    if source.quantization is None:
        return (np.stack([index * 0, rising, scattered]) / 128).astype(np.float32).reshape(shape)
    zero = np.full(source.count, source.quantization.zero_point)
    return np.stack([zero, rising, scattered]).astype(np.int8).reshape(shape)


def _samples(name: str, sketch: str, header: str, fields: Mapping[str, object]) -> Samples:
    template = environment(TEMPLATES).get_template(f"{header}.j2")
    return Samples(sketch, header, template.render(fields, name=name))
