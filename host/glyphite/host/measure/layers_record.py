"""What is kept of a look at a model's layers: layers.json, in the model's folder."""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from glyphite.convert.documents import Date, read_json, to_json
from glyphite.convert.files import write_text
from glyphite.convert.manifest import MaybeSha256, Sha256, Share
from glyphite.convert.workspace import ModelFolder
from glyphite.host.measure.truth import Count, DataOf

LAYERS = "layers.json"
Decibels = Annotated[float, Meta(ge=-1000, le=1000)]
Size = Annotated[float, Meta(ge=0, le=1e80)]
Text = Annotated[str, Meta(max_length=4096)]


class Reference(StrEnum):
    """What the int8 layers are held against."""

    FLOAT = "float"
    """The float model that the .tflite was made from."""
    WEIGHTS = "weights"
    """The .tflite's own weights in float: what rounding them has cost is not seen."""


class Cause(StrEnum):
    """What is wrong with a layer."""

    INPUT_CUT_OFF = "input_cut_off"
    """Samples reach beyond the input's range."""
    INPUT_TOO_WIDE = "input_too_wide"
    """Samples take a small part of the input's range."""
    CUT_OFF = "cut_off"
    """Values beyond the range of the layer's output are cut off: it saturates."""
    TOO_WIDE = "too_wide"
    """Values take a small part of the range of the layer's output."""
    COARSE_CHANNELS = "coarse_channels"
    """Weights of some channels are a few steps of the one scale that all have."""
    BIAS_CUT_OFF = "bias_cut_off"
    """A bias is beyond what 32 bits hold at the scale of the layer's sums, or is another one."""
    COARSE_WEIGHTS = "coarse_weights"
    """A few large weights leave the others few steps."""
    OTHER_WEIGHTS = "other_weights"
    """The weights are not those of the float model."""
    UNEVEN_CHANNELS = "uneven_channels"
    """Channels of very different size share one scale, and the small ones are lost."""
    DEAD_CHANNELS = "dead_channels"
    """Channels give one value whatever comes in: no accuracy is lost, flash and time are."""
    UNEXPLAINED = "unexplained"
    """The layer adds much error, and none of the above is seen."""


@dataclass(frozen=True)
class Histogram:
    """Counts of a tensor's values by equal parts of the range that int8 has for them."""

    low: float
    """Where the first part begins, and the last ends."""
    high: float
    real: list[Count]
    """Of the float model."""
    given: list[Count]
    """Of the int8 model, as the numbers that they stand for."""
    below: Count
    """Values of the float model beyond the range."""
    above: Count


@dataclass(frozen=True)
class WorstValue:
    """Where the largest error of a layer is."""

    sample: Count
    place: list[Count]
    """The index in the layer's output, without the batch."""
    real: float
    given: float


@dataclass(frozen=True)
class WeightFigures:
    """The weights of a layer."""

    scales: Count
    """1: one scale for all; else one for each output channel."""
    sqnr_db: Decibels | None
    """Of rounding them; None without a float model, or where none is lost."""
    coarse_channels: list[Count]
    """Channels whose weights are a few steps of the one scale at the most."""


