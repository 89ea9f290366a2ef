"""``glyphite report``: the results of a model, as one JSON document and one page."""

import argparse
import json
from typing import Any

from glyphite.convert.workspace import find_model
from glyphite.host.cli.arguments import add_json, add_model, add_out, hold_place
from glyphite.host.cli.budgets import Checks, add_budgets, checking, subject
from glyphite.host.cli.compare import bytes_of_c, hold_runners
from glyphite.host.cli.console import print_json, print_status, say_written
from glyphite.host.report import write_report

EXAMPLE = "glyphite report seed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser)
    parser.add_argument(
        "--with", dest="others", metavar="MODEL", action="append", default=[],
        help="another model whose runs on boards are shown, too (may be given several times)",
    )  # fmt: skip
    add_budgets(parser, "max_flash", "max_ram", "max_drop", "min_accuracy", "max_mismatched_bytes")
    add_out(parser, "a folder; default: build/<model>")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write both, and print their paths.

    Raises CheckFailedError where a figure in it is beyond its limit.
    """
    with checking("report", arguments, always=False) as checks:
        _run(arguments, checks)
    return 0


def _run(arguments: argparse.Namespace, checks: Checks) -> None:
    folder = find_model(arguments.model)
    others = [find_model(name) for name in arguments.others]
    with hold_place(folder, arguments.out):
        written = write_report(folder, others, arguments.out)
    for sentence in written.left_out:
        print_status(sentence)
    document = json.loads(written.document.read_text(encoding="utf-8"))
    if arguments.json:
        print_json(document)
    else:
        say_written(written.document, written.page)
    _hold(checks, document)


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
        if streamed["correct"] is not None:
            checks.hold("min_accuracy", 100 * streamed["correct"] / streamed["images"], of)
        checks.hold("max_mismatched_bytes", streamed["mismatched_bytes"], of)
