"""What happens where something that a test needs is absent."""

import os
from importlib.util import find_spec

import pytest

STRICT = os.environ.get("GLYPHITE_STRICT_TESTS") == "1"
"""Set by ``make test``: there what is absent is a failure, elsewhere a skip with the reason."""


def absent(reason: str) -> None:
    """Skip the test or its whole file, or fail it under ``make test``, because ``reason``."""
    if STRICT:
        pytest.fail(f"{reason} Run `make setup`.", pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def require_module(*names: str) -> None:
    """Go on only where these Python packages are installed."""
    for name in names:
        if find_spec(name) is None:
            absent(f"{name} is not installed.")
