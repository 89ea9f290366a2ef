"""The report as Markdown, for the text of a pull request or an issue."""

import html
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from glyphite.convert.text import printable
from glyphite.host.measure.times import TITLES as TITLES_OF_CLOCKS
from glyphite.host.measure.times import duration
from glyphite.host.report import again, headline, parts
from glyphite.host.report.collect import Results
from glyphite.host.report.engines import worst_pairs
from glyphite.host.report.headline import quoted
from glyphite.host.runners.oracle import BRIEF

SHA_DIGITS = 12
MOST_TEXT = 1_000
"""Characters of a text from outside."""
WORST_PAIRS = 5

Document = dict[str, Any]
Row = Sequence[str]


def render(results: Results) -> str:
    """A heading, the result in a sentence, what it is of, and a table for each kind of figure."""
    document = results.document
    texts = [
        f"### {plain(document['model'])}",
        plain(headline.sentence(document)),
        _of(document),
        "\n".join(f"- {prose(sentence)}" for sentence in document["left_out"]),
        _runners(document),
        _mistakes(document),
        _boards(document),
        _sizes(document),
        *map(_why, parts.parts(results.more)),
        f"Made by {code(again.glyphite('report', results.named, '--markdown'))}.",
    ]
    return "\n\n".join(filter(None, texts)) + "\n"


def table(columns: Row, rows: Iterable[Row]) -> str:
    """A table whose first column is of text, and all others of numbers; empty without rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    kinds = "|".join(["---", *(["---:"] * (len(columns) - 1))])
    return "\n".join([f"| {' | '.join(columns)} |", f"|{kinds}|", *lines])


def plain(text: str, most: int = MOST_TEXT) -> str:
    """A text without what Markdown or a browser would obey."""
    spaced = text.replace(headline.NO_BREAK, " ")
    shown = html.escape(printable(spaced, most), quote=False)
    for letter in "\\`*_[]|#":
        shown = shown.replace(letter, f"\\{letter}")
    return shown


def prose(text: str) -> str:
    """The same, in which what stands between backticks, as a command does, is code."""
    return "".join(
        code(part) if is_code else plain(part, sys.maxsize)
        for part, is_code in quoted(printable(text, MOST_TEXT))
    )


def code(text: str) -> str:
    """A text as code, whatever backticks it has."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence, space = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{space}{printable(text, MOST_TEXT)}{space}{fence}"


def _of(document: Document) -> str:
    """Which model, data and tools the figures are of."""
    compared = document["compare"]
    of = f"Model `{document['sha256'][:SHA_DIGITS]}`, {document['sizes']['tflite']:,} bytes"
    if document["calibration"]:
        of += f", calibrated on {plain(document['calibration'])}"
    if compared:
        data = plain(headline.data_name(compared["data"]["title"]))
        of += f"; {compared['images']:,} test samples of {data}, {compared['date'][:10]}"
    return f"{of}. Glyphite {document['tools']['glyphite']}."


def _runners(document: Document) -> str:
    compared = document["compare"]
    if not compared:
        return ""
    if document["errors"]:
        columns = ("runner", "mean absolute error", "mean squared error", "largest error")
        keys = ("mean_absolute", "mean_squared", "worst")
        rows = [
            (one["title"], *(f"{one['error'][key]:.4g}" for key in keys))
            for one in compared["runners"]
            if one["error"]
        ]
        return table(columns, rows)
    judged = [one for one in compared["runners"] if one["correct"] is not None]
    heading = ("runner", "right", "accuracy", "95 % interval", "lost against float")
    return table(heading, map(_runner, judged))


def _runner(one: Document) -> Row:
    low, high = one["interval"]
    drop = one["drop_points"]
    return (
        one["title"], f"{one['correct']:,}", f"{100 * one['accuracy']:.2f} %",
        f"{100 * low:.2f} to {100 * high:.2f} %", "" if drop is None else f"{drop:.2f} points",
    )  # fmt: skip


def _mistakes(document: Document) -> str:
    if not document["confusions"]:
        return ""
    first, names = document["confusions"][0], document["classes"]
    pairs = worst_pairs(first["matrix"], WORST_PAIRS)
    said = ", ".join(
        f"{plain(names[label])} as {plain(names[answer])} ({count:,})"
        for label, answer, count in pairs
    )
    return f"Misread most often: {said}." if said else "No sample is misread."


def _boards(document: Document) -> str:
    columns = ("on a board", "samples", "right", "bytes that differ", "time of a sample")
    rows = []
    for build in document["builds"]:
        run = build["stream"]
        if run:
            share = "" if run["accuracy"] is None else f" ({100 * run['accuracy']:.2f} %)"
            right = "" if run["correct"] is None else f"{run['correct']:,}{share}"
            by = f"{run['mismatched_bytes']:,} of {run['scores']:,} ({BRIEF[run['reference']]})"
            rows.append((_title(build), f"{run['images']:,}", right, by, _time(build)))
    return table(columns, rows)


def _why(part: parts.Part) -> str:
    """What one of the records of why tells, without its figures."""
    said = [
        f"- {prose(sentence)}" + (f" {code(words)}" if words else "")
        for sentence, words in part.says
    ]
    return "\n".join([f"{part.title}. {plain(part.of)}", *([""] if said else []), *said])


def _time(build: Document) -> str:
    """By the board's clock, or else from the cycles that bench counted of the same firmware."""
    run, cost = build["stream"], build["bench"]
    if times := run["seconds_per_image"]:
        return f"{duration(times['mean'])}, {TITLES_OF_CLOCKS[run['timed_by']]}"
    return _time_of(cost) if cost else ""


def _time_of(cost: Document) -> str:
    """Of an inference; empty where the board's clock is not known."""
    if cost["milliseconds"] is None:
        return ""
    return f"{duration(cost['milliseconds'] / 1000)}, {cost['timed_by']}"


def _sizes(document: Document) -> str:
    columns = ("firmware", "flash", "static RAM", "instructions or cycles", "time of an inference")
    rows = []
    for build in document["builds"]:
        size, cost = build["size"], build["bench"]
        if not (size or cost):
            continue
        taken = [f"{size[key]:,} B" if size else "" for key in ("flash", "ram")]
        count = f"{cost['count']:,} {cost['unit']}" if cost else ""
        rows.append((_title(build), *taken, count, _time_of(cost) if cost else ""))
    return table(columns, rows)


def _title(build: Document) -> str:
    digest = build["firmware_sha256"]
    behind = f" `{digest[:SHA_DIGITS]}`" if digest else ""
    goal = build["goal"] or "build not known"
    return f"{plain(build['model'])} on {plain(build['board'])}, {goal}{behind}"
