"""The report of a model: one JSON document for scripts, and one page for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.documents import to_json
from glyphite.convert.files import write_text
from glyphite.convert.workspace import ModelFolder
from glyphite.host.report import markdown
from glyphite.host.report.collect import collect
from glyphite.host.report.page import render

SCHEMA_FILE = Path(__file__).with_name("report.schema.json")
"""The JSON Schema of report.json."""


@dataclass(frozen=True)
class Written:
    """The files of a report."""

    document: Path
    page: Path
    left_out: tuple[str, ...]
    """A sentence for each record that is of another model."""
    markdown: str
    """The figures, for the text of a pull request."""


def write_report(
    folder: ModelFolder, others: Sequence[ModelFolder] = (), out: Path | None = None
) -> Written:
    """Write report.json and report.html from a model's results, to its folder or to ``out``.

    What boards did with the models of the ``others`` stands there too, in rows of their own.

    Raises InputError where there are none yet or a file of them is damaged, ModelError where the
    .tflite cannot be used, ToolError where no LiteRT is installed.
    """
    results = collect(folder, others)
    left_out = tuple(results.document["left_out"])
    place = out or folder.root
    written = Written(
        place / "report.json", place / "report.html", left_out, markdown.render(results)
    )
    page = render(results)
    write_text(written.document, to_json(results.document))
    write_text(written.page, page)
    return written
