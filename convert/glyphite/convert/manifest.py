"""The description of a quantized model, in one JSON file beside it.

An image is prepared as this file says on the PC and for the board, so that training, calibration
and inference cannot disagree.
"""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from glyphite.convert.documents import read_json, to_json, unquoted_path
from glyphite.convert.errors import ModelError
from glyphite.convert.files import read_bytes, write_text
from glyphite.convert.preprocessing import NAMED, Preprocessing
from glyphite.convert.text import printable

Share = Annotated[float, Meta(ge=0, le=1)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
MaybeSha256 = Annotated[str, Meta(pattern="^([0-9a-f]{64})?$")]

AT_A_TIME = 1000
"""Samples that are made ready together: as floats, they take eight times the room."""

MEND = "Make both anew with `glyphite convert`."
"""Where nobody knows the folder of the model, and so the command in full."""


@dataclass(frozen=True)
class TensorInfo:
    """An input or output tensor: ``real = scale * (quantized - zero_point)``."""

    shape: Annotated[tuple[Annotated[int, Meta(ge=1)], ...], Meta(min_length=2)]
    dtype: Annotated[str, Meta(pattern="^(int8|float32)$")]
    """`glyphite convert` makes int8 alone."""
    scale: Annotated[float, Meta(ge=0)]
    """That of a float32 is of the integers which the model makes of it or it is made of; 0 without.
    """
    zero_point: Annotated[int, Meta(ge=-128, le=127)]


INT16 = "int16"
"""The scheme of models whose activations have 16 bits, and the type of these."""
LIMITS = {"int8": (-128, 127), INT16: (-32768, 32767)}
"""The types of quantized activations, and the least and largest number of each."""

RANDOM = "random"
"""What ``--data`` is given for random numbers."""


@dataclass(frozen=True)
class DataRecord:
    """The data set that a model was calibrated on, so that other verbs take the same."""

    source: str
    """What ``--data`` was given; the path of a file is absolute, as :func:`quoted_path` writes
    it."""
    options: dict[str, str]
    """The other options of the data set, as they are typed, without their dashes."""
    name: str
    sha256: MaybeSha256
    """Of all samples and targets; empty where there are none to keep, as of random numbers."""
    split: str


def words_of(source: str, options: Mapping[str, str]) -> list[str]:
    """The options that name a data set on a command line, as a :class:`DataRecord` keeps it."""
    words = ["--data", str(unquoted_path(source))]
    for name, value in options.items():
        words += [f"--{name.replace('_', '-')}", *([] if value == "True" else [value])]
    return words


@dataclass(frozen=True)
class Manifest:
    """What later stages need to know of a quantized model."""

    name: str
    sha256: Sha256
    """SHA-256 of the .tflite, 64 hexadecimal digits: a board sends it to say which model it has."""
    input: TensorInfo
    output: TensorInfo
    labels: tuple[str, ...]
    preprocessing: Preprocessing = NAMED["unit"]
    """What is done to a raw sample before the float model sees it."""
    data: DataRecord | None = None
    """Where its samples are from; None where nobody knows."""
    calibration: str = ""
    scheme: str = ""
    """The way in which it was quantized, as ``--scheme`` takes it; empty where it is not known."""
    accuracy: dict[str, Share] = field(default_factory=dict)
    """Accuracy by runner as a fraction, filled in by ``compare``."""
    tools: dict[str, str] = field(default_factory=dict)
    """Versions of the tools that made the model."""
    float_sha256: MaybeSha256 = ""
    """SHA-256 of the float model that the .tflite was made from; empty where it is not known."""
    checksum: str = field(default="", compare=False)
    """SHA-256 of all fields above as ``save`` writes them; empty until then."""

    @property
    def activations(self) -> str:
        """The type of the numbers between its layers, a key of ``LIMITS``."""
        return INT16 if self.scheme == INT16 else "int8"

    @property
    def input_range(self) -> tuple[float, float]:
        """The least and the most that an input stands for; of int16, the one is less the other."""
        least, most = LIMITS[self.activations]
        scale, zero_point = self.input.scale, self.input.zero_point
        return scale * (least - zero_point), scale * (most - zero_point)

    def quantize(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Raw samples (n, ...) as the model's input tensors (n, *input.shape[1:]).

        ``round(preprocessing / scale) + zero_point``, kept within -128..127; halves are rounded to
        even. A model that takes float32 gets what the preprocessing gives.
        """
        samples = raw.reshape(len(raw), *self.input.shape[1:])
        tensors = np.empty(samples.shape, self.input.dtype)
        for start in range(0, len(samples), AT_A_TIME):
            part = slice(start, start + AT_A_TIME)
            seen = self.preprocessing.apply(samples[part])
            if self.input.dtype == "int8":
                levels = np.round(seen / self.input.scale) + self.input.zero_point
                seen = np.clip(levels, -128, 127)
            tensors[part] = seen
        return tensors

    def dequantize_output(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """The real numbers that outputs (n, ...) stand for."""
        if scores.dtype != np.int8:
            return scores.astype(np.float64)
        return (scores.astype(np.float64) - self.output.zero_point) * self.output.scale

    def shares(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """Outputs (n, classes) as shares of 1: as they are, or by a softmax where they are logits.

        Of a single logit, the share of the second class.
        """
        real = self.dequantize_output(scores)
        if self.gives_shares:
            return real
        if real.shape[-1] == 1:
            return np.asarray(1 / (1 + np.exp(-real)), np.float64)
        raised = np.exp(real - real.max(axis=-1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=-1, keepdims=True), np.float64)

    @property
    def gives_shares(self) -> bool:
        """Whether outputs are probabilities: TensorFlow Lite fixes their scale.

        Of float32 outputs without int8 behind them nothing tells; they are taken for such.
        """
        fixed = ((1 / 256, -128), (1 / 32768, 0))  # the latter where activations are int16
        is_fixed = (self.output.scale, self.output.zero_point) in fixed
        return is_fixed or not self.output.scale

    def dequantize_input(self, tensors: NDArray[Any]) -> NDArray[np.float32]:
        """The float inputs (n, ...) that input tensors (n, ...) represent."""
        if tensors.dtype != np.int8:
            return tensors.astype(np.float32)
        shifted = tensors.astype(np.int32) - self.input.zero_point
        return (shifted * np.float64(self.input.scale)).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write the manifest as JSON. Raises InputError where ``path`` cannot be written."""
        whole = dataclasses.replace(self, checksum=self._digest())
        write_text(path, to_json(dataclasses.asdict(whole)))

    @classmethod
    def load(cls, path: Path, mend: str = MEND) -> "Manifest":
        """Read a manifest, and make sure that it is as ``save`` wrote it.

        ``mend``: the sentence that a refusal ends with, on what makes the file right.

        Raises ModelError where ``path`` is not a manifest, was changed since, or describes no
        model; InputError where it cannot be read.
        """
        manifest = read_json(path, cls, mend, ModelError)
        if manifest.checksum != manifest._digest():
            raise ModelError(
                f"{printable(str(path))} was changed by hand since `glyphite convert` wrote it, or "
                f"is of an older version: its checksum does not fit. {mend}"
            )
        _check_labels(manifest, path, mend)
        return manifest

    def _digest(self) -> str:
        fields = {**dataclasses.asdict(self), "checksum": ""}
        if not self.scheme:  # as in a manifest of a version that knew no schemes
            del fields["scheme"]
        return hashlib.sha256(
            json.dumps(fields, sort_keys=True, allow_nan=False).encode()
        ).hexdigest()


def _check_labels(manifest: Manifest, path: Path, mend: str) -> None:
    """ModelError unless each class has a label of its own."""
    classes, labels = math.prod(manifest.output.shape[1:]), manifest.labels
    if len(labels) != classes or len(set(labels)) != classes:
        raise ModelError(
            f"{printable(str(path))} has {len(set(labels))} different labels, and the output has "
            f"{classes} classes. {mend}"
        )


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, 64 hexadecimal digits. Raises InputError where it cannot be read."""
    return hashlib.sha256(read_bytes(path)).hexdigest()
