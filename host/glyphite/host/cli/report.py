"""``glyphite report``: the results of a model, as one JSON document and one page.

With a second model, what changed from the one to the other.
"""

import argparse
import json
from collections.abc import Iterator
from typing import Any

from glyphite.convert.errors import InputError
from glyphite.convert.text import command
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.cli.arguments import add_json, add_model, add_out, hold_place
from glyphite.host.cli.budgets import Checks, add_budgets, checking, subject
from glyphite.host.cli.compare import bytes_of_c, compare_anew, hold_runners
from glyphite.host.cli.console import print_json, print_status, print_table, say, say_written
from glyphite.host.cli.data import add_data
from glyphite.host.cli.judgement import hold_error
from glyphite.host.cli.side_by_side import add_other, hold_two, judge_two, refuse_options
from glyphite.host.cli.streams import print_document
from glyphite.host.report import changes, write_report

EXAMPLE = "glyphite report seed"
LIMITS = (
    "max_flash", "max_ram", "max_drop", "min_accuracy", "max_error", "max_mismatched_bytes"
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser)
    add_other(parser, "show what changed from MODEL to it")
    parser.add_argument(
        "--with", dest="others", metavar="MODEL", action="append", default=[],
        help="another model whose runs on boards are shown, too (may be given several times)",
    )  # fmt: skip
    add_budgets(parser, *LIMITS)
    add_out(parser, "a folder; default: build/<model>")
    parser.set_defaults(count=None)  # of the samples that `compare` takes: all
    add_data(parser, "what was compared and streamed so far; else compared anew")
    parser.add_argument(
        "--markdown", action="store_true", help="print the figures for a pull request"
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write both, and print their paths, or the figures.

    Raises CheckFailedError where a figure in it is beyond its limit, InputError where two forms are
    asked for.
    """
    with checking("report", arguments, always=False) as checks:
        if arguments.json and arguments.markdown:
            raise InputError("--json and --markdown are both to be printed alone. Leave out one.")
        if arguments.other is None:
            refuse_options(arguments)
            _run(arguments, checks)
        else:
            _changed(arguments, checks)
    return 0


def _changed(arguments: argparse.Namespace, checks: Checks) -> None:
    """What changed from one model or build to another, as a page, a document and a table.

    Raises InputError where ``--with`` is given, and what :func:`judge_two` does.
    """
    if arguments.others:
        raise InputError("--with is for the report of one model, and two are named. Leave it out.")
    found, folder = judge_two(arguments)
    rows = changes.changes(found)
    with hold_place(folder, arguments.out):
        written = changes.write(found, rows, arguments.out or folder.root)
    if arguments.json:
        print_json({**found, "changes": rows})
    elif arguments.markdown:
        print_document(changes.markdown(found, rows))
    else:
        names = [found[side]["name"] for side in ("first", "second")]
        facts = [(*fact, "") for fact in changes.facts(found)]
        print_table(("", *names, "change"), [*facts, *map(changes.cells, rows)])
        say(changes.sentence(found, rows))
        say_written(*written)
    hold_two(checks, found)


def _run(arguments: argparse.Namespace, checks: Checks) -> None:
    folder = find_model(arguments.model)
    others = [find_model(name) for name in arguments.others]
    if arguments.data is not None:
        compare_anew(arguments, folder)
    with hold_place(folder, arguments.out):
        written = write_report(folder, others, arguments.out)
    for sentence in written.left_out:
        print_status(sentence)
    document = json.loads(written.document.read_text(encoding="utf-8"))
    for sentence in _of_other_data(arguments, folder, document):
        print_status(sentence)
    if arguments.json:
        print_json(document)
    elif arguments.markdown:
        print_document(written.markdown)
    else:
        say_written(written.document, written.page)
    _hold(checks, document)


def _of_other_data(
    arguments: argparse.Namespace, folder: ModelFolder, document: dict[str, Any]
) -> Iterator[str]:
    """A sentence on each run on a board that is not of the data that ``--data`` names."""
    if arguments.data is None:
        return
    data = document["compare"]["data"]
    for run in document["boards"]:
        if run["data"]["sha256"] != data["sha256"]:
            words = ("stream", folder.named, "--port", run["port"], *data["words"])
            yield (
                f"The run on {run['name']} is of {run['data']['title'] or 'other data'}. Make it "
                f"anew with `{command('glyphite', *words)}`."
            )


def _hold(checks: Checks, document: dict[str, Any]) -> None:
    """Hold every figure of the report to its limit, of all boards in it."""
    model, comparison = (document["model"], document["sha256"]), document["compare"]
    if comparison is not None:
        hold_runners(checks, comparison)
        if (differing := bytes_of_c(comparison)) is not None:
            checks.hold("max_mismatched_bytes", differing, f"the generated C of {subject(*model)}")
    for size in document["sizes"]["boards"]:
        of = subject(*model, size["name"])
        checks.hold("max_flash", size["flash"], of)
        checks.hold("max_ram", size["ram"], of)
    for streamed in document["boards"]:
        of = subject(*model, streamed["name"])
        hold_error(checks, streamed["task"], streamed["error"], of)
        if streamed["correct"] is not None:
            checks.hold("min_accuracy", 100 * streamed["correct"] / streamed["images"], of)
        checks.hold("max_mismatched_bytes", streamed["mismatched_bytes"], of)
