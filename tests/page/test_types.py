"""The page's JavaScript has types, by JSDoc, and they fit."""

import subprocess
from shutil import which

from tests.paths import PROJECT
from tests.strict import absent

TSC = PROJECT / "tools" / "page" / "node_modules" / "typescript" / "bin" / "tsc"


def test_the_types_of_the_page_fit() -> None:
    node = which("node") or which("nodejs")
    if node is None or not TSC.is_file():
        absent("TypeScript is not installed (npm is needed).")
    assert node is not None
    command = [node, str(TSC), "--project", "host/glyphite/host/page"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
