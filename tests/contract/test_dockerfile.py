"""The Dockerfile, which was never built, names what exists, and says so."""

import json
import re
import subprocess

from tests.paths import PROJECT

TEXT = (PROJECT / "Dockerfile").read_text()


def instructions() -> list[tuple[str, str]]:
    """Each instruction and its arguments, with lines that go on joined."""
    lines = [line for line in TEXT.splitlines() if line and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined)]


def commands() -> list[list[str]]:
    """The words of each command that building or running starts, and of those in the comments."""
    found = [each.split() for word, rest in instructions() if word == "RUN" for each in
             rest.split("&&")]  # fmt: skip
    found += [json.loads(rest) for word, rest in instructions() if word == "CMD"]
    return found + [each.split() for each in re.findall(r"^#.*?(make \w+)", TEXT, re.MULTILINE)]


def packages() -> list[str]:
    (install,) = [words for words in commands() if words[:2] == ["apt-get", "install"]]
    return [word for word in install[2:] if not word.startswith("-")]


def test_its_instructions_are_docker_s_and_in_their_order() -> None:
    assert [word for word, _ in instructions()] == ["FROM", "RUN", "WORKDIR", "COPY", "RUN", "CMD"]
    assert instructions()[0] == ("FROM", "debian:12"), "as the README and apt-packages.txt have it"
    assert instructions()[3] == ("COPY", ". ."), "all of the clone, with .git: tests ask git"


def test_it_runs_the_two_commands_and_their_targets_exist() -> None:
    targets = {words[1] for words in commands() if words[0] == "make"}
    assert targets == {"setup", "demo", "test"}
    for target in targets:
        command = ["make", "--dry-run", target]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_it_installs_what_the_readme_asks_for_and_the_set_up_does_not_bring() -> None:
    assert {"make", "gcc", "python3", "git"} <= set(packages())
    brought = (PROJECT / "tools" / "apt-packages.txt").read_text().split()
    assert not set(packages()) & set(brought)


def test_what_git_leaves_out_is_not_copied() -> None:
    def names(file: str) -> set[str]:
        lines = (PROJECT / file).read_text().split()
        return {line.strip("/").removeprefix("**/") for line in lines}

    assert names(".dockerignore") == names(".gitignore")


def test_it_says_that_it_was_never_built() -> None:
    assert "Never built" in TEXT
