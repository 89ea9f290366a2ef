"""The report as a page: the template, and what it needs beside the document."""

import re
import sys
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from glyphite.convert.boards import all_boards
from glyphite.convert.manifest import RANDOM, words_of
from glyphite.convert.text import command, printable_lines
from glyphite.host.measure.compare import TEST_IMAGES
from glyphite.host.measure.portion import BAUD
from glyphite.host.measure.share import url_of
from glyphite.host.measure.times import TITLES as TITLES_OF_CLOCKS
from glyphite.host.measure.times import duration
from glyphite.host.report import pictures
from glyphite.host.report.collect import Misread, Results
from glyphite.host.runners.base import SHORT, TITLES
from glyphite.host.runners.oracle import BRIEF, EXPLAINED, TFLM, WHOSE

NO_BREAK = "\N{NO-BREAK SPACE}"
SHOWN = 60
"""The largest number of misread samples on the page."""
USUAL = [("--jobs", 1), ("--baud", BAUD)]
"""Options that need not be given."""


def render(results: Results) -> str:
    """One HTML page that contains all of its styles and pictures, so that it can be sent alone."""
    document = results.document
    return _template().render(
        report=document,
        titles=TITLES,
        short=SHORT,
        oracle=_oracle(document),
        whose=BRIEF,
        clocks=TITLES_OF_CLOCKS,
        explained=EXPLAINED if _stands_in(document) else "",
        headline=_headline(document) + _caveat(document),
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
    shown = {
        "of_all": _of_all,
        "percent": _percent,
        "thousands": _thousands,
        "bytes": _bytes,
        "day": _day,
    }
    environment.filters |= {**shown, "duration": duration}
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


def _day(date: str) -> str:
    """A date for people: to the minute, in UTC."""
    return f"{date[:10]} {date[11:16]}{NO_BREAK}UTC"


def _headline(document: dict[str, Any]) -> str:
    """The result in one sentence."""
    board = document["board"]
    if board is None and document["compare"] is None:
        verified = [build["verify"] for build in document["builds"] if build["verify"]]
        if verified:
            return _verified(verified[0])
        return "It was built, and neither compared nor streamed to yet."
    if board is None:
        return f"Quantized to int8, the network {_does(document, _oracle(document))}."
    images = f"{_of_all(board)} test samples on {board['name']}"
    right = WHOSE[board["reference"]]
    if board["mismatched_bytes"] == 0:
        return f"{images}: every byte of the scores is {right}."
    return f"{images}: {board['mismatched_bytes']:,} bytes of the scores differ from {right}."


def _of_all(run: dict[str, Any]) -> str:
    """How many samples a board answered, and of how many where others had the rest."""
    if run["images"] == run["run_images"]:
        return f"{run['images']:,}"
    return f"{run['images']:,} of {run['run_images']:,}"


def _verified(one: dict[str, Any]) -> str:
    """What a verification found, in one sentence."""
    inputs, wrong = (
        sum(group[key] for group in one["groups"]) for key in ("images", "bytes_differ")
    )
    right = WHOSE[one["reference"]]
    if wrong == 0:
        return f"{inputs:,} inputs on {one['board']}: every byte of the scores is {right}."
    return (
        f"{inputs:,} inputs on {one['board']}: {wrong:,} bytes of the scores differ from {right}."
    )


def _caveat(document: dict[str, Any]) -> str:
    """What is said of a model whose scales fit random numbers."""
    data = document["data"]
    if data is None or data["source"] != RANDOM:
        return ""
    return " It was calibrated on random numbers, so its accuracy means nothing."


def _does(document: dict[str, Any], oracle: str) -> str:
    """How well the answers of a runner do, as the end of a sentence."""
    data = document["compare"]["data"]["title"]
    if oracle in document["accuracy"]:
        return f"answers {_percent(document['accuracy'][oracle])} of the test samples rightly"
    if oracle in document["errors"]:
        squared = document["errors"][oracle]["mean_squared"]
        return f"has a mean squared error of {squared:.4g} on the test samples of {data}"
    return f"was run on {data}, which does not say what is right"


def _oracle(document: dict[str, Any]) -> str:
    """The name of the runner that the figures on this PC are held against."""
    compared = document["compare"]
    return str(compared["oracle"]) if compared else TFLM


def _stands_in(document: dict[str, Any]) -> bool:
    """Whether any figure was compared with a stand-in for TFLM."""
    runs = [*document["boards"], *(build["verify"] for build in document["builds"])]
    named = {_oracle(document), *(run["reference"] for run in runs if run)}
    return named != {TFLM}


def _axis(document: dict[str, Any]) -> tuple[float, float]:
    """The range of accuracy that contains all intervals: the axis of their bars."""
    ends = [end for interval in document["intervals"].values() for end in interval] or [0.0, 1.0]
    margin = 0.04 * (max(ends) - min(ends))
    return min(ends) - margin, max(ends) + margin


def _commands(document: dict[str, Any], model: str) -> list[str]:
    """The commands that make these results again, with every option that they depend on."""
    training, compared = document["training"], document["compare"]
    commands = []
    if training:
        settings = (("--epochs", "epochs"), ("--batch-size", "batch_size"), ("--seed", "seed"))
        words = [word for option, key in settings for word in (option, training[key])]
        words += ["--name", model] if training["network"] != model else []
        if (data := training["data"]) is not None:
            words += words_of(data["source"], data["options"])
        commands += [_glyphite("train", training["network"], *words), _convert(document, model)]
    if compared:
        fewer = compared["images"] < TEST_IMAGES
        count = ("--count", compared["images"]) * fewer
        commands += [_glyphite("compare", model, *compared["data"]["words"], *count)]
    for build in document["builds"]:
        again = _build_again(build)
        commands += [one for one in again if one not in commands]  # boards that shared one run
    others = {build["named"]: None for build in document["builds"] if build["named"] != model}
    words = [word for other in others for word in ("--with", other)]
    return [*commands, _glyphite("report", model, *words)]


def _convert(document: dict[str, Any], model: str) -> str:
    """The command of the conversion, as the manifest tells of its settings."""
    words: list[object] = []
    if (data := document["data"]) is not None:
        words += words_of(data["source"], data["options"])
    if found := re.match(
        r"([\d,]+) (?:of [\d,]+ )?(?:training|test )?\w* ?samples", document["calibration"]
    ):
        words += ["--calibration-samples", int(found[1].replace(",", ""))]
    return _glyphite("convert", model, *words)


def _build_again(build: dict[str, Any]) -> list[str]:
    """The commands that make a firmware again, and what was measured with it."""
    model, stream, bench = build["named"], build["stream"], build["bench"]
    verify = build["verify"]
    goal = ("--optimize", build["goal"]) if build["goal"] else ()
    known = {board.name: board for board in all_boards()}.get(build["board"])
    commands = []
    if stream and known and known.arduino:
        commands += [
            _glyphite("flash", model, "--board", known.name, "--port", url_of(one["port"]))
            for one in stream["boards"]
        ]
    elif build["size"] or not (bench or verify):  # which build it, too
        commands += [_glyphite("build", model, "--board", build["board"], *goal)]
    if stream:
        jobs = max(one["jobs"] for one in stream["boards"])
        ports = [*(one["port"] for one in stream["boards"]), *stream["shared_with"]]
        kept = [
            ("--count", stream["run_images"]),
            ("--jobs", jobs),
            ("--baud", stream["baud"]),
        ]
        words = [word for pair in kept if pair not in USUAL for word in pair]
        words += stream["data"]["words"]
        named = [word for port in sorted(map(url_of, ports)) for word in ("--port", port)]
        commands += [_glyphite("stream", model, *named, *words)]
    if bench:
        words = ["--board", build["board"], *goal, "--count", bench["inferences"]]
        commands += [_glyphite("bench", model, *words)]
    if verify:
        words = ["--board", build["board"], *goal]
        words += ["--port", verify["port"]] if verify["port"] else []
        commands += [_glyphite("verify", model, *words, *verify["words"])]
    return commands


def _glyphite(*words: object) -> str:
    return command("glyphite", *words)


def _picture(image: Misread) -> dict[str, Any]:
    """A misread sample with its picture, where matplotlib is installed."""
    can_draw = pictures.can_draw()
    source = pictures.sample(image.pixels) if image.pixels is not None and can_draw else None
    return {**vars(image), "picture": source}


def _curves(history: dict[str, Any] | None) -> dict[str, str] | None:
    """The training curves for a light and for a dark page."""
    if history is None or not pictures.can_draw():
        return None
    return {
        "light": pictures.training_curves(history, is_dark=False),
        "dark": pictures.training_curves(history, is_dark=True),
    }
