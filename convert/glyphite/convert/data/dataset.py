"""A data set, wherever it comes from: inputs, targets, names of classes, and three parts."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.options import Kind
from glyphite.convert.errors import DataError

Array = NDArray[Any]
Shape = tuple[int, ...]
MOST_NAMED = 12
"""Classes that a line names."""


@dataclass(frozen=True, eq=False)
class Labels:
    """The class of each sample."""

    values: NDArray[np.int64]
    """(n,), each from 0."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """What a regression is to answer."""

    values: Array
    """(n, *output shape) of floats."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """The inputs themselves are to be given back (reconstruction)."""

    labels: NDArray[np.int64] | None = None
    """(n,) where classes are known too: by them, errors tell what is odd from what is not."""


Targets = Labels | Numbers | Inputs | None
"""None: the source has inputs alone, so that bytes are compared, and nothing is right or wrong."""


@dataclass(frozen=True, eq=False)
class Part:
    """Some samples of a data set."""

    tensors: tuple[Array, ...]
    """For each input of a model (n, *shape): raw samples in the type of their file."""
    targets: Targets = None
    origins: tuple[str, ...] = ()
    """Where each sample is from, a file or a place in one; empty where nobody knows."""

    def __len__(self) -> int:
        return len(self.tensors[0])

    @property
    def inputs(self) -> Array:
        """The only input tensor (n, *shape). Raises DataError where there are several."""
        if len(self.tensors) != 1:
            raise DataError(
                f"The samples have {len(self.tensors)} input tensors, and one is read. "
                "Give one array of inputs."
            )
        return self.tensors[0]

    @property
    def labels(self) -> NDArray[np.int64] | None:
        """The class of each sample (n,), where it is known."""
        if isinstance(self.targets, Labels):
            return self.targets.values
        return self.targets.labels if isinstance(self.targets, Inputs) else None

    def take(self, places: NDArray[np.intp] | slice) -> "Part":
        """The samples at these places, in their order."""
        origins = self.origins
        if origins:
            chosen = range(len(origins))[places] if isinstance(places, slice) else places
            origins = tuple(origins[int(place)] for place in chosen)
        tensors = tuple(tensor[places] for tensor in self.tensors)
        return Part(tensors, _taken(self.targets, places), origins)


def _taken(targets: Targets, places: NDArray[np.intp] | slice) -> Targets:
    if isinstance(targets, Labels):
        return Labels(targets.values[places])
    if isinstance(targets, Numbers):
        return Numbers(targets.values[places])
    if isinstance(targets, Inputs) and targets.labels is not None:
        return Inputs(targets.labels[places])
    return targets


def joined(parts: Iterable[Part]) -> Part:
    """The samples of all parts, one after the other. Raises ValueError where they do not fit."""
    every = list(parts)
    parts = [part for part in every if len(part)] or every[:1]
    if len(parts) == 1:
        return parts[0]
    tensors = tuple(
        np.concatenate([part.tensors[place] for part in parts])
        for place in range(len(parts[0].tensors))
    )
    origins = sum((part.origins for part in parts), ()) if all(p.origins for p in parts) else ()
    return Part(tensors, _joined([part.targets for part in parts]), origins)


def _joined(targets: list[Targets]) -> Targets:
    labels = [each.values for each in targets if isinstance(each, Labels)]
    if len(labels) == len(targets):
        return Labels(np.concatenate(labels))
    numbers = [each.values for each in targets if isinstance(each, Numbers)]
    if len(numbers) == len(targets):
        return Numbers(np.concatenate(numbers))
    inner = [each.labels for each in targets if isinstance(each, Inputs)]
    if len(inner) == len(targets):
        known = [each for each in inner if each is not None]
        return Inputs(np.concatenate(known) if len(known) == len(inner) else None)
    return None


@dataclass(frozen=True, eq=False)
class DataSet:
    """Inputs and targets in three parts, and what a person calls them."""

    name: str
    """Short, as one types it: ``fashion-mnist``, or the name of a file."""
    title: str
    """For people: ``Fashion-MNIST``, or the path."""
    kind: Kind
    train: Part
    """Empty where the source has a test part alone."""
    validation: Part | None
    """Held out of the training samples, to choose by; None where there are too few of them."""
    test: Part
    classes: tuple[str, ...] = ()
    """The name of each class; empty where labels are numbers without names, or there are none."""
    split: str = ""
    """How the parts came about: a sentence for the manifest."""
    split_is_made: bool = False
    """Whether the source had one part alone, so that :attr:`whole` may be what a person means."""
    notes: tuple[str, ...] = ()
    """What was left out, changed or found to be missing, a sentence each."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """Training, validation where there is one, and test."""
        held_out = () if self.validation is None else (self.validation,)
        return (self.train, *held_out, self.test)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Of each input of a model, without the batch."""
        return tuple(tensor.shape[1:] for tensor in self.test.tensors)

    @property
    def shape(self) -> Shape:
        """Of the only input, without the batch. Raises DataError where there are several."""
        return self.test.inputs.shape[1:]

    @property
    def class_count(self) -> int:
        """How many classes there are: of names, else up to the highest label; 0 without labels."""
        if self.classes:
            return len(self.classes)
        tops = [int(p.labels.max()) for p in self.parts if p.labels is not None and len(p.labels)]
        return max(tops) + 1 if tops else 0

    def class_name(self, label: int) -> str:
        """What a person calls the class ``label``."""
        return self.classes[label] if label < len(self.classes) else str(label)

    @cached_property
    def sha256(self) -> str:
        """Of all samples, targets, names of classes and parts: what a figure is a figure of.

        How a sample's numbers are laid out does not count, as that is the model's.
        """
        digest = hashlib.sha256(json.dumps([self.kind, self.classes]).encode())
        for part in (self.train, self.validation, self.test):
            for array in () if part is None else _arrays(part):
                plain = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
                digest.update(f"{plain.dtype.str} {len(array)} {array.size}".encode())
                digest.update(plain.data)
            digest.update(type(None if part is None else part.targets).__name__.encode())
        return digest.hexdigest()

    @property
    def whole(self) -> Part:
        """All samples: training, validation, test. Raises ValueError where they do not fit."""
        return joined(self.parts)

    @property
    def summary(self) -> str:
        """In a line: how many samples of which shape, and the classes."""
        sizes = " + ".join(f"{len(part):,}" for part in self.parts)
        shape = " and ".join("x".join(map(str, shape)) for shape in self.shapes)
        names = f": {', '.join(self.classes[:MOST_NAMED])}" if self.classes else ""
        more = ", ..." if len(self.classes) > MOST_NAMED else ""
        classes = f", {self.class_count} classes{names}{more}" if self.class_count else ""
        return f"{self.title}: {sizes} {self.kind}s of {shape}{classes}"

    def without_validation(self) -> "DataSet":
        """The same with the validation samples back behind the training samples."""
        train = self.train if self.validation is None else joined((self.train, self.validation))
        return dataclasses.replace(self, train=train, validation=None)

    def reconstructing(self) -> "DataSet":
        """The same with the inputs as targets; labels stay, to tell odd samples by."""

        def changed(part: Part) -> Part:
            return dataclasses.replace(part, targets=Inputs(part.labels))

        validation = None if self.validation is None else changed(self.validation)
        train, test = changed(self.train), changed(self.test)
        return dataclasses.replace(self, train=train, validation=validation, test=test)


def _arrays(part: Part) -> tuple[Array, ...]:
    values = part.targets.values if isinstance(part.targets, Numbers) else part.labels
    return part.tensors if values is None else (*part.tensors, values)
