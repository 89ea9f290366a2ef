"""Writes the notebook of the digit recogniser from the script of the same name.

The script, in jupytext's percent format, is the source: its cells and their text become those of
the notebook, without outputs. Run by ``make notebook`` after a change to the script; a test says
when that is due.
"""

from pathlib import Path

from glyphite.convert.files import write_text

SCRIPT = Path(__file__).parents[1] / "train" / "Handwritten_Digit_Recognition.py"
NOTEBOOK = SCRIPT.with_suffix(".ipynb")


def notebook(script: str) -> str:
    """The notebook of a script in the percent format, as the text of its file.

    The same script gives the same text: cells are numbered, where jupytext would draw names for
    them.
    """
    import jupytext
    import nbformat

    made = jupytext.reads(script, fmt="py:percent")
    for number, cell in enumerate(made.cells, 1):
        cell["id"] = f"cell-{number}"
    made.metadata.pop("jupytext", None)
    return str(nbformat.writes(made)) + "\n"


def main() -> None:
    """Write it."""
    write_text(NOTEBOOK, notebook(SCRIPT.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
