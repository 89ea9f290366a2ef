"""Writes the static part of the page that `glyphite export --page` saves: all but a model's facts.

Run by ``make page`` after a change to the page's JavaScript; a test says when that is due. It needs
node and ``npm ci`` in ``tools/page``; who exports a page needs neither.
"""

import subprocess
from pathlib import Path
from shutil import which

from glyphite.convert.files import write_text
from glyphite.host.measure.saved_page import TEMPLATE

BUNDLER = Path(__file__).parent / "page" / "bundle.mjs"


def bundle(scratch: Path) -> str:
    """The page's text, made in the folder ``scratch``."""
    made = scratch / "page.html"
    subprocess.run([which("node") or "node", str(BUNDLER), str(made)], check=True)
    return made.read_text(encoding="utf-8")


def main() -> None:
    """Write it."""
    write_text(TEMPLATE, bundle(TEMPLATE.parent))
    TEMPLATE.with_name("page.html").unlink()


if __name__ == "__main__":
    main()
