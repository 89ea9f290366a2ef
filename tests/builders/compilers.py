"""C compilers, called as a user's build would call them."""

import subprocess
from collections.abc import Sequence
from pathlib import Path


def warnings_of(command: Sequence[str], folder: Path) -> str:
    """All that a compiler says of what it compiles in ``folder``; the test fails where it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
