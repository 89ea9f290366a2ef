"""The report as a page: the template, and what it needs beside the document."""

import re
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from glyphite.convert.text import printable_lines
from glyphite.host.measure.times import TITLES as TITLES_OF_CLOCKS
from glyphite.host.measure.times import duration
from glyphite.host.measure.wire_use import BOUNDS
from glyphite.host.report import again, headline, more, parts, pictures, plots
from glyphite.host.report.collect import Results
from glyphite.host.report.engines import worst_pairs
from glyphite.host.report.plots import Figure
from glyphite.host.runners.base import SHORT, TITLES
from glyphite.host.runners.oracle import BRIEF, EXPLAINED, TFLM

NO_BREAK = "\N{NO-BREAK SPACE}"
SHOWN = 60
"""The largest number of misread samples on the page."""
FIRST = 12
"""Of those, as many are seen at once; the others where a reader asks for them."""
MOST_CELLS = 20
"""Classes of a confusion matrix that is shown as a table; one of more is a picture."""
WORST_PAIRS = 12
MOST_BARS, LONGEST = 12, 2
"""Classes whose scores are shown as bars, and letters of their names, which stand below."""

Document = dict[str, Any]


def render(results: Results) -> str:
    """One HTML page that contains all of its styles and pictures, so that it can be sent alone."""
    document = results.document
    titles = titles_of(document)
    short = SHORT | {one["name"]: one["short"] for one in document["engines"]}
    context = {
        "report": document,
        "titles": titles,
        "short": short,
        "oracle": headline.oracle(document),
        "whose": BRIEF,
        "clocks": TITLES_OF_CLOCKS,
        "bounds": BOUNDS,
        "explained": EXPLAINED if _stands_in(document) else "",
        "headline": headline.sentence(document),
        "axis": _axis(document),
        "again": again.glyphite("report", results.named),
        "commands": again.commands(document, results.named),
        "missing": _missing(document, results.named),
        "agreements": _agreements(document, short),
        "confusions": [_confusion(one, document, titles) for one in document["confusions"]],
        "sure": plots.reliability(document["reliability"], titles),
        "memory": plots.memory(document["memory"], results.drawn),
        "shades": _shades(document["memory"]),
        "regression": _regression(document, titles),
        "curves": plots.training(document["training"]),
        "parts": parts.parts(results.more),
        **_samples(results, short),
    }
    return template("report.html").render(**context, sections=_sections(context))


