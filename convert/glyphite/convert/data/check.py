"""What every data set must fulfil, and whether it fits a model; each a sentence of its own."""

import dataclasses
from math import prod

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.bad import MOST_NAMED, listed
from glyphite.convert.data.dataset import Array, DataSet, Inputs, Labels, Numbers, Part, Shape
from glyphite.convert.data.options import LARGEST, NUMBERS, ON_BAD, OnBad
from glyphite.convert.errors import DataError
from glyphite.convert.text import printable

AT_A_TIME = 1000
"""Samples that are looked at together, as their sizes take as much room."""
NOT_FINITE = "are not finite (NaN or infinite)"
MOST_VALUES = 32
"""Of one message's list of classes."""


def sound(part: Part, name: str, on_bad: OnBad) -> tuple[Part, str]:
    """``part`` without samples that are not finite where they may be left out, and a note or "".

    Nor are those that float32 cannot hold, as the model computes in it.
    ``name`` names it in messages. Raises DataError where numbers of inputs and targets differ, an
    input has no values, or values are not finite and may not be left out.
    """
    for tensor in part.tensors:
        if len(tensor) != len(part):
            raise DataError(
                f"{name} has {len(part):,} samples of its first input and {len(tensor):,} of "
                "another. Give as many of each."
            )
        if tensor.ndim > 1 and prod(tensor.shape[1:]) == 0:
            raise DataError(f"{name} has inputs of the shape {tensor.shape[1:]}: they are empty.")
    _require_as_many(part, name)
    return _finite(part, name, on_bad)


def _require_as_many(part: Part, name: str) -> None:
    values = part.targets.values if isinstance(part.targets, Numbers) else part.labels
    if values is not None and len(values) != len(part):
        raise DataError(
            f"{name} has {len(part):,} inputs and {len(values):,} targets. "
            "Give one target for each input, in the same order."
        )


def _finite(part: Part, name: str, on_bad: OnBad) -> tuple[Part, str]:
    numbers = (part.targets.values,) if isinstance(part.targets, Numbers) else ()
    arrays = [array for array in (*part.tensors, *numbers) if array.dtype.kind == "f"]
    good = np.ones(len(part), np.bool_)
    for array in arrays:
        good &= _within(array, LARGEST)
    if good.all():
        return part, ""
    bad = np.flatnonzero(~good)
    finite = all(np.isfinite(array[bad]).all() for array in arrays)
    what = f"float32 cannot, which ends at {LARGEST:g}" if finite else NOT_FINITE
    places = [_place(part, int(place)) for place in bad[:MOST_NAMED]]
    found = (
        f"{len(bad):,} of {len(part):,} samples of {name} hold values that {what}: "
        f"{listed(places, len(bad))}"
    )
    if on_bad is OnBad.REFUSE:
        raise DataError(f"{found}. Mend them, or say {ON_BAD} {OnBad.LEAVE_OUT}.")
    return part.take(np.flatnonzero(good)), f"{found}: left out."


def _within(values: Array, largest: float) -> NDArray[np.bool_]:
    """(n,): the rows of floats whose sizes are all numbers up to ``largest``."""
    within: NDArray[np.bool_] = np.ones(len(values), np.bool_)
    for start in range(0, len(values), AT_A_TIME):
        some = np.abs(values[start : start + AT_A_TIME])
        within[start : start + AT_A_TIME] = (some <= largest).all(axis=tuple(range(1, some.ndim)))
    return within


def _place(part: Part, place: int) -> str:
    return printable(part.origins[place]) if part.origins else f"number {place} (from 0)"


def require_sound(data: DataSet) -> None:
    """Make sure that the parts belong to one data set, and there is something to test by.

    Raises DataError where there are no samples, the parts differ in shape or type of targets, or
    labels have no name.
    """
    if not sum(len(part) for part in data.parts):
        raise DataError(f"{data.title} has no samples. Give one at least.")
    for part in data.parts:
        shapes = tuple(tensor.shape[1:] for tensor in part.tensors)
        if len(part) and shapes != data.shapes:
            raise DataError(
                f"The parts of {data.title} have inputs of {_in_words(shapes)} and "
                f"{_in_words(data.shapes)}. Give all samples one shape."
            )
    kinds = {type(part.targets) for part in data.parts if len(part)}
    if len(kinds) > 1:
        raise DataError(
            f"Some parts of {data.title} have targets and others have none, or of another type. "
            "Give targets for each part, or for none."
        )
    _require_names(data)


def _require_names(data: DataSet) -> None:
    if len(set(data.classes)) < len(data.classes):
        raise DataError(f"{data.title} names a class twice. Give each class a name of its own.")
    tops = [int(p.labels.max()) for p in data.parts if p.labels is not None and len(p.labels)]
    if data.classes and max(tops, default=0) >= len(data.classes):
        raise DataError(
            f"{data.title} has the label {max(tops)} and the names of {len(data.classes)} classes, "
            f"which are counted from 0: {', '.join(data.classes[:MOST_VALUES])}. "
            "Name each class."
        )


