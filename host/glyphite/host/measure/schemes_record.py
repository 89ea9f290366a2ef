"""What is kept of a comparison of schemes: schemes.json, in the folder of the float model.

It is written anew after each scheme, so that what was measured stays where the command is ended;
``complete`` says whether all are there.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from glyphite.convert.documents import Date, read_json, to_json
from glyphite.convert.errors import InputError
from glyphite.convert.files import write_text
from glyphite.convert.manifest import Sha256, Share
from glyphite.convert.quantize.schemes import USUAL
from glyphite.host.measure.compare import Images, RunnerName, TaskName
from glyphite.host.measure.size_record import GoalName
from glyphite.host.measure.truth import Count, DataOf, ErrorFigures, Judgement

FILE = "schemes.json"
FOLDER = "schemes"
"""In the same folder: a model's folder of each scheme, by its name."""
MEND = "Make it anew with `glyphite schemes`."


@dataclass(frozen=True)
class Bytes:
    """How the generated C differs from TensorFlow Lite Micro on one group of inputs."""

    inputs: Annotated[str, Meta(pattern=r"^(data|random|extreme)\Z")]
    """"data": the first test samples; "random" and "extreme": those of ``glyphite verify``."""
    samples: Images
    bytes_differ: Count
    largest_difference: Annotated[int, Meta(ge=0, le=255)]


@dataclass(frozen=True)
class Cost:
    """What an inference takes on the board of the record, as ``glyphite bench`` counts it."""

    unit: Annotated[str, Meta(pattern=r"^(instructions|cycles)\Z")]
    """What ``count`` counts."""
    count: Count
    """A mean over the record's ``cost_inputs``."""
    cycles: Count
    cycle_model: str
    """The processor whose table of cycles was used, or "counted"."""
    flash_bytes: Count
    """Of the firmware; on an Arduino, of the whole sketch."""


@dataclass(frozen=True)
class Row:
    """One scheme's figures; what there is none of is None, and ``reasons`` say why."""

    scheme: str
    """As ``--scheme`` takes it."""
    title: str
    weights: str
    """What has a scale of its own: "per channel", "per tensor" or a mixture."""
    rule: str
    """How a tensor's range follows from its values."""
    activations: Annotated[str, Meta(pattern=r"^int(8|16)\Z")]
    calibration_samples: Count
    """How many there were: fewer than asked for where the data have no more."""
    calibration: str
    """The same for people, with where they are from."""
    aware_epochs: Count | None
    """Of the training aware of int8; None of every other scheme."""
    sha256: Sha256 | None
    """That of the .tflite."""
    tflite_bytes: Count | None
    engine: RunnerName | None
    """The runner that gave the answers."""
    correct: Count | None
    accuracy: Share | None
    low: Share | None
    """Of the 95 % Wilson interval of the accuracy, as ``high``."""
    high: Share | None
    error: ErrorFigures | None
    """Where the task has no classes."""
    only_float_right: Count | None
    """Test samples that the float model alone answers rightly."""
    only_scheme_right: Count | None
    mcnemar: Share | None
    """The p-value of McNemar's exact test against the float model: the chance of so uneven a split
    if both are equally good."""
    cost: Cost | None
    bytes: list[Bytes] | None
    """Of the generated C against TensorFlow Lite Micro."""
    reasons: list[str]
    """A sentence on each figure that is not there."""
    aware_samples: Count | None = None
    """From which the training aware of int8 learnt."""

    @property
    def bytes_differ(self) -> int | None:
        """Over all groups; None where nothing was compared."""
        return None if self.bytes is None else sum(one.bytes_differ for one in self.bytes)


@dataclass(frozen=True)
class SchemesRecord:
    """The content of schemes.json."""

    model: str
    float_sha256: Sha256
    """That of the float model's file."""
    float_bytes: Count
    """Of the float model as a float32 .tflite."""
    task: TaskName
    data: DataOf
    """The samples: the test part judges, the training part calibrates."""
    images: Images
    """Test samples that judged."""
    float_figures: Judgement
    """Of the float model on the same samples."""
    board: str
    """On which instructions were counted."""
    goal: GoalName
    cost_inputs: Count
    """The first test samples, whose mean the cost is."""
    rows: list[Row]
    complete: bool
    """Whether every scheme that was asked for is there."""
    tools: dict[str, str]
    """Versions of the packages that quantized and ran."""
    date: Date

    def row(self, scheme: str) -> Row | None:
        """The row of a scheme; None where it is not there."""
        return next((row for row in self.rows if row.scheme == scheme), None)

    @property
    def curve(self) -> list[tuple[int, Row]]:
        """The usual scheme by its number of calibration samples, from the fewest on."""
        rows = (
            row
            for row in self.rows
            if row.scheme == USUAL.name or row.scheme.startswith("samples-")
        )
        return sorted(
            ((row.calibration_samples, row) for row in rows if row.sha256), key=lambda one: one[0]
        )


def as_document(record: SchemesRecord) -> dict[str, Any]:
    """The record as JSON takes it."""
    return asdict(record)


def save(folder: Path, record: SchemesRecord) -> None:
    """Write schemes.json, whole or not at all. Raises InputError where it cannot be written."""
    write_text(folder / FILE, to_json(as_document(record)))


def read(path: Path) -> SchemesRecord:
    """The record in ``path``. Raises InputError where there is none, or it contradicts itself."""
    record = read_json(path, SchemesRecord, MEND)
    if flaw := flaw_of(record):
        raise InputError(f"{path} {flaw}. {MEND}")
    return record


def flaw_of(record: SchemesRecord) -> str:
    """What cannot be in a record, in words that go behind its name; empty if nothing."""
    names = [row.scheme for row in record.rows]
    if len(names) != len(set(names)):
        return "has a scheme twice"
    for row in record.rows:
        if row.correct is None:
            continue
        if row.accuracy is None or round(row.accuracy * record.images) != row.correct:
            return f"has an accuracy of {row.scheme} that does not follow from its right answers"
        right = record.float_figures["correct"]
        only = row.only_float_right, row.only_scheme_right
        if right is not None and None not in only and right - only[0] != row.correct - only[1]:  # type: ignore[operator]
            return f"has other right answers of {row.scheme} than those that it shares"
    return ""
