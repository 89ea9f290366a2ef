"""``glyphite report``: the results of a model, as one JSON document and one page."""

import argparse
import json

from glyphite.convert.workspace import find_model, writing_to
from glyphite.host.cli.arguments import add_model
from glyphite.host.cli.console import print_json, print_status, say
from glyphite.host.report import write_report

EXAMPLE = "glyphite report seed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Write both, and print their paths."""
    folder = find_model(arguments.model)
    with writing_to(folder, print_status):
        written = write_report(folder)
    for sentence in written.left_out:
        print_status(sentence)
    if arguments.json:
        print_json(json.loads(written.document.read_text(encoding="utf-8")))
    else:
        say(f"Written: {written.document}, {written.page}")
    return 0
