"""``glyphite report``: the results of a model, as one JSON document and one page."""

import argparse
import json

from glyphite.convert.workspace import find_model, writing_to
from glyphite.host.cli.arguments import add_json, add_model
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
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write both, and print their paths."""
    folder = find_model(arguments.model)
    others = [find_model(name) for name in arguments.others]
    with writing_to(folder, print_status):
        written = write_report(folder, others)
    for sentence in written.left_out:
        print_status(sentence)
    if arguments.json:
        print_json(json.loads(written.document.read_text()))
    else:
        say_written(written.document, written.page)
    return 0
