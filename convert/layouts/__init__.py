"""Constants for kernels that are made for one kind of processor."""

from collections.abc import Callable

from convert.layouts import avr
from convert.program import Step

Variant = Callable[[Step], Step | None]

_BY_ARCHITECTURE: dict[str, Variant] = {"avr5": avr.variant, "avr6": avr.variant}


def variants(architecture: str) -> Variant | None:
    """What turns portable steps into those of a processor's kernels; None where it has none.

    ``architecture`` is a board file's ``mcu.architecture``.
    """
    return _BY_ARCHITECTURE.get(architecture)
