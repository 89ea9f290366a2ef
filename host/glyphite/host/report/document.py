"""What report.json holds, as types; its JSON Schema, ``report.schema.json``, is made of them.

Shares and accuracies are fractions of 1, sizes are bytes, times are in the unit of their name.
"""

from typing import Annotated, Literal, TypedDict

from msgspec import Meta

from glyphite.convert.documents import Date
from glyphite.convert.manifest import DataRecord, Sha256, Share, TensorInfo
from glyphite.host.measure.bench.record import BenchRecord
from glyphite.host.measure.compare import Comparison
from glyphite.host.measure.layers_record import LayersRecord
from glyphite.host.measure.robustness_record import RobustnessRecord
from glyphite.host.measure.schemes_record import SchemesRecord
from glyphite.host.measure.size_record import GoalName, PartRecord
from glyphite.host.measure.stream_figures import Streaming
from glyphite.host.measure.truth import Count, ErrorFigures, Interval
from glyphite.host.measure.verify_record import VerifyRecord

EngineName = Annotated[
    str, Meta(pattern=r"^(float|float_litert|int8_litert|int8_tflm|c|board-[1-9][0-9]*)$")
]
"""A runner on this PC; board-1, board-2 and so on are the runs in ``boards``, as far as they are of
samples of the comparison."""
Pair = Annotated[list[float], Meta(min_length=2, max_length=2)]


class BoardRun(Streaming):
    """A run on a board: stream.json."""

    name: str
    """The board's."""


class Size(TypedDict):
    """The memory that a firmware takes."""

    name: str
    """The board's."""
    flash: Count
    """Bytes, as all here."""
    flash_limit: Count | None
    """What the board has; None where it has no limit, or no board file here."""
    ram: Count
    """Static."""
    ram_limit: Count | None
    stack: Count
    """For the stack, beside the static RAM."""
    firmware_sha256: Sha256
    goal: GoalName | None
    compiler: str
    date: Date
    parts: list[PartRecord]
    """The largest ones."""


class Sizes(TypedDict):
    """Sizes of the model, and of its firmware for each board."""

    tflite: Count
    boards: list[Size]


class Build(TypedDict):
    """One firmware, with what was measured of it and of no other one."""

    model: str
    named: str
    """How a command names the model."""
    sha256: Sha256
    """That of the .tflite."""
    board: str
    goal: GoalName | None
    """What --optimize asked for; None of a real board's run, which does not tell."""
    firmware_sha256: Sha256 | None
    stream: BoardRun | None
    bench: BenchRecord | None
    verify: VerifyRecord | None
    size: Size | None


class EngineEntry(TypedDict):
    """Something that answered samples of the comparison."""

    name: EngineName
    title: str
    short: str
    samples: Count
    firmware_sha256: Sha256 | None


class AgreementEntry(TypedDict):
    """In how much two engines agree, on the samples that both answered."""

    first: EngineName
    second: EngineName
    samples: Count
    answers_agree: Count | None
    """Samples for which both name the same class; None where there are no classes."""
    bytes: Count | None
    """Bytes of scores that were compared; this and the next are None with a float engine."""
    bytes_agree: Count | None


class ConfusionEntry(TypedDict):
    """A confusion matrix."""

    engines: list[EngineName]
    """All that have it."""
    samples: Count
    matrix: list[list[Count]]
    """Samples; a row is the label, a column the answer, in the order of ``classes``."""


class ReliabilityBin(TypedDict):
    """Answers of which an engine is about equally sure."""

    answers: Count
    sure: Share
    """The mean share of 1 that the engine gives these answers."""
    right: Share
    """How many of them are right."""
    interval: Interval
    """The 95 % Wilson interval of ``right``."""


class ReliabilityEntry(TypedDict):
    """How often an engine is right, by how sure it is."""

    engine: EngineName
    samples: Count
    gap: Share
    """The expected calibration error: the mean of the distance of ``sure`` and ``right``."""
    bins: list[ReliabilityBin]


class MisreadEntry(TypedDict):
    """A sample that some engine misreads."""

    index: Count
    """Which of the test samples, from 0."""
    label: str
    answer: str
    """The one of the comparison's oracle."""
    answers: dict[str, str]
    """By engine."""
    scores: dict[str, list[float]]
    """By engine, for each class its share of 1; empty behind the first 200 samples."""


