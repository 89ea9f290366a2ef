"""Writes the static part of the page that `glyphite export --page` saves: all but a model's facts.

Run by ``make page`` after a change to the page's JavaScript; a test says when that is due. It needs
node and ``npm ci`` in ``tools/page``; who exports a page needs neither.
"""

from pathlib import Path
from shutil import which

from glyphite.convert.files import temporary_folder, write_text
from glyphite.convert.programs import run
from glyphite.host.serve.saved import TEMPLATE

BUNDLER = Path(__file__).parent / "page" / "bundle.mjs"
SECONDS = 60
"""It takes one; a busy machine takes more."""


def bundle(made: Path) -> str:
    """The page's text, written to the file ``made``."""
    node = which("node") or which("nodejs")
    if node is None:
        raise SystemExit("node is not installed, which bundles the page. Run `make setup`.")
    run([node, str(BUNDLER), str(made)], SECONDS)
    return made.read_text(encoding="utf-8")


def main() -> None:
    """Write it."""
    with temporary_folder() as scratch:
        write_text(TEMPLATE, bundle(scratch / TEMPLATE.name))


if __name__ == "__main__":
    main()
