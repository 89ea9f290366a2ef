"""What is kept of a measurement of robustness: robustness.json, in the model's folder."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from glyphite.convert import metrics
from glyphite.convert.documents import Date, read_json, to_json
from glyphite.convert.errors import InputError
from glyphite.convert.files import write_text
from glyphite.convert.manifest import MaybeSha256, Sha256, Share
from glyphite.convert.text import printable
from glyphite.host.measure.compare import Images, TaskName
from glyphite.host.measure.truth import Count, DataOf, ErrorFigures, Interval
from glyphite.host.runners.base import FLOATS

ROBUSTNESS = "robustness.json"
LEVEL = 0.05
"""Of a test: the chance of a difference where there is none."""
CORRECTION = "Holm"
"""What makes that the chance over all corruptions together: :func:`metrics.holm`."""
MOST_CONDITIONS = 200

EngineName = Annotated[str, Meta(pattern=r"^(float|float_litert|int8_litert|int8_tflm|c|board)\Z")]
Short = Annotated[str, Meta(max_length=200)]


@dataclass(frozen=True)
class Engine:
    """What one engine answered to the samples under one corruption."""

    name: EngineName
    """A runner's name, or ``board``."""
    images: Images
    """Samples that it was asked: all, and of a board the first of them."""
    correct: Count | None
    """None where there are no classes, as the next two."""
    accuracy: Share | None
    """``correct / images``."""
    interval: Interval | None
    """The 95 % Wilson interval of the accuracy: low and high, as fractions."""
    error: ErrorFigures | None
    """Of a regression; else None."""


@dataclass(frozen=True)
class Pair:
    """The float model against int8 on the same samples, by McNemar's exact test."""

    only_float_right: Count
    only_int8_right: Count
    p: Share
    """The chance of so uneven a split if both are equally good."""
    corrected_p: Share
    """The same, corrected for the number of conditions."""

    @property
    def differs(self) -> bool:
        """Whether the test tells the two apart at :data:`LEVEL`, by the corrected p."""
        return self.corrected_p < LEVEL


@dataclass(frozen=True)
class Condition:
    """The samples as they are, or under one corruption."""

    name: Short
    """What was done: ``shifted``; empty where nothing was."""
    amount: Annotated[float, Meta(ge=0, le=1e6)]
    """By how much, in ``unit``: 0 where nothing was done."""
    unit: Short
    """``pixels``, ``degrees`` or ``%``."""
    text: Short
    """All of it in words: ``shifted 2 pixels``, ``as they are``."""
    engines: Annotated[list[Engine], Meta(min_length=1, max_length=6)]
    """In the order of the table: float, LiteRT, TFLM, the generated C, the board."""
    pair: Pair | None
    """None without a float model, or without classes."""
    c_bytes_differ: Count | None
    """Bytes of the generated C that are not the reference's; None where it is the reference, or was
    left out."""
    board_bytes_differ: Count | None
    """The same of the board, on the samples that it was asked; None without one."""

    def engine(self, name: str) -> Engine | None:
        """The figures of an engine; None where it was left out."""
        return next((one for one in self.engines if one.name == name), None)


@dataclass(frozen=True)
class BoardOf:
    """The board that was asked."""

    board: Short
    port: Annotated[str, Meta(max_length=4096)]
    firmware_sha256: Sha256 | None
    """That of what the image stores on the board; None where it is not known."""
    images: Images
    """Of each condition, the first of the samples."""


