"""How long a network will take on a board, by its layers alone: to choose one, and to wait for it.

A rough figure; ``glyphite bench`` measures.
"""

from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.boards import Board, known_board
from glyphite.convert.compiler.driver import lower, understand
from glyphite.convert.compiler.ir.program import Program
from glyphite.convert.errors import GlyphiteError
from glyphite.convert.files import read_bytes
from glyphite.host.device.wire.messages import Hello

CYCLES = {
    **{"armv6-m": (6.3, 185), "armv7-m": (4.8, 76), "armv7e-m": (0.7, 38)},
    **{"armv8-m.main": (0.7, 38), "avr5": (4.3, 307), "avr6": (4.3, 307)},
}
"""A MAC's, and those of a value that a layer gives, which it also requantizes and stores.

Fitted to what `glyphite bench` finds for three networks: docs/measuring.md.
"""

SLOWEST = (10.0, 400)
"""Those of a processor that is not in the table, to wait long enough for it."""
SLOWEST_HZ = 8_000_000


def layers_seconds(macs: int, values: int, board: Board) -> float | None:
    """Seconds of an inference of so many MACs, whose layers give so many values, on ``board``.

    None where its processor's cycles are not known.
    """
    cycles, clock = CYCLES.get(board.mcu.architecture), board.mcu.clock_hz
    if cycles is None or clock is None:
        return None
    return (cycles[0] * macs + cycles[1] * values) / clock


def program_seconds(program: Program, board: Board) -> float | None:
    """The same of a whole model."""
    return layers_seconds(*_layers(program), board)


@dataclass(frozen=True)
class Patience:
    """How long an inference of a model may take on whatever board; small, and picklable."""

    macs: int
    values: int
    """That its layers give."""

    def __call__(self, hello: Hello) -> float:
        """Seconds on the board that says so; 0 where nothing is known of the model."""
        board = known_board(hello.board)
        known = None if board is None else layers_seconds(self.macs, self.values, board)
        if known is not None:
            return known
        return (SLOWEST[0] * self.macs + SLOWEST[1] * self.values) / SLOWEST_HZ


def patience(tflite: Path) -> Patience:
    """That of the model ``tflite``; none where it cannot be read or has what the compiler lacks."""
    try:
        return Patience(*_layers(lower(understand(read_bytes(tflite)))))
    except GlyphiteError:
        return Patience(0, 0)


def _layers(program: Program) -> tuple[int, int]:
    """All MACs, and all values that layers give."""
    values = sum(program.graph.tensors[step.output].count for step in program.steps)
    return sum(step.macs for step in program.steps), values
