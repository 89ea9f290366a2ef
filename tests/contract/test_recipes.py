"""CONTRIBUTING's recipes, followed to the letter in a copy of the project."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from glyphite.convert.workspace import ModelFolder
from tests.paths import PROJECT, copy_project

PAGE = (PROJECT / "CONTRIBUTING.md").read_text()
PROGRAMS = {
    "glyphite": ["-m", "glyphite.host.cli"],
    "python": [],
    "make readme": ["-m", "tools.readme"],
}
"""What the recipes call, as arguments of Python: the copy has no environment of its own."""
COMMAND = re.compile(r"`((?:glyphite |python -m |make readme)[^`]*)`")
CHEAPER = {
    "train": ["--epochs", "1", "--batch-size", "1000"],
    "compare": ["--count", "500"],
    "stream": ["--count", "20"],
}
TOGETHER = """
from glyphite.host.cli import main
for words in {words!r}:
    if main(words) != 0:
        raise SystemExit(f"{{words}} failed")
"""
"""Several verbs in one process, which imports TensorFlow once."""
TINY = """def tiny() -> "keras.Model":
    from keras import Input, Sequential, layers

    return Sequential([Input((28, 28, 1)), layers.Flatten(), layers.Dense(10, "softmax")])


NETWORKS"""


@dataclass(frozen=True)
class Clone:
    """A copy of the project that may be changed."""

    root: Path

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy, with the copy's packages."""
        roots = [self.root, *(self.root / name for name in ("train", "convert", "host"))]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, roots))}
        return subprocess.run(
            [sys.executable, *arguments], cwd=self.root, check=False, capture_output=True,
            text=True, env={**environment, "COLUMNS": "150"},
        )  # fmt: skip

    def run(self, command: str) -> str:
        """What a recipe's command prints, shortened where ``CHEAPER`` says so; it must succeed."""
        program = next(name for name in PROGRAMS if command.startswith(name))
        words = command.removeprefix(program).split()
        return self.succeed(*PROGRAMS[program], *words, *CHEAPER.get(" ".join(words[:1]), []))

    def run_together(self, commands: list[str]) -> str:
        """The same of several verbs of ``glyphite``."""
        split = [command.split()[1:] for command in commands]
        words = [[*each, *CHEAPER.get(each[0], [])] for each in split]
        return self.succeed("-c", TOGETHER.format(words=words))

    def succeed(self, *arguments: str) -> str:
        """What Python prints; the test fails where it does."""
        done = self.python(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout

    def insert(self, file: str, behind: str, text: str) -> None:
        """Write ``text`` behind the only place that matches the pattern ``behind``."""
        path = self.root / file
        before = path.read_text()
        assert len(re.findall(behind, before, re.MULTILINE)) == 1, (file, behind)
        path.write_text(re.sub(behind, rf"\g<0>{text}", before, flags=re.MULTILINE))

    def passes(self, tests: str) -> bool:
        """Whether these tests of the copy pass."""
        return self.python("-m", "pytest", "-q", "-p", "no:cacheprovider", tests).returncode == 0


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    copy_project(tmp_path / "clone")
    return Clone(tmp_path / "clone")


def recipe(title: str) -> str:
    """A section's text."""
    text = PAGE.partition(f"## {title}, in ")[2].partition("\n## ")[0]
    assert text, title
    return text


def commands(title: str) -> list[str]:
    return COMMAND.findall(" ".join(recipe(title).split()))


@pytest.mark.parametrize(
    "title", ["A board", "An operator", "A kernel variant", "A wire item", "A model"]
)
def test_what_a_recipe_names_is_there(title: str) -> None:
    """Paths of the project, but for those that the recipe adds."""
    named = re.findall(r"`((?:convert|docs|firmware|host|tests|tools|train)/[^`<]*)", recipe(title))
    assert named or "](" in recipe(title)  # links are held by another test
    assert not [path for path in named if "NAME" not in path and not is_there(path)]


def is_there(path: str) -> bool:
    """In full, or in the short form that leaves ``glyphite`` and the folder before it out."""
    root = PROJECT / path.partition("/")[0] / "glyphite"
    return (PROJECT / path).exists() or (root / path).exists()


def test_a_board(clone: Clone, seed: ModelFolder, require_tool: Callable[..., None]) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    boards = clone.root / "firmware" / "boards"
    nearest = (boards / "cortex-m3.toml").read_text()
    (boards / "trial.toml").write_text(nearest.replace('"cortex-m3"\nd', '"trial"\nd', 1))
    said = [clone.run(command.replace("NAME", "trial")) for command in commands("A board")]
    assert "| `trial` |" in (clone.root / "README.md").read_text()
    assert "trial" in said[1]
    assert "0 of 200" in said[-1]  # 20 images
    found = clone.python("-m", "pytest", "--collect-only", "-q", "tests/firmware/test_targets.py",
                         "tests/host/device/test_mps2_boards.py")  # fmt: skip
    assert "test_the_checks_pass_on_a_cortex_m[trial]" in found.stdout
    assert "test_a_board_streams_tflms_bytes[trial]" in found.stdout


def test_a_wire_item(clone: Clone, require_tool: Callable[..., None]) -> None:
    """The bytes of the model's output, which a board could tell."""
    require_tool("cc")
    wire = "host/glyphite/host/device/wire"
    clone.insert(
        f"{wire}/protocol.py", r"    INFERENCES = 15.*\n", '    OUTPUT_BYTES = 16, "u16"\n'
    )
    make, build, stream = commands("A wire item")
    clone.run(make)
    hello = "firmware/library/Glyphite/src/glyphite_hello.c"
    clone.insert(
        hello, r"    LIBRARY\(ENCODINGS.*\n", "    MODEL(OUTPUT_BYTES, engine.output_bytes),\n"
    )
    clone.insert(f"{wire}/messages.py", r"    inferences: int = 0\n", "    output_bytes: int = 0\n")
    row = '    Item.OUTPUT_BYTES: ("output_bytes", _unsigned(2)),\n'
    clone.insert(f"{wire}/messages.py", r"    Item.INFERENCES:.*\n", row)
    assert not clone.passes("tests/contract/test_wire_header.py")
    clone.insert("docs/wire.md", r"\| 15 \| INFERENCES .*\n", "| 16 | OUTPUT_BYTES | u16 |\n")
    assert clone.passes("tests/contract/test_wire_header.py")
    clone.run(build)
    ask = "from glyphite.host import connect\nwith connect('sim://native') as b: print(b.hello())"
    assert "output_bytes=10" in clone.succeed("-c", ask)
    assert "0 of 200" in clone.run(stream)


def test_a_model(clone: Clone, require_tool: Callable[..., None]) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    networks = clone.root / "train" / "glyphite" / "train" / "networks" / "networks.py"
    text = networks.read_text().replace("\nNETWORKS", f"\n{TINY}", 1)
    networks.write_text(text.replace('"seed": seed,', '"seed": seed, "tiny": tiny,', 1))
    steps = [command.replace("NAME", "tiny") for command in commands("A model")]
    assert len(steps) == 5
    assert "0 of 200" in clone.run_together(steps)
