"""The page's JavaScript has types, by JSDoc, and they fit."""

import subprocess

from tests.paths import PROJECT
from tests.strict import require_npm_package


def test_the_types_of_the_page_fit() -> None:
    compiler = require_npm_package("typescript") / "bin" / "tsc"
    command = ["node", str(compiler), "--project", "host/glyphite/host/page"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
