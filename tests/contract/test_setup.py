"""What `make setup` takes for installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.paths import PROJECT

SETUP = PROJECT / "tools" / "setup.sh"


def listed() -> set[str]:
    lines = (PROJECT / "tools" / "apt-packages.txt").read_text().splitlines()
    return {line.split()[0] for line in lines if not line.startswith("#")}


@pytest.mark.parametrize(("package", "program"), [("nodejs", "node"), ("npm", "npm")])
def test_node_and_npm_of_any_source_are_taken_and_else_debian_s(
    package: str, program: str, tmp_path: Path
) -> None:
    """Debian's would conflict with NodeSource's, whose one package brings both."""
    bash, sed = shutil.which("bash"), shutil.which("sed")
    assert bash is not None
    assert sed is not None
    assert package in listed()
    asked = f"source <({sed} -n '/^is_installed/,/^}}/p' {SETUP}); is_installed {package}"

    def is_installed() -> bool:
        done = subprocess.run(
            [bash, "-c", asked], env={"PATH": str(tmp_path)}, capture_output=True, check=False
        )
        return done.returncode == 0

    assert not is_installed()
    (tmp_path / program).write_text("#!/bin/sh\n")
    (tmp_path / program).chmod(0o755)
    assert is_installed()
