"""The vectors of the wire, which Python, C and the page's JavaScript read alike."""

import json
from pathlib import Path
from typing import Any

PATH = Path(__file__).parent / "wire.json"


def vectors(kind: str) -> list[Any]:
    """Those of one kind."""
    found: list[Any] = json.loads(PATH.read_text())[kind]
    return found
