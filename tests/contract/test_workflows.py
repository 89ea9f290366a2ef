"""The workflows and the hooks call what the project has; no test here can run them."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from glyphite.host.cli import VERBS
from tests.paths import PROJECT

WORKFLOWS = PROJECT / ".github" / "workflows"
CALLS: dict[str, set[str]] = {
    "ci.yml": {"check", "test", "demo"},
    "release.yml": {"check", "test", "dist"},
    "systems.yml": set(),
}
"""A workflow -> the targets of the Makefile that it runs."""


def parsed(path: Path) -> dict[Any, Any]:
    content = yaml.safe_load(path.read_text())
    assert isinstance(content, dict)
    return content


def steps(name: str) -> Iterator[dict[str, Any]]:
    for job in parsed(WORKFLOWS / name)["jobs"].values():
        assert {"runs-on", "steps"} <= set(job)
        yield from job["steps"]


def commands(name: str) -> str:
    return "\n".join(step["run"] for step in steps(name) if "run" in step)


def recipe(target: str) -> list[str]:
    """The lines that make would run for ``target``; the test fails where it has no such target."""
    command = ["make", "--dry-run", "--always-make", target]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.replace("\\\n", " ").splitlines()


def test_these_are_all_the_workflows() -> None:
    assert {path.name for path in WORKFLOWS.iterdir()} == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_a_workflow_runs_the_makefile_s_targets(name: str) -> None:
    called = set(re.findall(r"^\s*make ([\w-]+)", commands(name), re.MULTILINE))
    assert called == CALLS[name]
    for target in called:
        assert recipe(target)


@pytest.mark.parametrize("name", CALLS)
def test_each_step_is_a_command_or_an_action_of_a_stated_version(name: str) -> None:
    for step in steps(name):
        assert ("run" in step) != ("uses" in step), step
        if "uses" in step:
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])


@pytest.mark.parametrize("name", CALLS)
def test_a_workflow_says_that_it_has_never_run(name: str) -> None:
    assert "never run" in (WORKFLOWS / name).read_text().partition("\nname:")[0]


def test_changes_and_tags_start_them() -> None:
    started = {name: parsed(WORKFLOWS / name)[True] for name in CALLS}  # YAML 1.1: on is true
    assert set(started["ci.yml"]) == {"push", "pull_request"}
    assert set(started["systems.yml"]) == {"push", "pull_request"}
    assert started["release.yml"] == {"push": {"tags": ["v*"]}}


def test_the_release_has_what_make_dist_makes() -> None:
    made = "\n".join(recipe("dist"))
    assert "hatchling build --directory dist" in made
    assert "glyphite export models/uno --arduino --out dist/Glyphite-" in made
    assert 'gh release create "$GITHUB_REF_NAME" dist/*' in commands("release.yml")
    kept = [step["with"]["path"] for step in steps("release.yml") if "with" in step]
    assert kept == ["dist/", "dist/"]


def test_the_systems_are_tried_by_verbs_and_tests_that_exist() -> None:
    (job,) = parsed(WORKFLOWS / "systems.yml")["jobs"].values()
    systems = {name.partition("-")[0] for name in job["strategy"]["matrix"]["system"]}
    assert systems == {"ubuntu", "windows", "macos"}
    lines = [line.split() for line in commands("systems.yml").splitlines()]
    verbs = [words[1] for words in lines if words[0] == "glyphite"]
    assert verbs[0] == "--version"
    assert set(verbs[1:]) >= {"predict", "compile", "build", "stream", "demo"}
    assert set(verbs[1:]) <= set(VERBS)
    named = [word for words in lines for word in words if word.startswith("tests/")]
    assert len(named) > 5
    assert not [path for path in named if not (PROJECT / path).exists()]


def test_the_quick_tests_are_there_and_cover_compiler_and_host() -> None:
    (line,) = [line for line in recipe("quick") if "-m pytest" in line]
    named = [word for word in line.split() if word.startswith("tests/")]
    assert not [path for path in named if not (PROJECT / path).exists()]
    for room in ("contract", "convert/compiler/memory", "host/device/wire", "firmware"):
        assert any(path.startswith(f"tests/{room}") for path in named), room


def hooks() -> list[dict[str, Any]]:
    found = parsed(PROJECT / ".pre-commit-config.yaml")["repos"]
    assert [repository["repo"] for repository in found] == ["local"]
    return list(found[0]["hooks"])


def test_the_hooks_are_the_commands_of_make_check() -> None:
    checks = [line for line in recipe("check") if line.startswith(".venv/bin/")]
    entries = [hook["entry"] for hook in hooks()]
    assert len(checks) == len(entries) >= 4
    for line, entry in zip(checks, entries, strict=True):
        assert line.startswith(entry)
    assert {hook["language"] for hook in hooks()} == {"system"}


def test_the_hook_for_c_takes_the_files_of_make_check() -> None:
    (hook,) = [hook for hook in hooks() if hook["id"] == "clang-format"]
    (line,) = [line for line in recipe("check") if line.startswith(hook["entry"])]
    listed = subprocess.run(
        ["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    wanted = {
        name
        for name in listed
        if re.search(hook["files"], name) and not re.search(hook["exclude"], name)
    }
    assert set(line.removeprefix(hook["entry"]).split()) == wanted
