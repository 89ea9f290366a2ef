"""docs/robustness.md names the corruptions of the code, and its figures fit each other."""

import re
import shlex

import pytest

from glyphite.convert import metrics
from glyphite.convert.data.corrupt_pictures import LIGHT, MOVES, STROKES
from glyphite.convert.data.corrupt_readings import CHANGES
from glyphite.host.cli import whole_parser
from glyphite.host.cli.robustness import STREAMED, USUAL
from tests.paths import PROJECT

PAGE = (PROJECT / "docs" / "robustness.md").read_text(encoding="utf-8")
SAMPLES = 2000
"""Of the measured table."""


def rows(heading: str, place: int = 0) -> list[list[str]]:
    """The cells of a table that begins with ``heading``, of several such the one at ``place``."""
    table = PAGE.split(heading)[1 + place].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip(" *") for cell in row.strip("|").split("|")] for row in table]


def amounts(unit: str, values: tuple[float, ...]) -> str:
    return f"{', '.join(f'{value:g}' for value in values)} {unit}"


def test_the_page_has_the_corruptions_of_the_code() -> None:
    pictures = [[row[0], row[2]] for row in rows("| name | what is done | amounts |")]
    assert pictures == [
        [name, amounts(unit, values)] for name, _, unit, values, _ in (*MOVES, *STROKES, *LIGHT)
    ]
    readings = [[row[0], row[2]] for row in rows("| name | what is done | amounts |", 1)]
    assert readings == [[name, amounts("%", values)] for name, _, values, _ in CHANGES]


def test_the_page_s_commands_are_ones() -> None:
    (block,) = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    commands = [shlex.split(line, comments=True)[2:] for line in block.splitlines()]
    assert len(commands) == 3
    for words in commands:
        assert whole_parser().parse_args(words).robustness is True
    assert f"# {USUAL:,} samples under each of" in block
    assert f"the first {STREAMED} on a board" in block


def test_the_measured_figures_fit_each_other() -> None:
    """Accuracies, intervals, counts and corrected p-values are those of one measurement."""
    found = rows("| samples | float, %")
    pairs = [[int(count) for count in row[5].split(" : ")] for row in found]
    corrected = metrics.holm([metrics.mcnemar(*pair) for pair in pairs])
    assert len(found) == 28
    for row, pair, p in zip(found, pairs, corrected, strict=True):
        shares = [re.findall(r"[\d.]+", cell) for cell in row[1:3]]
        right = [round(float(share[0]) * SAMPLES / 100) for share in shares]
        for count, (share, low, high) in zip(right, shares, strict=True):
            assert float(share) == pytest.approx(100 * count / SAMPLES, abs=1e-9)
            interval = metrics.wilson_interval(count, SAMPLES)
            assert [float(low), float(high)] == pytest.approx(
                [100 * end for end in interval], abs=0.0501
            )
        assert right[0] - right[1] == pair[0] - pair[1], row
        assert float(row[6]) == pytest.approx(p, rel=0.05)
        assert 0 <= int(row[4]) <= STREAMED