def _in_words(shapes: tuple[Shape, ...]) -> str:
    return " and ".join("x".join(map(str, shape)) or "one number" for shape in shapes)


def absent_classes(data: DataSet) -> tuple[str, ...]:
    """A note for each part on the classes that have no samples in it, and on no part to test by."""
    notes, count = [], data.class_count
    if not len(data.test):
        notes.append("The test part has no samples.")
    names = (
        ("training", "validation", "test") if data.validation is not None else ("training", "test")
    )
    for name, part in zip(names, data.parts, strict=True):
        if part.labels is None or not len(part):
            continue
        absent = np.flatnonzero(np.bincount(part.labels, minlength=count) == 0)
        if len(absent):
            shown = listed([repr(data.class_name(int(each))) for each in absent], len(absent))
            word = "class has" if len(absent) == 1 else "classes have"
            notes.append(f"{len(absent):,} {word} no samples in the {name} part: {shown}.")
    return tuple(notes)


def require_fit(data: DataSet, input_shape: Shape, output_shape: Shape | None = None) -> None:
    """Make sure that a model can read the samples, and that its answers can be held against them.

    Shapes are those of one sample, without the batch; without ``output_shape``, inputs alone are
    looked at. Raises DataError where they do not fit.
    """
    _require_shape(data, input_shape)
    if output_shape is None:
        return
    targets = data.test.targets
    if isinstance(targets, Labels):
        _require_labels(data, prod(output_shape))
    elif isinstance(targets, Numbers):
        wanted = targets.values.shape[1:]
        if without_ones(wanted) != without_ones(output_shape):
            raise DataError(
                f"{data.title} has targets of {_in_words((wanted,))} for each sample, and the "
                f"model gives {_in_words((output_shape,))}. Take a model with as many outputs."
            )
    elif isinstance(targets, Inputs) and prod(output_shape) != prod(data.shape):
        raise DataError(
            f"{data.title} wants its inputs of {_in_words((data.shape,))} back, and the model "
            f"gives {_in_words((output_shape,))}. Take a model whose output has the input's shape."
        )


def _require_shape(data: DataSet, wanted: Shape) -> None:
    found = data.shape
    if fits(found, wanted):
        return
    shapes = f"has inputs of {_in_words((found,))}, and the model takes {_in_words((wanted,))}"
    if len(found) == len(wanted) == 3 and (*found[1:], found[0]) == wanted:
        raise DataError(
            f"{data.title} {shapes}: its channels come first, and the model's last. Save the "
            "inputs as `np.moveaxis(inputs, 1, -1)`."
        )
    if len(found) == len(wanted) == 3 and (found[2], *found[:2]) == wanted:
        raise DataError(
            f"{data.title} {shapes}: its channels come last, and the model's first. Save the "
            "inputs as `np.moveaxis(inputs, -1, 1)`."
        )
    way_out = "Give samples of the model's shape, or take another model."
    if data.kind == "picture":
        way_out = "Pictures in a folder are scaled to the model's; or take another model."
    raise DataError(f"{data.title} {shapes}. {way_out}")


def fits(found: Shape, wanted: Shape) -> bool:
    """Whether samples of one shape can be laid out in another without a doubt.

    They differ by axes of 1 alone, or one of the two is a row of as many numbers.
    """
    inner, outer = without_ones(found), without_ones(wanted)
    return inner == outer or (prod(inner) == prod(outer) and min(len(inner), len(outer)) <= 1)


def without_ones(shape: Shape) -> Shape:
    """The shape without its axes of 1."""
    return tuple(size for size in shape if size != 1)


def _require_labels(data: DataSet, outputs: int) -> None:
    count = data.class_count
    if outputs == 1 and count > 2:
        raise DataError(
            f"{data.title} has {count} classes, and the model has one output, which tells two "
            f"apart. Take a model with {count} outputs, or say {NUMBERS} where the labels are "
            "numbers to be met."
        )
    if outputs > 1 and (count > outputs or (data.classes and count != outputs)):
        names = f" ({', '.join(data.classes[:MOST_VALUES])})" if data.classes else ""
        raise DataError(
            f"{data.title} has {count} classes{names}, and the model has {outputs} outputs. "
            "Take a model with an output for each class, or give samples of the model's classes."
        )


def fitted(data: DataSet, input_shape: Shape, output_shape: Shape | None = None) -> DataSet:
    """``data`` with its samples laid out as the model takes them: (n, *input_shape).

    Raises DataError where they do not fit, as :func:`require_fit` does.
    """
    require_fit(data, input_shape, output_shape)

    def laid_out(part: Part) -> Part:
        return dataclasses.replace(part, tensors=(part.inputs.reshape(len(part), *input_shape),))

    validation = None if data.validation is None else laid_out(data.validation)
    train, test = laid_out(data.train), laid_out(data.test)
    return dataclasses.replace(data, train=train, validation=validation, test=test)
