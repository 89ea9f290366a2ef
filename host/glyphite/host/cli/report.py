"""``glyphite report``: the results of a model, as one JSON document and one page."""

import argparse
import json

from glyphite.convert.hold import held
from glyphite.convert.workspace import find_model
from glyphite.host.cli.console import print_json, print_status, say
from glyphite.host.report import write_report

SUMMARY = "write report.json and report.html from the results so far"
EXAMPLE = "glyphite report seed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    parser.add_argument("model", metavar="MODEL", help="a model's name, or the path of a .tflite")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Write both, and print their paths."""
    folder = find_model(arguments.model)
    with held(folder.root, print_status):
        written = write_report(folder)
    if arguments.json:
        print_json(json.loads(written.document.read_text()))
    else:
        say(f"Written: {written.document}, {written.page}")
    return 0
