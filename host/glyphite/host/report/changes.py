"""What changed from one model or build to another: as rows, a sentence, a page and Markdown."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

from glyphite.convert.documents import to_json
from glyphite.convert.files import write_text
from glyphite.convert.names import safe_name
from glyphite.host.measure.times import duration
from glyphite.host.report import page
from glyphite.host.report.headline import data_name
from glyphite.host.report.markdown import plain, table

SHA_DIGITS = 12
SAME = "no figure differs that both have of a kind"

Document = dict[str, Any]


class Change(TypedDict):
    """A figure of both."""

    what: str
    unit: str
    first: float | None
    second: float | None
    change: float | None
    """The second less the first; None where one is not known, or they are no figures of a kind."""
    better: bool | None
    """Whether the second is; None where it is neither, or not known."""


def changes(found: Document) -> list[Change]:
    """The figures of two models or builds: ``found`` is what `glyphite compare A B --json` tells,
    and of each the bytes of its .tflite."""
    first, second = found["first"], found["second"]
    rows = [
        _row("accuracy", "%", [_scaled(side["accuracy"], 100) for side in (first, second)], True),
        *(
            _row(f"{name} error", "", [_error(side, key) for side in (first, second)], False)
            for name, key in (("mean absolute", "mean_absolute"), ("mean squared", "mean_squared"))
        ),
        _row(".tflite", "bytes", [side["tflite"] for side in (first, second)], False),
    ]
    builds = [first["build"], second["build"]]
    same = builds[0]["board"] == builds[1]["board"]
    for name, key in (("flash", "flash"), ("static RAM", "ram"), ("stack", "stack")):
        rows.append(_row(name, "bytes", [build[key] for build in builds], False, same))
    costs = [build["bench"] or {} for build in builds]
    for unit in dict.fromkeys(cost["unit"] for cost in costs if cost):
        counts = [cost.get("count") if cost.get("unit") == unit else None for cost in costs]
        rows.append(_row(f"{unit} of an inference", unit, counts, False, same))
    alike = same and len({cost.get("timed_by") for cost in costs}) == 1
    times = [cost.get("milliseconds") for cost in costs]
    rows.append(_row("time of an inference", "ms", times, False, alike))
    return [row for row in rows if (row["first"], row["second"]) != (None, None)]


def _row(
    what: str, unit: str, values: Sequence[float | None], more: bool, same: bool = True
) -> Change:
    """``more``: whether a larger one is better; ``same``: whether they can be subtracted."""
    first, second = values
    change = None if first is None or second is None or not same else second - first
    better = None if not change else (change > 0) == more
    return Change(what=what, unit=unit, first=first, second=second, change=change, better=better)


def _scaled(value: float | None, scale: float) -> float | None:
    return None if value is None else scale * value


def _error(side: Document, key: str) -> float | None:
    return side["error"][key] if side["error"] else None


def sentence(found: Document, rows: Sequence[Change]) -> str:
    """What changed, in a sentence."""
    first, second = found["first"], found["second"]
    names = f"{second['name']} against {first['name']}"
    on = f"on {found['images']:,} test samples of {data_name(found['data']['title'])}"
    moved = [f"{row['what']} {_moved(row)}" for row in rows if row["change"]]
    return f"{names} {on}: {', '.join(moved) or SAME}."


def _moved(row: Change) -> str:
    unit = "points" if row["unit"] == "%" else row["unit"]
    share = ""
    if row["unit"] != "%" and row["first"] and row["change"] is not None:
        share = f" ({100 * row['change'] / row['first']:+.1f} %)"
    return f"{_signed(row)} {unit}{share}".replace(" (", " (").replace("  ", " ")


def _signed(row: Change) -> str:
    change = row["change"] or 0
    return f"{change:+,}" if isinstance(change, int) else f"{change:+,.4g}"


def cells(row: Change) -> tuple[str, str, str, str]:
    """A row as a table has it: what, the first, the second, what changed."""
    values = [_shown(row[key], row["unit"]) for key in ("first", "second")]
    moved = "" if row["change"] is None else _moved(row) if row["change"] else "the same"
    what = f"{row['what']}, {row['unit']}" if row["unit"] == "bytes" else row["what"]
    return what, values[0], values[1], moved


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    if unit == "%":
        return f"{value:.2f} %"
    if unit == "ms":
        return duration(value / 1000)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def facts(found: Document) -> list[tuple[str, str, str]]:
    """What the figures of both are of."""
    sides = (found["first"], found["second"])
    built = [side["build"] for side in sides]
    rows = [
        ("model", *(side["sha256"][:SHA_DIGITS] for side in sides)),
        ("calibrated on", *(side["calibrated_on"] or "not known" for side in sides)),
        ("what is done to a sample", *(side["preprocessing"] for side in sides)),
    ]
    if any(build["board"] for build in built):
        said = [f"{one['board']}, {one['goal']}" if one["board"] else "" for one in built]
        rows.append(("built for", *said))
    return [(what, first, second) for what, first, second in rows]


def agreement(found: Document) -> str:
    """A sentence on how their answers differ."""
    one = found["difference"]
    if one["answers_differ"] is None:
        return ""
    said = f"Their answers differ for {one['answers_differ']:,} of {found['images']:,} samples"
    if one["mcnemar"] is None:
        return f"{said}."
    return (
        f"{said}: the first alone is right on {one['only_first_right']:,}, the second alone on "
        f"{one['only_second_right']:,}. McNemar's exact test: p = {one['mcnemar']:.2g}."
    )


def markdown(found: Document, rows: Sequence[Change]) -> str:
    """The same for the text of a pull request."""
    names = [found[side]["name"] for side in ("first", "second")]
    columns = ("", *map(plain, names), "change")
    lines = [(*map(plain, fact), "") for fact in facts(found)]
    lines += [tuple(map(plain, cells(row))) for row in rows]
    parts = [
        f"### {plain(names[1])} against {plain(names[0])}",
        plain(sentence(found, rows)),
        table(columns, lines),
        plain(agreement(found)),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def write(found: Document, rows: Sequence[Change], folder: Path) -> tuple[Path, Path]:
    """Write changes-from-MODEL.json and .html. Raises InputError where they cannot be written."""
    stem = safe_name(f"changes-from-{found['first']['name']}")
    document, shown = folder / f"{stem}.json", folder / f"{stem}.html"
    text = page.template("changes.html").render(
        names=[found[side]["name"] for side in ("first", "second")],
        headline=sentence(found, rows),
        facts=facts(found),
        rows=[(*cells(row), row["better"]) for row in rows],
        agreement=agreement(found),
        reference=found["reference"],
    )
    write_text(document, to_json({**found, "changes": list(rows)}))
    write_text(shown, text)
    return document, shown
