"""How many pixels a convolution computes at a time (``kernels/dsp/block.h`` and ``dot.h``)."""

MOST_PIXELS = 4
"""That are computed at a time."""
BLOCK_CALL = 110
"""Instructions of two calls of dsp/block.h, on the careful side: the emulator counts 40 to 64. The
block that is chosen is the best one all the same in the layers that a test measures."""
STEP = {1: 7, 2: 12, 3: 16, 4: 22}
"""Instructions of a step of four inputs for a pair of channels, by the pixels of a block."""
AROUND = {3: 37, 4: 43}
"""Instructions around the steps in dsp/block.h."""


def fewest_instructions(width: int, steps: int, call: float | None) -> int:
    """The block of pixels that takes the fewest instructions for a row, by count of a loop's.

    A step of a pair of channels takes so many; loops turn every four steps. Blocks of three and
    four may be for dsp/block.h, whose loops turn every eight; a call of it takes ``call`` for a
    pair.
    """

    def row(count: int) -> float:
        return width // count * block(count, steps, call) + block(width % count, steps, call)

    return min(range(min(MOST_PIXELS, width), 0, -1), key=row)


def block(count: int, steps: int, call: float | None) -> float:
    """About the instructions of a block of so many pixels for a pair of channels."""
    if count == 0:
        return 0
    if call is not None and count in AROUND:
        return steps * STEP[count] + AROUND[count] + call + 3 * -(-(steps - 1) // 8)
    return steps * STEP[count] + 30 + 6 * count + 3 * (steps // 4)
