"""What docs/report.md says is so: its keys are those of report.json, and its commands run."""

import json
import re
import shlex
from pathlib import Path

import pytest

from glyphite.host.cli import main
from glyphite.host.report import SCHEMA_FILE
from glyphite.host.report.collect import SCHEMA
from tests.builders.report_schema import flaws
from tests.paths import PROJECT
from tests.strict import require_module

PAGE = (PROJECT / "docs" / "report.md").read_text()


def test_the_table_has_every_key_of_the_document() -> None:
    rows = re.findall(r"^\| .* \|(.*)\|$", PAGE, re.MULTILINE)
    named = {key for row in rows for key in re.findall(r"`(\w+)`", row)}
    schema = json.loads(SCHEMA_FILE.read_text())
    assert named | {"schema"} == set(schema["$defs"]["Report"]["properties"])
    assert f"`{SCHEMA}`" in PAGE


def test_the_python_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(code, {})
    assert capsys.readouterr().out.startswith("That of the .tflite")


def test_the_commands_for_a_pull_request_pass(
    build_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_module("ai_edge_litert")
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    commands = re.findall(r"^- run: glyphite (.*?)(?: >> .*)?$", block, re.MULTILINE)
    words = [shlex.split(command) for command in commands]
    assert [each[0] for each in words] == ["compare", "build", "report"]
    for each in words:
        capsys.readouterr()
        assert main(each) == 0
    text = capsys.readouterr().out
    assert text.startswith("### uno\n\nQuantized to int8, the network answers ")
    assert "| uno on native, speed `" in text
    assert flaws(json.loads((build_folder / "uno" / "report.json").read_text())) == []
