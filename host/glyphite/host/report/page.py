"""The report as a page: the template, and what it needs beside the document."""

import sys
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from glyphite.convert.boards import all_boards
from glyphite.convert.text import command, printable_lines
from glyphite.host.report import pictures
from glyphite.host.report.collect import Misread, Results
from glyphite.host.runners.base import SHORT, TITLES
from glyphite.host.runners.oracle import BRIEF, EXPLAINED, TFLM, WHOSE

NO_BREAK = "\N{NO-BREAK SPACE}"
SHOWN = 60
"""The largest number of misread digits on the page."""


def render(results: Results) -> str:
    """One HTML page that contains all of its styles and pictures, so that it can be sent alone."""
    document = results.document
    return _template().render(
        report=document,
        titles=TITLES,
        short=SHORT,
        oracle=_oracle(document),
        whose=BRIEF,
        explained=EXPLAINED if _stands_in(document) else "",
        headline=_headline(document),
        axis=_axis(document),
        again=_glyphite("report", results.named),
        commands=_commands(document, results.named),
        misread=[_picture(image) for image in results.misread[:SHOWN]],
        curves=_curves(results.history),
        can_draw=pictures.can_draw(),
    )


@cache
def _template() -> jinja2.Template:
    """The page without its figures."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("glyphite.host.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": _percent, "thousands": _thousands, "bytes": _bytes}
    return environment.get_template("report.html")


def _shown(value: object) -> object:
    """A value as the page shows it: text without what a browser would obey, markup as it is."""
    if isinstance(value, str) and not isinstance(value, Markup):
        parts = value.split(NO_BREAK)
        return NO_BREAK.join(printable_lines(part, sys.maxsize) for part in parts)
    return value


def _percent(share: float, digits: int = 2) -> str:
    return f"{100 * share:.{digits}f}{NO_BREAK}%"


def _thousands(number: int) -> str:
    return f"{number:,}"


def _bytes(count: int) -> str:
    """A size for people: exact below 10,000 bytes, else in KiB or MiB."""
    if count < 10_000:
        return f"{count:,} B"
    return f"{count / 1024:,.1f} KiB" if count < 1024 * 1024 else f"{count / 1024 / 1024:,.1f} MiB"


def _headline(document: dict[str, Any]) -> str:
    """The result in one sentence."""
    board, accuracy = document["board"], document["accuracy"]
    if board is None:
        answer = f"answers {_percent(accuracy[_oracle(document)])} of the test images rightly"
        return f"Quantized to int8, the network {answer}."
    images = f"{board['images']:,} test images on {board['name']}"
    right = WHOSE[board["reference"]]
    if board["mismatched_bytes"] == 0:
        return f"{images}: every byte of the scores is {right}."
    return f"{images}: {board['mismatched_bytes']:,} bytes of the scores differ from {right}."


def _oracle(document: dict[str, Any]) -> str:
    """The name of the runner that the figures on this PC are held against."""
    compared = document["compare"]
    return str(compared["oracle"]) if compared else TFLM


def _stands_in(document: dict[str, Any]) -> bool:
    """Whether any figure was compared with a stand-in for TFLM."""
    named = {_oracle(document), *(board["reference"] for board in document["boards"])}
    return named != {TFLM}


def _axis(document: dict[str, Any]) -> tuple[float, float]:
    """The range of accuracy that contains all intervals: the axis of their bars."""
    ends = [end for interval in document["intervals"].values() for end in interval]
    margin = 0.04 * (max(ends) - min(ends))
    return min(ends) - margin, max(ends) + margin


def _commands(document: dict[str, Any], model: str) -> list[str]:
    """The commands that make these results again."""
    training, board = document["training"], document["board"]
    commands = []
    if training:
        commands += [_glyphite("train", model, "--epochs", training["epochs"])]
        commands += [_glyphite("convert", model)]
    if document["compare"]:
        commands += [_glyphite("compare", model)]
    if board:
        commands += [_glyphite("compile", model), _put(model, board["name"], board["port"])]
        count = ("--count", board["images"])
        commands += [_glyphite("stream", model, "--port", board["port"], *count)]
    return [*commands, _glyphite("report", model)]


def _glyphite(*words: object) -> str:
    return command("glyphite", *words)


def _put(model: str, board: str, port: str) -> str:
    """The command that puts the model on a board: `flash` for an Arduino, else `build`."""
    arduinos = {known.name for known in all_boards() if known.arduino}
    if board in arduinos:
        return _glyphite("flash", model, "--board", board, "--port", port)
    return _glyphite("build", model, "--board", board)


def _picture(image: Misread) -> dict[str, Any]:
    """A misread digit with its picture, where matplotlib is installed."""
    source = pictures.digit(image.pixels) if pictures.can_draw() else None
    return {**vars(image), "picture": source}


def _curves(history: dict[str, Any] | None) -> dict[str, str] | None:
    """The training curves for a light and for a dark page."""
    if history is None or "val_accuracy" not in history or not pictures.can_draw():
        return None
    return {
        "light": pictures.training_curves(history, is_dark=False),
        "dark": pictures.training_curves(history, is_dark=True),
    }
