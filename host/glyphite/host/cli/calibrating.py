"""What a float model is calibrated on: its data, read once for every scheme that is tried."""

import argparse
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from numpy.typing import NDArray

from glyphite.convert.data.dataset import DataSet, Numbers, Part
from glyphite.convert.data.options import Options
from glyphite.convert.errors import InputError
from glyphite.convert.history import history_of
from glyphite.convert.manifest import RANDOM, DataRecord, Manifest
from glyphite.convert.preprocessing import Preprocessing, named_preprocessing
from glyphite.convert.quantize import calibration, quantize, search
from glyphite.convert.quantize.calibration import Calibration
from glyphite.convert.quantize.float_model import FloatModel
from glyphite.convert.quantize.float_tflite import dead_tensor
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli.console import print_status
from glyphite.host.cli.data import MNIST, Source, load_data, record_of, source_of
from glyphite.host.cli.digits import DIGITS, is_image

NAME_DATA = (
    "Name its data with --data (see docs/data.md), or say --data random where sizes alone matter."
)
LOOKED_AT = 50
"""Calibration samples on which dead layers are looked for."""


@dataclass(frozen=True)
class Samples:
    """What a model is calibrated on, and what the manifest says of it."""

    preprocessing: Preprocessing
    shape: tuple[int, ...]
    """Of one input of the model."""
    record: DataRecord
    classes: tuple[str, ...] = ()
    numbers: NDArray[Any] | None = None
    """(n, outputs): what a regression is to meet."""
    data: DataSet | None = None
    """None of random numbers."""

    def calibration(self, count: int) -> Calibration:
        """``count`` samples as the model sees them, or all where there are fewer.

        Raises InputError where one is beyond float32.
        """
        if self.data is None:
            return calibration.from_random(count, self.shape)
        return calibration.from_data(self.data, count, self.preprocessing)

    @property
    def learnt_from(self) -> Part | None:
        """The samples that the model can have learnt from; None where nobody knows any."""
        return None if self.data is None else calibration.learnt_from(self.data)


def samples_of(
    arguments: argparse.Namespace, folders: list[ModelFolder], model: FloatModel
) -> Samples:
    """The calibration data: those that are named, or else those of a conversion or a training that
    one of ``folders`` tells of.

    Raises InputError where no data set is named and none is usual.
    """
    asked = arguments.preprocess
    if arguments.data == RANDOM:
        print_status(
            "Random numbers are used to calibrate, so sizes are right and accuracy is not."
        )
        made = calibration.from_random(1, model.shape)
        record = DataRecord(RANDOM, {}, "random numbers", "", "")
        return Samples(named_preprocessing(asked or "raw", made.inputs), model.shape, record)
    digest = hashlib.sha256(model.content).hexdigest()
    learnt = next(filter(None, (history_of(one, digest) for one in folders)), None)
    before = next(filter(None, (manifest_before(one, digest) for one in folders)), None)
    records = [each.data if each else None for each in (before, learnt)]
    named = (source_of(arguments, record) for record in records)
    known = next(filter(None, named), None)
    source = known or _digits(model)
    is_softmax = quantize.operators(model.float_tflite)[-1:] == ["SOFTMAX"]
    data = load_data(source, model.shape, model.output_shape, tells_classes=is_softmax)
    found = search.find(model, data, asked, learnt.preprocessing if learnt else None)
    if found.is_lost and known is None:  # else a model that has learnt little is one all the same
        few = calibration.from_data(data, LOOKED_AT, found.preprocessing)
        raise InputError(" ".join([found.doubt, *doubts(model, few), NAME_DATA]))
    targets = calibration.learnt_from(data).targets
    for sentence in filter(None, (found.reason, found.doubt)):
        print_status(sentence)
    return Samples(
        found.preprocessing,
        model.shape,
        record_of(source, data, arguments),
        data.classes if len(data.classes) == prod(model.output_shape) else (),
        targets.values.reshape(len(targets.values), -1) if isinstance(targets, Numbers) else None,
        data,
    )


def _digits(model: FloatModel) -> Source:
    """MNIST, for a model that may read it. Raises InputError for any other one."""
    if is_image(model.shape) and prod(model.output_shape) == len(DIGITS):
        return Source(MNIST, Options(report=print_status))
    takes, gives = ("x".join(map(str, one)) for one in (model.shape, model.output_shape))
    raise InputError(f"The model takes {takes} and gives {gives}: it reads no digits. {NAME_DATA}")


def manifest_before(folder: ModelFolder, float_sha256: str) -> Manifest | None:
    """The manifest of the last conversion, if it was of the same float model."""
    try:
        before = Manifest.load(folder.manifest)
    except InputError:
        return None
    return before if before.float_sha256 == float_sha256 else None


def doubts(model: FloatModel, data: Calibration) -> Iterator[str]:
    """What the calibration shows of a model or of itself that is most likely not meant."""
    samples = calibration.evenly(data.inputs, LOOKED_AT)
    if len(samples) > 1 and (samples == samples[0]).all():
        yield (
            f"All calibration samples are equal ({data.source}): the scales fit that one alone. "
            "Take samples as varied as those of the training."
        )
        return
    if (tensor := dead_tensor(model.float_tflite, samples)) is not None:
        layer = model.layer_of(tensor)
        yield (
            f"{layer[0].upper()}{layer[1:]} gives nothing but 0 for {len(samples)} calibration "
            "samples: it is dead, and nothing of the input gets through it. Train the model anew, "
            "with another seed or in smaller steps."
        )
