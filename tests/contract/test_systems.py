"""What is asked for on which system: `python -m tools.systems` looks whether it is to be had."""

import os
import sys
import tomllib
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from glyphite.host.cli import main
from tests.paths import PROJECT
from tools.systems import SYSTEMS, Resolved

EVERYWHERE = {"numpy", "pyserial", "pillow", "jinja2", "rich", "msgspec"}
ASKED = {
    ("linux", "x86_64"): EVERYWHERE | {"ai-edge-litert", "tflite-micro"},
    ("linux", "aarch64"): EVERYWHERE | {"ai-edge-litert"},
    ("win32", "AMD64"): EVERYWHERE | {"ai-edge-litert"},
    ("darwin", "arm64"): EVERYWHERE | {"ai-edge-litert"},
    ("darwin", "x86_64"): EVERYWHERE,
}


@pytest.mark.parametrize(("system", "machine"), ASKED)
def test_the_oracle_is_asked_for_where_it_has_wheels(system: str, machine: str) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    there = {"sys_platform": system, "platform_machine": machine}
    needed = [Requirement(text) for text in project["dependencies"]]
    found = {need.name for need in needed if need.marker is None or need.marker.evaluate(there)}
    assert found == ASKED[system, machine]


def test_the_command_looks_at_each_of_them_but_the_refused_one() -> None:
    assert len(SYSTEMS) == len(ASKED) - 1
    resolved = Resolved(("numpy==2.4.6", "ai-edge-litert==2.3.0"), "")
    assert (resolved.version("ai-edge-litert"), resolved.version("numpy-x")) == ("2.3.0", "")


@pytest.mark.parametrize(("machine", "code"), [("x86_64", 1), ("arm64", 0)])
def test_an_intel_mac_is_refused_in_a_sentence(
    machine: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine=machine))
    assert main(["boards", "--json"]) == code
    said = capsys.readouterr().err
    assert said.startswith("glyphite: Glyphite does not run on Macs with Intel" if code else "")
    assert bool(said) == bool(code)
