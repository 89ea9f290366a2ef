"""What is shown and kept of a search: table, picture, JSON, and the networks of its front."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from glyphite.convert.data.dataset import Labels
from glyphite.convert.documents import now, to_json
from glyphite.convert.files import write_text
from glyphite.convert.text import command, counted
from glyphite.host.cli.console import print_json, print_table, say, say_command, say_written
from glyphite.host.cli.search_run import directions, figures_of, values_of
from glyphite.host.cli.search_trial import FUNCTION, Figures, Work
from glyphite.host.measure.times import duration
from glyphite.host.measure.weigh import Weight
from glyphite.train.search.picture import Point, draw_front, require_drawing
from glyphite.train.search.study import Record, front

LONGER = 30
"""Epochs of the command that trains the best network longer."""


def score_of(score: float, has_classes: bool) -> str:
    """A score for people."""
    return f"{score:.2%}" if has_classes else f"{score:.4g}"


def line_of(number: int, title: str, figures: Figures, same_as: int | None = None) -> str:
    """A line on a trial that has ended."""
    if same_as is not None:
        return f"Trial {number} ({title}): the same network as trial {same_as}, not trained twice."
    if figures.refused or figures.weight is None or figures.score is None:
        return f"Trial {number} ({title}): {figures.refused}"
    weight = figures.weight
    score = score_of(figures.score, figures.float_score is not None)
    return (
        f"Trial {number} ({title}): {score}, {_time(weight)}, {weight.ram:,} B of RAM, "
        f"{weight.flash:,} B of flash; {figures.seconds.get('all', 0):.0f} s"
    )


def _time(weight: Weight, beside: Iterable[Weight] = ()) -> str:
    """In the unit of the longest time, where others stand ``beside`` it."""
    if weight.seconds is None:
        return "no time"
    return duration(weight.seconds, (each.seconds for each in beside if each.seconds is not None))


@dataclass
class Shown:
    """Prints a search, and writes what is kept of it to the folder ``place``.

    Raises ToolError when it is made where the picture cannot be drawn.
    """

    place: Path
    aims: Sequence[str]
    work: Work
    words: Sequence[str]
    """The options that name the data."""
    as_json: bool

    def __post_init__(self) -> None:
        require_drawing()
        self._has_classes = isinstance(self.work.lessons.data.train.targets, Labels)

    def show(self, records: Sequence[Record]) -> None:
        """Write and print the front, and name the best on it."""
        every = {record.number: figures_of(record) for record in records}
        trained = self._trained(records, every)
        on_front = self._front(trained, every)
        files = {number: self.place / f"trial_{number}.py" for number in on_front}
        for number, path in files.items():
            write_text(
                path, trained[number].drawn.source(f"Trial {number}", self._remark(every[number]))
            )
        best = next(iter(on_front), None)
        pictures = self._draw(trained, every, on_front) if trained else []
        document = self._document(records, every, on_front, files)
        write_text(self.place / "search.json", to_json(document))
        if self.as_json:
            print_json(document)
            return
        self._print(records, every, on_front)
        say_written(*pictures, self.place / "search.json", *files.values())
        if best is not None:
            self._name(best, trained[best], every[best], files[best])

    def _trained(self, records: Sequence[Record], every: dict[int, Figures]) -> dict[int, Record]:
        """By number, without those that are another one's again."""
        return {
            record.number: record
            for record in records
            if every[record.number].score is not None and record.figures["same_as"] is None
        }

    def _front(self, trained: dict[int, Record], every: dict[int, Figures]) -> list[int]:
        """The numbers of the front, the best score first, and of equal ones the fastest."""
        points = {number: values_of(every[number], self.aims) for number in trained}
        found = front(points, directions(self.work, self.aims))
        sign = -1 if self._has_classes else 1

        def place(number: int) -> tuple[float, int]:
            weight = every[number].weight
            return sign * points[number][0], weight.cycles if weight else 0

        return sorted(found, key=place)

    def _remark(self, figures: Figures) -> str:
        """The line in a network's file on its figures."""
        work, weight = self.work, figures.weight
        if weight is None or figures.score is None:
            return ""
        score = score_of(figures.score, self._has_classes)
        what = "right" if self._has_classes else "mean absolute error"
        return (
            f"{score} {what} on samples held back, as int8, after --epochs {work.epochs}; on "
            f"{work.board.name}:\n{weight.cycles:,} cycles an inference, {weight.ram:,} bytes of "
            f"RAM with the stack, {weight.flash:,} of flash."
        )

    def _print(
        self, records: Sequence[Record], every: dict[int, Figures], on_front: Sequence[int]
    ) -> None:
        by_number = {record.number: record for record in records}
        refused = sum(1 for figures in every.values() if figures.refused)
        again = sum(1 for record in records if record.figures["same_as"] is not None)
        drawn = counted(len(records), "network was", "networks were")
        say(
            f"{drawn} drawn: {len(records) - refused - again:,} trained, "
            f"{refused:,} refused as over budget"
            + (f", {again:,} drawn again and not trained twice." if again else ".")
        )
        if not on_front:
            say("None was within the budget. Allow more, or ask for more --trials.")
            return
        score = "right" if self._has_classes else "error"
        weights = [weight for number in on_front if (weight := every[number].weight)]
        rows = []
        for number in on_front:
            figures, weight = every[number], every[number].weight
            if figures.score is None or weight is None:
                continue
            rows.append((
                f"{number}: {by_number[number].drawn.title}",
                score_of(figures.score, self._has_classes),
                _time(weight, weights),
                f"{weight.cycles:,}",
                f"{weight.ram:,}",
                f"{weight.flash:,}",
            ))  # fmt: skip
        columns = ("trial", score, "time", "cycles", "RAM", "flash")
        print_table(columns, rows, f"The front: {self._title()}")
        timed_by = next(filter(None, (f.weight.timed_by for f in every.values() if f.weight)), "")
        say(
            f"Time: {timed_by} at the board's clock. RAM with the stack. {score.capitalize()}: "
            f"int8 on {self._judged():,} training samples held back."
        )

    def _judged(self) -> int:
        held_back = self.work.lessons.data.validation
        return 0 if held_back is None else len(held_back)

    def _title(self) -> str:
        work = self.work
        return (
            f"{work.lessons.data.title} on {work.board.name}, {counted(work.epochs, 'epoch')} of "
            f"{len(work.lessons.data.train):,} samples"
        )

    def _name(self, number: int, record: Record, figures: Figures, path: Path) -> None:
        what = "most accurate" if self._has_classes else "least wrong"
        say(f"The {what} within the budget is trial {number}: {record.drawn.title}.")
        named = f"{os.path.relpath(path)}:{FUNCTION}"
        words = ("glyphite", "train", named, *self.words, "--epochs", str(LONGER))
        say_command("Train it longer", command(*words, "--board", self.work.board.named))

    def _draw(
        self, trained: dict[int, Record], every: dict[int, Figures], on_front: Sequence[int]
    ) -> list[Path]:
        points, limits = [], self.work.limits
        factor = 100 if self._has_classes else 1
        memory = self.work.board.memory
        axes: dict[str, float | None] = {
            "time of an inference (ms)": None if limits.seconds is None else 1000 * limits.seconds,
            "static RAM (bytes)": limits.ram or (memory.ram - memory.stack if memory else None),
            "flash (bytes)": limits.flash or (memory.flash if memory else None),
        }
        for number in trained:
            figures, weight = every[number], every[number].weight
            if figures.score is None or weight is None or weight.seconds is None:
                continue
            takes = (1000 * weight.seconds, float(weight.static_ram), float(weight.flash))
            named = dict(zip(axes, takes, strict=True))
            points.append(Point(number, factor * figures.score, named, number in on_front))
        score = "right answers (%)" if self._has_classes else "mean absolute error"
        return draw_front(self.place, self._title(), score, points, axes)

    def _document(
        self,
        records: Sequence[Record],
        every: dict[int, Figures],
        on_front: Sequence[int],
        files: dict[int, Path],
    ) -> dict[str, Any]:
        work, data = self.work, self.work.lessons.data
        trials = [
            {
                "trial": record.number,
                "network": record.drawn.title,
                "weights": record.drawn.weights,
                "same_as": record.figures["same_as"],
                **asdict(every[record.number]),
            }
            for record in records
        ]
        return {
            "board": work.board.name,
            "data": {"title": data.title, "sha256": data.sha256},
            "preprocessing": work.lessons.preprocessing.text,
            "samples": len(data.train),
            "held_back": self._judged(),
            "epochs": work.epochs,
            "batch_size": work.batch_size,
            "seed": work.seed,
            "score": "accuracy" if self._has_classes else "mean absolute error",
            "aims": list(self.aims),
            "limits": asdict(work.limits),
            "date": now(),
            "front": list(on_front),
            "best": next(iter(on_front), None),
            "files": {str(number): str(path) for number, path in files.items()},
            "trials": trials,
        }
