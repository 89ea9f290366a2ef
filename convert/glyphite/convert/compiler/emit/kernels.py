"""The C kernels' own text, with all that they include, as one file."""

import re
from collections.abc import Iterable
from pathlib import Path

from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.shipped import FIRMWARE

LIBRARY = FIRMWARE / "library" / "Glyphite" / "src"
KERNELS = LIBRARY / "kernels"
PORTABLE = KERNELS / "portable"
RING = LIBRARY / "kernels" / "ring.h"

_INCLUDE = re.compile(r'^#include ([<"])([^>"]+)[>"]\n', re.MULTILINE)
_ONCE = re.compile(r"^#pragma once\n", re.MULTILINE)


def collect(kernels: Iterable[Kernel], *, rings: bool = False) -> tuple[list[str], str]:
    """The system headers that the kernels need, and their text with all that they include, once.

    ``rings``: and what finds the rows of rings.
    """
    system: set[str] = set()
    texts: dict[Path, str] = {}
    if rings:
        _add(RING, system, texts)
    for kernel in sorted(set(kernels), key=_order):
        _add(KERNELS / kernel.header, system, texts)
    return sorted(system), "\n".join(texts.values())


def _order(kernel: Kernel) -> tuple[bool, str]:
    """A processor's kernels first, since they may bring functions that the portable ones use."""
    return kernel.folder == PORTABLE.name, kernel.name


def _add(path: Path, system: set[str], texts: dict[Path, str]) -> None:
    """Add what a header includes, then the header's own text."""
    if path in texts:
        return
    text = path.read_text(encoding="utf-8")
    for bracket, name in _INCLUDE.findall(text):
        if bracket == "<":
            system.add(name)
        else:
            _add((path.parent / name).resolve(), system, texts)
    own = _ONCE.sub("", _INCLUDE.sub("", text))
    texts[path] = re.sub(r"\n{3,}", "\n\n", own)
