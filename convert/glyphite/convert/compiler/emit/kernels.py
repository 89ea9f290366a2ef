"""The C kernels' own text, gathered into one file."""

import re
from collections.abc import Iterable
from pathlib import Path

from glyphite.convert.shipped import FIRMWARE

LIBRARY = FIRMWARE / "library" / "Glyphite" / "src"
KERNELS = LIBRARY / "kernels"
PORTABLE = KERNELS / "portable"
VARIANTS = ("avr", "dsp")
"""Folders of kernels for one kind of processor; their kernels' names begin with theirs."""
RING = LIBRARY / "kernels" / "ring.h"

_INCLUDE = re.compile(r'^#include ([<"])([^>"]+)[>"]\n', re.MULTILINE)
_ONCE = re.compile(r"^#pragma once\n", re.MULTILINE)


def header(kernel: str) -> Path:
    """The header of a kernel."""
    folder, _, name = kernel.partition("_")
    return KERNELS / folder / f"{name}.h" if folder in VARIANTS else PORTABLE / f"{kernel}.h"


def gather(kernels: Iterable[str], *, rings: bool = False) -> tuple[list[str], str]:
    """The system headers that the kernels need, and their text with all that they include, once.

    ``rings``: and what finds the rows of rings.
    """
    system: set[str] = set()
    texts: dict[Path, str] = {}
    if rings:
        _add(RING, system, texts)
    for kernel in sorted(set(kernels), key=_order):
        _add(header(kernel), system, texts)
    return sorted(system), "\n".join(texts.values())


def _order(kernel: str) -> tuple[bool, str]:
    """A processor's kernels first, since they may bring functions that the portable ones use."""
    return header(kernel).parent == PORTABLE, kernel


def _add(path: Path, system: set[str], texts: dict[Path, str]) -> None:
    """Add what a header includes, then the header's own text."""
    if path in texts:
        return
    text = path.read_text()
    for bracket, name in _INCLUDE.findall(text):
        if bracket == "<":
            system.add(name)
        else:
            _add((path.parent / name).resolve(), system, texts)
    own = _ONCE.sub("", _INCLUDE.sub("", text))
    texts[path] = re.sub(r"\n{3,}", "\n\n", own)
