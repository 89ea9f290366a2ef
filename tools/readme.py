"""Writes the README's generated tables; with ``--check`` only tells whether they are right.

The tables of boards and operators come from the board files and from the compiler's registry, so
the page cannot promise what the code does not do. Run by ``make readme``.
"""

import inspect
import sys
from pathlib import Path

from glyphite.convert.boards import Board, all_boards
from glyphite.convert.compiler.ops import definitions
from glyphite.convert.errors import InputError
from glyphite.convert.files import write_text

README = Path(__file__).resolve().parent.parent / "README.md"


def boards() -> str:
    """One row a board."""
    rows = ["| board | what it is | flash | RAM | emulated by |", "|---|---|---|---|---|"]
    rows += [_board_row(board) for board in all_boards()]
    return "\n".join(rows)


def _board_row(board: Board) -> str:
    memory, emulator = board.memory, board.emulator
    flash, ram = (f"{memory.flash:,} B", f"{memory.ram:,} B") if memory else ("no limit",) * 2
    by = (emulator.program or emulator.kind) if emulator else "not"
    return f"| `{board.name}` | {board.description} | {flash} | {ram} | {by} |"


def operators() -> str:
    """One row an operator: the first sentence of its file."""
    rows = ["| operator | what is taken of it |", "|---|---|"]
    for name, definition in sorted(definitions().items()):
        sentence = (inspect.getdoc(definition) or "").split("\n\n")[0].replace("\n", " ")
        taken = sentence.partition(": ")[2].rstrip(".")
        if not taken:
            raise InputError(
                f"The docstring of the file of {name} says nothing of what is taken of it. "
                f"Begin it with `{name}: ` and that."
            )
        rows.append(f"| {name} | {taken} |")
    return "\n".join(rows)


SECTIONS = {"boards": boards, "operators": operators}


def filled(text: str) -> str:
    """``text`` with what stands between ``<!-- name -->`` and ``<!-- end -->`` made anew."""
    for name, make in SECTIONS.items():
        before, start, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        if not end:
            raise InputError(
                f"README.md has no section {name!r}. Put the lines `<!-- {name} -->` and "
                "`<!-- end -->` where its table belongs."
            )
        text = f"{before}{start}\n{make()}\n\n{end}{after}"
    return text


def main(arguments: list[str]) -> int:
    """Write or check; the exit code."""
    text = README.read_text(encoding="utf-8")
    if arguments == ["--check"]:
        if text == filled(text):
            return 0
        print("README.md: its tables are not what the code has. Run `make readme`.")
        return 1
    write_text(README, filled(text))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