@dataclass(frozen=True)
class LayerFigures:
    """One layer's output in int8 beside float.

    *Own* is the error that the layer adds itself, to the int8 inputs that it got; the rest of the
    error it has inherited from the layers before it. Errors are in the units of the tensor; errors
    in steps are multiples of its scale.
    """

    name: Text
    """The operator and its place in the .tflite; "input" of the model's input."""
    kind: Text
    """TensorFlow Lite's name of the operator; "input" of the model's input."""
    number: Count | None
    """Its place in the .tflite; None of the input."""
    tensor: Text
    """The name of the tensor that it writes."""
    keras_layer: Text | None
    """The Keras layer that it was made of, or the last of several; None where that is not known."""
    shape: list[Count]
    scale: Size
    zero_point: int
    low: float
    """The least number that int8 can stand for here, and the largest."""
    high: float
    values: Count
    """Compared in all samples."""
    sqnr_db: Decibels | None
    """The signal-to-quantization-noise ratio: 10 log10(sum of the squares of the float values / sum
    of the squares of the errors). None where nothing is lost, or all values are 0."""
    own_sqnr_db: Decibels | None
    """The same of the layer's own error; None where it adds none, or that is not known."""
    mean_error: Size
    largest_error: Size
    mean_error_steps: Size
    largest_error_steps: Size
    own_mean_error: Size | None
    own_largest_error: Size | None
    cut_off: Share
    """The share of values that the range cuts off: saturation. A ReLU's zeros are not among them,
    nor a softmax's ones."""
    cut_off_low: Count
    cut_off_high: Count
    at_limits: Share
    """The share of values at the least or the largest int8, whatever they stand for."""
    range_used: Size
    """The part of the range that the float model's values take; above 1, it is too narrow."""
    channels: Count | None
    """Of an output with channels, which are its last axis."""
    dead_channels: list[Count]
    """Channels that give one value for all samples."""
    output_share: Share | None
    """The part of the error at the model's output that comes from this layer's own error."""
    answers_changed: Count | None
    """Answers that this layer's own error alone changes; None where there are no classes."""
    weights: WeightFigures | None
    histogram: Histogram
    worst: WorstValue | None


@dataclass(frozen=True)
class Advice:
    """What is wrong, where, and what mends it."""

    cause: Cause
    layer: Text
    """The layer that has it and costs most, by its name in ``layers``."""
    others: list[Text]
    """The others with the same, those that cost most first."""
    loses_accuracy: bool
    """False where only flash and time are lost."""
    text: Text
    command: Text | None
    """What mends it, as it is typed; None where no command does."""


@dataclass(frozen=True)
class SampleFigures:
    """A sample whose answer int8 changes most."""

    index: Count
    """In the data, from 0."""
    label: Text | None
    """What is right: a class, or numbers to be met; None where nothing is known to be."""
    float_answer: Text | None
    int8_answer: Text | None
    error: Size
    """The largest difference of an output between float and int8, in the output's units."""
    float_scores: list[float]
    int8_scores: list[float]


@dataclass(frozen=True)
class EngineDifference:
    """The first layer at which two int8 engines differ."""

    layer: Text
    kind: Text
    sample: Count
    """The first sample that differs there."""
    place: list[Count]
    """The index of its first value that differs, without the batch."""
    first_value: int
    second_value: int
    differing: Count
    """Values of that sample that differ there."""
    values: Count
    samples: Count
    """Samples that differ at that layer."""


@dataclass(frozen=True)
class EnginePair:
    """Two int8 engines, compared layer by layer."""

    first: Text
    second: Text
    samples: Count
    """Compared."""
    layers: Count
    """Compared: those whose values both engines keep."""
    difference: EngineDifference | None
    """None where every byte is the same."""


@dataclass(frozen=True)
class LayersRecord:
    """The content of layers.json."""

    model: str
    sha256: Sha256
    """That of the .tflite."""
    float_sha256: MaybeSha256
    """That of the float model; empty where the reference is the .tflite's own weights."""
    reference: Reference
    data: DataOf
    samples: Annotated[int, Meta(ge=1)]
    engine: str
    """What ran both models, with its version."""
    answers_differ: Count | None
    """Samples for which float and int8 answer with another class; None without classes."""
    layers: list[LayerFigures]
    """The input, then the layers in the order in which they run."""
    advice: list[Advice]
    """Empty where nothing is wrong."""
    worst: list[SampleFigures]
    engines: list[EnginePair]
    date: Date
    activations: Annotated[str, Meta(pattern="^(int8|int16)$")] = "int8"
    """The type of the quantized numbers, whose model the fields call int8."""

    def as_document(self) -> dict[str, Any]:
        """As JSON has it."""
        return dataclasses.asdict(self)

    def save(self, folder: ModelFolder) -> None:
        """Write layers.json. Raises InputError where it cannot be written."""
        write_text(place_of(folder), to_json(self.as_document()))


def place_of(folder: ModelFolder) -> Path:
    """Where the record of a model lies."""
    return folder.root / LAYERS


def read(path: Path, mend: str) -> LayersRecord:
    """The record in ``path``; ``mend`` is the sentence that says how it is made anew.

    Raises InputError where it is none, or cannot be read.
    """
    return read_json(path, LayersRecord, mend)
