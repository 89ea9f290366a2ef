"""Every example of docs/data.md is loaded, and the page's table names every source."""

import re
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.data.idx import idx
from glyphite.convert.data.load import load
from glyphite.convert.data.names import NAMES
from glyphite.convert.data.options import Options, Shares
from tests.builders.data_sets import pixels, save_picture, save_recording
from tests.paths import PROJECT

PAGE = (PROJECT / "docs" / "data.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
ALL = Shares(0, 0, 1)
FOUND = {
    "shapes/": (Options(shares=ALL), ("round", "square"), (9, 9), 20),
    "flowers/": (Options(shape=(8, 8, 3), shares=ALL), ("daisy", "tulip"), (8, 8, 3), 4),
    "letters/": (Options(), (), (9, 9), 40),
    "wine.csv": (Options(shares=ALL), ("red", "white"), (3,), 3),
    "gestures/": (Options(window=10, step=10), ("circle", "wave"), (10, 3), 12),
    "more-gestures/": (Options(window=10, step=10), ("circle", "wave"), (10, 3), 9),
    "day.csv": (Options(window=1, step=1, shares=ALL), ("rest", "walk"), (1, 3), 3),
}
"""The first line of each example -> options, classes, shape and number of all samples."""


def write(path: Path) -> None:
    """A file of the kind that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_labels = "labels" in path.name
    array = (np.arange(20) % 2).astype(np.uint8) if is_labels else pixels((20, 9, 9))
    if path.suffix == ".npy":
        np.save(path, array)
    elif path.suffix == ".txt":
        path.write_text("round\nsquare\n", encoding="utf-8", newline="")
    elif path.suffix == ".csv":
        save_recording(path, 30)
    elif path.suffix in (".png", ".jpg", ".webp"):
        save_picture(path, (8, 10, 3))
    else:
        path.with_suffix("").write_bytes(idx(array))


def made(example: str, folder: Path) -> Path:
    """The files of an example: its lines are a tree, or a file's first lines."""
    first, *lines = example.splitlines()
    root = folder / first
    if root.suffix == ".csv":
        root.write_text("\n".join(lines).replace("  ", ""), encoding="utf-8", newline="")
        return root
    above = [root]
    for line in lines:
        depth = (len(line) - len(line.lstrip())) // 2
        above[depth:] = [above[depth - 1] / line.strip()]
        if not line.endswith("/"):
            write(above[depth])
    return root


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.split("\n")[0])
def test_an_example_is_loaded(example: str, tmp_path: Path) -> None:
    options, classes, shape, count = FOUND[example.split("\n", maxsplit=1)[0]]
    data = load(str(made(example, tmp_path)), options)
    assert (data.classes, data.shape, len(data.whole)) == (classes, shape, count)


def test_every_example_is_on_the_page_and_in_this_list() -> None:
    assert {example.split("\n")[0] for example in EXAMPLES} == set(FOUND)


def test_the_python_on_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, own = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    for name in ("circle", "wave"):
        save_recording(tmp_path / "gestures" / name / "1.csv", 400)
    exec(first, {})
    assert capsys.readouterr().out.startswith("('circle', 'wave') (50, 3) ")
    (tmp_path / "mine.py").write_text(own, encoding="utf-8", newline="")
    assert load("mine.py:load").shape == (1,)


def test_the_table_names_every_source() -> None:
    table = PAGE.partition("|---|---|\n")[2].partition("\n\n")[0]
    sources = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    assert sources[0] == ", ".join(f"`{name}`" for name in NAMES)
    examples = {name.split("-")[-1] for name in FOUND} - {"day.csv"}
    assert examples <= set(re.findall(r"`([^`]*)`", " ".join(sources)))


def test_the_page_fits_three_screens() -> None:
    assert len(PAGE.splitlines()) <= 180
