"""What the README says is so: its commands run, its tables are the code's."""

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.convert.errors import InputError
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import VERBS, main
from tests.paths import PROJECT
from tools import readme

README = (PROJECT / "README.md").read_text()
CHEAPER = {
    "train seed": "",  # the `seed` fixture has trained it; test_demo.py runs this verb
    "stream seed --port sim://cortex-m4": " --count 20",
    "compare seed --max-drop 0.5": " --count 500",
    "size seed": " --board native",
    "verify seed --board cortex-m4": " --count 5",
}
"""Steps whose full length is not for a test, and what makes them shorter."""


def step_commands() -> list[str]:
    """The ``glyphite`` commands of the step-by-step block, in order, without comments."""
    (block,) = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    return [shlex.join(shlex.split(line, comments=True)[1:]) for line in block.splitlines()]


def test_the_tables_of_boards_and_operators_are_the_code_s() -> None:
    assert readme.filled(README) == README, "run `make readme`"


def test_a_table_that_is_out_of_date_is_noticed() -> None:
    assert readme.filled(README.replace("| SOFTMAX |", "| SOFTMIN |")) == README


def test_a_page_without_a_table_is_told_where_it_belongs() -> None:
    with pytest.raises(InputError) as caught:
        readme.filled(README.replace("<!-- operators -->", ""))
    assert str(caught.value) == (
        "README.md has no section 'operators'. Put the lines `<!-- operators -->` and "
        "`<!-- end -->` where its table belongs."
    )


def test_the_make_commands_of_the_page_exist() -> None:
    targets = re.findall(r"`make (\w+)`|\$ make (\w+)", README)
    assert {"demo", "test", "check"} <= {one or other for one, other in targets}
    for one, other in targets:
        command = ["make", "--dry-run", one or other]
        answer = subprocess.run(command, cwd=PROJECT, capture_output=True, check=False)
        assert answer.returncode == 0, answer.stderr


def test_the_steps_run_in_the_order_of_the_page(
    seed: ModelFolder, monkeypatch: pytest.MonkeyPatch, require_tool: Callable[..., None]
) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    monkeypatch.chdir(PROJECT)  # the page's paths are the clone's; results go to GLYPHITE_BUILD
    commands = step_commands()
    assert len(commands) >= 10
    for command in commands:
        shorter = command + CHEAPER.get(command, "")
        if command != "train seed":
            assert main(shlex.split(shorter)) == 0, command
    assert (seed.root / "report.html").is_file()


def test_the_shortened_steps_are_steps_of_the_page() -> None:
    assert set(CHEAPER) <= set(step_commands())


@pytest.mark.parametrize(
    "page", [*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")], ids=lambda page: page.name
)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_each_verb_has_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        main([verb, "--help"])
    assert f"example: glyphite {verb}" in capsys.readouterr().out