@dataclass(frozen=True)
class RobustnessRecord:
    """The content of robustness.json."""

    model: str
    sha256: Sha256
    """That of the .tflite."""
    float_sha256: MaybeSha256
    """That of the float model; empty where it did not run."""
    task: TaskName
    """``classification`` or ``regression``."""
    data: DataOf
    images: Images
    """Samples of each condition: the same ones."""
    seed: Annotated[int, Meta(ge=0)]
    """Of the random numbers of the corruptions."""
    reference: EngineName
    """The int8 engine whose bytes a board has to give; float is held against it."""
    level: Share
    """Of the tests: :data:`LEVEL`."""
    correction: Short
    """Of their p-values for the number of conditions: Holm's."""
    board: BoardOf | None
    conditions: Annotated[list[Condition], Meta(min_length=2, max_length=MOST_CONDITIONS)]
    """First the samples as they are; then each corruption, those of one name side by side, the
    weakest first."""
    tools: dict[str, str]
    """Versions of the packages that ran."""
    date: Date
    activations: Annotated[str, Meta(pattern="^(int8|int16)$")] = "int8"
    """The type of the quantized numbers, whose engines the fields call int8."""

    @property
    def costs(self) -> list[Condition]:
        """The conditions under which int8 is right less often than float, by the corrected test."""
        return [one for one in self._told_apart if _lead(one) > 0]

    @property
    def gains(self) -> list[Condition]:
        """Those under which it is right more often."""
        return [one for one in self._told_apart if _lead(one) < 0]

    @property
    def _told_apart(self) -> list[Condition]:
        return [one for one in self.conditions if one.pair is not None and one.pair.differs]

    def as_document(self) -> dict[str, Any]:
        """The record as JSON has it."""
        return dataclasses.asdict(self)

    def save(self, path: Path) -> None:
        """Write the record, whole or not at all. Raises InputError where it cannot be written."""
        write_text(path, to_json(self.as_document()))

    @classmethod
    def read(cls, path: Path, again: str) -> "RobustnessRecord":
        """The record in ``path``; ``again`` is the sentence on how it is made anew.

        Raises InputError where the file cannot be read, is no such record, or its figures cannot be
        of one measurement.
        """
        record = read_json(path, cls, again)
        if flaw := record.flaw:
            raise InputError(f"{printable(str(path))} {flaw}. {again}")
        return record

    @property
    def flaw(self) -> str:
        """What cannot be in a record, in words that go behind its name; empty if nothing."""
        names = [one.name for one in self.conditions[0].engines]
        for one in self.conditions:
            if [each.name for each in one.engines] != names:
                return f"has other engines for {printable(one.text)} than for the first samples"
            for engine in one.engines:
                if not _is_sound(engine, self._asked(engine)):
                    return f"has figures of {engine.name} for {printable(one.text)} that do not fit"
        if self.reference not in names:
            return f"has no figures of {self.reference}, which it calls the reference"
        return self._flaw_of_pairs()

    def _asked(self, engine: Engine) -> int:
        if engine.name != "board":
            return self.images
        return self.board.images if self.board else 0

    def _flaw_of_pairs(self) -> str:
        tested = [one for one in self.conditions if one.pair is not None]
        pairs = [one.pair for one in tested if one.pair is not None]
        corrected = metrics.holm([pair.p for pair in pairs])
        for one, pair, right in zip(tested, pairs, corrected, strict=True):
            p = metrics.mcnemar(pair.only_float_right, pair.only_int8_right)
            if (pair.p, pair.corrected_p) != (p, right) or not self._leads_by(one, pair):
                return f"has a test for {printable(one.text)} that does not fit its counts"
        return ""

    def _leads_by(self, one: Condition, pair: Pair) -> bool:
        floats = next((each for each in one.engines if each.name in FLOATS), None)
        int8 = one.engine(self.reference)
        if floats is None or int8 is None or floats.correct is None or int8.correct is None:
            return False
        return floats.correct - int8.correct == pair.only_float_right - pair.only_int8_right


def _lead(one: Condition) -> int:
    """By how many answers float is right more often."""
    return 0 if one.pair is None else one.pair.only_float_right - one.pair.only_int8_right


def _is_sound(engine: Engine, images: int) -> bool:
    if engine.images != images:
        return False
    if engine.correct is None:
        return (engine.accuracy, engine.interval) == (None, None)
    if engine.correct > images:
        return False
    right = metrics.Accuracy(engine.correct, images)
    return engine.accuracy == right.value and engine.interval == list(right.interval)
