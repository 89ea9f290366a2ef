"""What docs/ci.md says is so: its commands run, and its table is that of the options."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from glyphite.host.cli import GROUPS, _verb_parser, main
from glyphite.host.cli.budgets import BUDGETS
from tests.paths import PROJECT

PAGE = (PROJECT / "docs" / "ci.md").read_text()


def steps() -> list[dict[str, str]]:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (job,) = yaml.safe_load(block)["jobs"].values()
    return list(job["steps"])


def test_the_table_names_the_verbs_of_each_option() -> None:
    table = dict(re.findall(r"^\| `(--[\w-]+) [A-Z]+` \| .* \| (.*) \|$", PAGE, re.MULTILINE))
    every = table.pop("--junit")
    taken: dict[str, set[str]] = {f"--{name.replace('_', '-')}": set() for name in BUDGETS}
    for verb in (verb for group in GROUPS.values() for verb in group):
        if verb == "search":  # its limits are of what it draws, and it judges nothing
            continue
        options = set(_verb_parser(verb)._option_string_actions)
        assert ("--junit" in options) == bool(options & set(taken)), verb
        for option in options & set(taken):
            taken[option].add(verb)
    assert {option: set(re.findall(r"`(\w+)`", verbs)) for option, verbs in table.items()} == taken
    assert every == "all of these"


def test_the_commands_of_the_workflow_pass_and_leave_their_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require_tool: Callable[..., None]
) -> None:
    require_tool("cc", "arm-none-eabi-gcc", "qemu-system-arm")
    monkeypatch.chdir(tmp_path)
    commands = [step["run"] for step in steps() if step.get("run", "").startswith("glyphite ")]
    assert [shlex.split(command)[1] for command in commands] == ["size", "verify", "bench"]
    for command in commands:
        assert main(shlex.split(command)[1:]) == 0, command
    made = sorted((tmp_path / "results").iterdir())
    assert [path.name for path in made] == ["bench.xml", "size.xml", "verify.xml"]
    counted = [ElementTree.parse(path).getroot().attrib for path in made]
    assert [(each["tests"], each["failures"], each["errors"]) for each in counted] == [
        ("2", "0", "0"), ("6", "0", "0"), ("1", "0", "0")
    ]  # fmt: skip
