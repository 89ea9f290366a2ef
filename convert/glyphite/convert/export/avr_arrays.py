"""What an AVR's compiler refuses in words of its own: an array that is too long."""

from glyphite.convert.boards import MOST_AVR_ARRAY_BYTES, Board
from glyphite.convert.compiler.driver import Compiled
from glyphite.convert.compiler.ir.struct import arrays
from glyphite.convert.errors import ModelError


def longest_array(compiled: Compiled) -> tuple[int, str]:
    """The bytes of the longest constant array in the C, of which avr-gcc takes
    MOST_AVR_ARRAY_BYTES, and the layer that it is of."""
    sizes = (
        (array.nbytes, layer.name)
        for layer, step in compiled.program.computed
        for array in arrays(step.constants)
    )
    return max(sizes, default=(0, ""))


def require_short_arrays(compiled: Compiled, board: Board | None) -> None:
    """Make sure that the board's compiler takes the C, where a board is named.

    Raises ModelError where it is an AVR's, and an array too long for it.
    """
    longest, layer = longest_array(compiled)
    if board is not None and board.is_avr and longest > MOST_AVR_ARRAY_BYTES:
        raise ModelError(
            f"The model {compiled.name!r} cannot be exported for {board.name!r}: {layer} has "
            f"{longest:,} bytes in an array, and avr-gcc takes at most "
            f"{MOST_AVR_ARRAY_BYTES:,}. Make that layer narrower, or leave out --board for C that "
            "runs on boards with other processors."
        )
