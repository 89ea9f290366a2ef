"""Statements that the product does without; read from its sources."""

import ast

from tests.paths import PROJECT

FOLDERS = ("train", "convert", "host", "tools")
PROGRAMS = "convert/glyphite/convert/programs.py"
FORKS = "tools/kills/child.py"
"""Starts no program, but a copy of itself to be killed, and waits for it with a limit."""
STARTS_PROGRAMS = {
    *("os.system", "os.popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.posix_spawnp"),
    *("pty.fork", "pty.spawn", "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"),
}


def sources() -> list[str]:
    paths = (path for folder in FOLDERS for path in (PROJECT / folder).rglob("*.py"))
    found = sorted(path.relative_to(PROJECT).as_posix() for path in paths)
    assert PROGRAMS in found
    return found


def asserts(text: str) -> list[int]:
    """The lines with an assert statement."""
    return [node.lineno for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Assert)]


def starts(text: str) -> list[int]:
    """The lines that import ``subprocess`` or name another way to start a program."""
    nodes = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt | ast.expr))
    return [node.lineno for node in nodes if _starts(node)]


def _starts(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name == "subprocess" for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        names = {f"{node.module}.{alias.name}" for alias in node.names}
        return node.module == "subprocess" or bool(names & STARTS_PROGRAMS)
    if isinstance(node, ast.Attribute):
        name = ast.unparse(node)
        return name in STARTS_PROGRAMS or name.startswith(("os.exec", "os.spawn"))
    return False


def test_no_check_of_the_product_is_an_assert_statement() -> None:
    """``python -O`` leaves those out, and a user would get no sentence."""
    assert not [source for source in sources() if asserts((PROJECT / source).read_text())]


def test_other_programs_are_started_in_one_file() -> None:
    """So that each has a time limit and leaves nothing behind."""
    found = {source for source in sources() if starts((PROJECT / source).read_text())}
    assert found <= {PROGRAMS, FORKS}


def test_what_the_product_does_without_is_recognised() -> None:
    assert asserts("def f(x):\n    assert x\n") == [2]
    assert starts((PROJECT / PROGRAMS).read_text())
    for line in (
        *("import subprocess", "import os, subprocess", "from subprocess import run"),
        *("os.system('ls')", "os.execvp('ls', [])", "from os import popen"),
    ):
        assert starts(line) == [1], line
    assert starts("import os\nos.kill(1, 2)\nos.environ") == []