@cache
def template(name: str) -> jinja2.Template:
    """A page without its figures."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("glyphite.host.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = {
        "of_all": headline.of_all,
        "percent": headline.percent,
        "thousands": _thousands,
        "bytes": _bytes,
        "day": _day,
        "numbers": _numbers,
        "data": headline.data_name,
        "prose": _prose,
    }
    environment.filters |= {**shown, "duration": duration}
    return environment.get_template(name)


def titles_of(document: Document) -> dict[str, str]:
    """What everything that answered is called, by its name."""
    return TITLES | {one["name"]: one["title"] for one in document["engines"]}


def _shown(value: object) -> object:
    """A value as the page shows it: text without what a browser would obey and with a share's sign
    in its line, markup as it is."""
    if isinstance(value, str) and not isinstance(value, Markup):
        parts = re.sub(r"(?<=\d) (?=%)", NO_BREAK, value).split(NO_BREAK)
        return NO_BREAK.join(printable_lines(part, sys.maxsize) for part in parts)
    return value


def _prose(text: str) -> Markup:
    """A sentence in which what stands between backticks, as a command does, is code."""
    shown = [
        Markup("<code>{}</code>" if is_code else "{}").format(_shown(part))
        for part, is_code in headline.quoted(text)
    ]
    return Markup("").join(shown)


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


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def _stands_in(document: Document) -> bool:
    """Whether any figure was compared with a stand-in for TFLM."""
    runs = [*document["boards"], *(build["verify"] for build in document["builds"])]
    named = {headline.oracle(document), *(run["reference"] for run in runs if run)}
    return named != {TFLM}


def _axis(document: Document) -> tuple[float, float]:
    """The range of accuracy that contains the intervals of all runners: the axis of their bars."""
    runners = document["compare"]["runners"] if document["compare"] else []
    ends = [end for one in runners for end in one["interval"] or ()] or [0.0, 1.0]
    margin = 0.04 * (max(ends) - min(ends))
    return min(ends) - margin, max(ends) + margin


def _missing(document: Document, model: str) -> list[tuple[str, str]]:
    """What is not measured yet, with the command that does."""
    others = more.commands(model)
    lacking = [others[key] for key in others if document[key] is None]
    return [*again.missing(document, model), *lacking]


def _sections(context: Document) -> list[tuple[str, str]]:
    """The sections that the page has, by the names that links have for them."""
    report, has_classes = context["report"], bool(context["confusions"])
    builds = report["builds"]
    kinds = [
        ("left-out", "Left out", report["left_out"]),
        ("comparison", "Runners", report["compare"]),
        ("boards", "On boards", any(b["stream"] or b["bench"] or b["verify"] for b in builds)),
        ("sizes", "Flash and RAM", context["memory"] or any(b["size"] for b in builds)),
        ("confusion", "Classes", has_classes),
        ("errors", "Errors", context["regression"]),
        ("misread", "Misread samples" if has_classes else "Farthest off", context["shown"]),
        *((part.name, part.title, True) for part in context["parts"]),
        ("training", "Training", report["training"]),
        ("missing", "Not measured yet", context["missing"]),
        ("again", "How to repeat this", True),
    ]
    return [(name, title) for name, title, is_there in kinds if is_there]


def _agreements(document: Document, short: dict[str, str]) -> list[Document]:
    """The matrices of answers and of bytes in which engines agree."""
    names = {one["name"]: short[one["name"]] for one in document["engines"]}
    kinds = (
        ("answers_agree", "samples", "Answers that agree, of the samples that both answered"),
        ("bytes_agree", "bytes", "Bytes of the int8 scores that agree"),
    )
    found = []
    for agree, of, title in kinds:
        cells = {
            frozenset((one["first"], one["second"])): {"agree": one[agree], "of": one[of]}
            for one in document["agreement"]
            if one[agree] is not None
        }
        known = [name for name in names if any(name in pair for pair in cells)]
        rows = [[cells.get(frozenset((row, column))) for column in known] for row in known]
        if cells:
            found.append({"title": title, "names": [names[one] for one in known], "rows": rows})
    return found


def _confusion(one: Document, document: Document, titles: dict[str, str]) -> Document:
    """A confusion matrix: of few classes a table, else a picture, with what is wrong most often."""
    title = " and ".join(titles[name] for name in one["engines"])
    names, matrix = document["classes"], one["matrix"]
    is_table = len(matrix) <= MOST_CELLS
    worst = [
        {
            "label": names[label], "answer": names[answer], "samples": samples,
            "share": samples / sum(matrix[label]),
        }
        for label, answer, samples in worst_pairs(matrix, WORST_PAIRS)
    ]  # fmt: skip
    return {
        "title": title,
        "samples": one["samples"],
        "cells": matrix if is_table else None,
        "picture": None if is_table else plots.matrix(one, title),
        "worst": worst if len(matrix) > 2 else [],
    }


def _shades(memory: Document | None) -> dict[str, str]:
    """The class of style of each layer's colour."""
    order = dict.fromkeys(one["layer"] for one in memory["buffers"]) if memory else {}
    return {layer: f"l{place % plots.LAYER_COLOURS}" for place, layer in enumerate(order)}


def _regression(document: Document, titles: dict[str, str]) -> list[Figure]:
    drawn = [
        plots.distribution(document["distribution"], titles),
        plots.roc(document["roc"], titles),
        *plots.answers(document["answers"], titles, document["labels"]),
    ]
    return [figure for figure in drawn if figure]


def _samples(results: Results, short: dict[str, str]) -> Document:
    """The samples that are shown, and how many there are of which kind."""
    document = results.document
    misread, names = document["misread"], document["classes"]
    wrong = sum(one["answer"] != one["label"] for one in misread)
    shown = pictures.of_samples(results.shown[:SHOWN])
    for one in shown:
        one["rows"] = _rows(one, names, short) if misread else _far_rows(one, short)
    return {
        "shown": shown,
        "wrong": wrong,
        "elsewhere": len(misread) - wrong,
        "first": FIRST,
        "bars": 1 < len(names) <= MOST_BARS and max(map(len, names)) <= LONGEST,
    }


def _rows(entry: Document, classes: Sequence[str], short: dict[str, str]) -> list[Document]:
    """What the engines answered to a sample, those that answered alike in one row."""
    found: dict[tuple[object, ...], list[str]] = {}
    for name, answer in entry["answers"].items():
        scores = entry["scores"].get(name)
        given, right = (_share(scores, classes.index(one)) for one in (answer, entry["label"]))
        found.setdefault((answer, given, right), []).append(short[name])
    return [
        {"engines": ", ".join(names), "answer": answer, "given": given, "right": right}
        for (answer, given, right), names in found.items()
    ]


def _far_rows(entry: Document, short: dict[str, str]) -> list[Document]:
    """The same of a regression or reconstruction."""
    found: dict[tuple[object, ...], list[str]] = {}
    for name, error in entry["mean_squared"].items():
        given = entry["answers"][name]
        shown = _numbers(given) if given is not None else None
        found.setdefault((shown, error), []).append(short[name])
    return [
        {"engines": ", ".join(names), "answer": answer, "error": error}
        for (answer, error), names in found.items()
    ]


def _share(scores: Sequence[float] | None, place: int) -> float | None:
    """A class's share of 1; of a single output, which is that of the second of two classes."""
    if scores is None:
        return None
    if len(scores) == 1:
        return scores[0] if place else 1 - scores[0]
    return scores[place]
