"""A copy of the project in which a recipe of CONTRIBUTING.md is followed."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.paths import PROJECT

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
    "verify": ["--count", "5"],
    "bench": ["--count", "1"],
}
TOGETHER = """
from glyphite.host.cli import main, train
train.cost_before = lambda *_: None
for words in {words!r}:
    if main(words) != 0:
        raise SystemExit(f"{{words}} failed")
"""
"""Several verbs in one process, which imports TensorFlow once; other tests tell what `train` says
of the cost."""


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
        assert done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr}"
        return done.stdout

    def insert(self, file: str, behind: str, text: str) -> None:
        """Write ``text`` behind the only place that matches the pattern ``behind``."""
        path = self.root / file
        before = path.read_text()
        assert len(re.findall(behind, before, re.MULTILINE)) == 1, (file, behind)
        path.write_text(re.sub(behind, rf"\g<0>{text}", before, flags=re.MULTILINE))

    def add(self, file: str, text: str) -> None:
        """Write a file that is not there yet."""
        assert not (self.root / file).exists()
        (self.root / file).write_text(text)

    def derive(self, file: str, source: str, *changes: tuple[str, str]) -> None:
        """Copy ``source`` to ``file`` with changes of texts that stand there."""
        text = (self.root / source).read_text()
        for old, new in changes:
            assert old in text, (source, old)
            text = text.replace(old, new)
        self.add(file, text)

    def failures(self, *tests: str) -> set[str]:
        """The names of the copy's tests that fail, without their folders."""
        options = (
            "-q",
            "--assert=plain",
            "-p",
            "no:cacheprovider",
        )  # quick where nothing is cached
        found = self.python("-m", "pytest", *options, *tests)
        assert found.returncode in (0, 1), found.stdout + found.stderr
        return set(
            re.findall(
                r"^(?:FAILED|ERROR) \S*?(test_\w+\.py::.+?)(?: - .*)?$", found.stdout, re.MULTILINE
            )
        )

    def passes(self, *tests: str) -> bool:
        """Whether these tests of the copy pass."""
        return not self.failures(*tests)


def recipe(title: str) -> str:
    """A section's text."""
    text = PAGE.partition(f"## {title}, in ")[2].partition("\n## ")[0]
    assert text, title
    return text


def commands(title: str) -> list[str]:
    """The commands that a section calls, in order."""
    return COMMAND.findall(" ".join(recipe(title).split()))