class FarOffEntry(TypedDict):
    """A sample for which a regression's or reconstruction's answer is far off."""

    index: Count
    label: str | None
    right: list[float] | None
    """What is right, where that is at most 16 numbers."""
    answers: dict[str, list[float] | None]
    """By engine, likewise."""
    mean_squared: dict[str, float]
    """The mean squared error of the sample, by engine."""


class DistributionGroup(TypedDict):
    """The errors of one engine."""

    engine: EngineName
    samples: Literal["", "usual", "odd"]
    counts: list[Count]
    """One between each two of the edges."""


class Distribution(TypedDict):
    """How many errors are how large."""

    of: str
    """What an error is here."""
    edges: list[float]
    groups: list[DistributionGroup]


class AnswersEntry(TypedDict):
    """Answers of a regression against what is right."""

    number: Count
    """Which of the numbers that the model gives, from 0."""
    engine: EngineName
    points: list[Pair]
    """[right, answer] of some samples that are evenly spread."""


class RocEntry(TypedDict):
    """How well an engine tells odd samples from usual ones."""

    engine: EngineName
    points: list[Pair]
    """[share of usual samples taken for odd, share of odd samples found]."""


class LayerTime(TypedDict):
    """When a layer runs, and the memory in use then."""

    layer: str
    operator: str
    bytes: Count
    """The most that are in use at one of its calls."""
    first: Count
    last: Count
    calls: Count


class BufferTime(TypedDict):
    """A part of the arena."""

    layer: str
    operator: str | None
    """None of the model's input."""
    scratch: bool
    bytes: Count
    offset: Count
    """From the arena's begin."""
    first: int
    """The first and the last kernel call at which it is kept; -1 is before all."""
    last: int


class MemoryTime(TypedDict):
    """The memory of all tensors over time."""

    board: str | None
    """Whose kernels it is of; None where they are for any processor."""
    goal: GoalName
    arena_bytes: Count
    proven_least: bool
    """Whether no plan with less is possible for these layers."""
    calls: Count
    """Kernel calls of an inference."""
    occupied: list[Count]
    """Bytes in use: before the first call, at each call, and behind the last."""
    layers: list[LayerTime]
    buffers: list[BufferTime]


class Training(TypedDict, total=False):
    """The settings and the course of the training."""

    network: str
    recipe: str
    """As ``--recipe`` takes it; "plain" of a network of the user's own, which has none."""
    epochs: Count
    batch_size: Count
    seed: int
    judged_by: str
    """The part of the data that its ``val_`` figures are of."""
    parameters: Count
    data: DataRecord | None
    preprocess: str
    """What was done to its samples, as ``--preprocess`` takes it; absent where not known."""
    last_epoch: dict[str, float]
    by_epoch: dict[str, list[float]]


class Report(TypedDict):
    """report.json."""

    schema: Literal["glyphite.report/2"]
    model: str
    sha256: Sha256
    """That of the .tflite that every figure here is of, but for builds that name another."""
    labels: list[str]
    """A name for each output."""
    classes: list[str]
    """The names of the classes, in the order of the confusion matrices."""
    input: TensorInfo
    output: TensorInfo
    calibration: str
    preprocessing: str
    scheme: str
    """The way in which it was quantized, as --scheme takes it; empty where it is not known."""
    data: DataRecord | None
    """What it was calibrated on."""
    accuracy: dict[str, Share]
    """By runner; that of the latest run on a board is called board."""
    intervals: dict[str, Interval]
    errors: dict[str, ErrorFigures]
    compare: Comparison | None
    """The content of compare.json."""
    board: BoardRun | None
    """The latest of ``boards``."""
    boards: list[BoardRun]
    sizes: Sizes
    builds: list[Build]
    engines: list[EngineEntry]
    agreement: list[AgreementEntry]
    confusions: list[ConfusionEntry]
    """The oracle's first."""
    reliability: list[ReliabilityEntry]
    misread: list[MisreadEntry]
    far_off: list[FarOffEntry]
    distribution: Distribution | None
    answers: list[AnswersEntry]
    roc: list[RocEntry]
    memory: MemoryTime | None
    """None where the compiler does not take the model."""
    layers: LayersRecord | None
    """The content of layers.json."""
    schemes: SchemesRecord | None
    """The content of schemes.json."""
    robustness: RobustnessRecord | None
    """The content of robustness.json."""
    training: Training | None
    tools: dict[str, str]
    """Versions."""
    left_out: list[str]
    """A sentence for each record that is of another model."""
