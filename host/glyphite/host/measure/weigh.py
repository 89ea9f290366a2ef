"""What a model takes of a board, and whether that is within limits: told as early as it is known.

The memory is that of the whole firmware, as it is linked for the board; cycles are those of
inferences on the emulated board. Whatever is made for that lies in a temporary folder.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from glyphite.convert.boards import Board
from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.errors import DoesNotFitError
from glyphite.convert.files import temporary_folder
from glyphite.convert.progress import ignore_progress
from glyphite.convert.workspace import TFLITE, ModelFolder
from glyphite.host.device.build import Built, ensure_short_arrays, linked_size, with_stack
from glyphite.host.device.size import Size
from glyphite.host.measure.bench.measure import Cost, measure
from glyphite.host.measure.foretold import program_seconds
from glyphite.host.runners.base import Tensors

NAME = "trial"
UNTRAINED = 1.1
"""So many times a limit, the time of untrained weights may be: of trained ones, other kernels and
other values have made from 0.9 to 1.2 times the cycles."""
NEAR = 0.7
"""So many times a limit, a foretold time need not be measured by untrained weights."""
FAR_BEYOND = 2.0
"""So many times the limit, a foretold time is refused by: it is right within a fifth."""


class BeyondError(DoesNotFitError):
    """A figure is beyond a limit, by ``excess``: a share of it."""

    def __init__(self, sentence: str, excess: float) -> None:
        super().__init__(sentence)
        self.excess = excess


@dataclass(frozen=True)
class Limits:
    """The most that a model may take; None: as much as the board has."""

    flash: int | None = None
    """Bytes of the whole firmware."""
    ram: int | None = None
    """Bytes of static data, the stack not counted."""
    seconds: float | None = None
    """Of an inference."""


@dataclass(frozen=True)
class Weight:
    """What a model takes of a board."""

    flash: int
    """Bytes of the whole firmware."""
    static_ram: int
    """Bytes of static data."""
    ram: int
    """Bytes of static data and the stack."""
    cycles: int
    """Of an inference, on average."""
    seconds: float | None
    """None where the board's clock is not known."""
    timed_by: str
    """Whether the cycles are counted or modelled."""
    layers: tuple[tuple[str, int, int], ...]
    """Of each layer: its name, MACs and cycles."""


def weigh(
    content: bytes, board: Board, limits: Limits, tensors: Tensors, goal: Goal = Goal.SPEED
) -> Weight:
    """What the .tflite ``content`` takes of ``board``, which runs ``tensors`` (n, *shape).

    Raises BeyondError where a limit is exceeded, before whatever is not needed to know it;
    DoesNotFitError where the board is too small; ModelError where the model cannot be compiled;
    ToolError where a compiler or the emulator is missing or fails; LinkError where the board does
    not answer.
    """
    compiled = compile_model(content, NAME, architecture=board.mcu.architecture, goal=goal)
    _hold_least(compiled, board, limits)
    with _placed(compiled, board) as folder:
        size = _linked(folder, board, limits)
        size = with_stack(NAME, board, folder.image(board.key), size)
        cost = _cost(folder, compiled, board, size, tensors)
    if cost.seconds is not None and limits.seconds is not None:
        _hold("ms an inference", 1000 * cost.seconds, 1000 * limits.seconds)
    layers = tuple((layer.name, layer.macs, layer.cycles) for layer in cost.layers)
    ram = size.ram + size.stack
    return Weight(size.flash, size.ram, ram, cost.cycles, cost.seconds, cost.timed_by, layers)


def hold_untrained(
    content: bytes, board: Board, limits: Limits, tensors: Tensors, goal: Goal = Goal.SPEED
) -> None:
    """Make sure that a model of random weights is within the limits, as far as it can be told of
    the trained one: its time may be ``UNTRAINED`` times the limit, and is measured where it is
    foretold to be near that.

    Raises BeyondError where it is not, and what else :func:`weigh` raises.
    """
    compiled = compile_model(content, NAME, architecture=board.mcu.architecture, goal=goal)
    _hold_least(compiled, board, limits)
    most, foretold = limits.seconds, program_seconds(compiled.portable, board)
    with _placed(compiled, board) as folder:
        size = _linked(folder, board, limits)
        if most is None or (foretold is not None and foretold < NEAR * most):
            return
        size = with_stack(NAME, board, folder.image(board.key), size)  # refuses one that overflows
        cost = _cost(folder, compiled, board, size, tensors)
        if cost.seconds is not None:
            _hold("ms an inference, untrained", 1000 * cost.seconds, 1000 * most, UNTRAINED)


def _linked(folder: ModelFolder, board: Board, limits: Limits) -> Size:
    """The memory of the firmware, whose image is written to its place in ``folder``."""
    ensure_short_arrays(folder, board)
    image = folder.image(board.key)
    image.parent.mkdir(parents=True, exist_ok=True)
    size = linked_size(folder, board, image)
    _hold("bytes of flash", size.flash, limits.flash)
    _hold("bytes of static RAM", size.ram, limits.ram)
    if board.memory is not None:
        _hold("bytes of flash", size.flash, board.memory.flash)
        _hold("bytes of static RAM", size.ram, board.memory.ram - board.memory.stack)
    return size


def _cost(
    folder: ModelFolder, compiled: Compiled, board: Board, size: Size, tensors: Tensors
) -> Cost:
    built = Built(folder.image(board.key), size)
    return measure(folder, compiled, board, built, tensors=tensors, progress=ignore_progress)


def require_weights(count: int, board: Board, limits: Limits) -> None:
    """Make sure that so many bytes of weights are within the limits and the board.

    Raises BeyondError where they are not.
    """
    _hold("bytes of weights", count, limits.flash)
    if board.memory is not None:
        _hold("bytes of weights", count, board.memory.flash)


def _hold_least(compiled: Compiled, board: Board, limits: Limits) -> None:
    """Refuse by what is known before anything is linked: weights and tensors, and a rough time."""
    memory = board.memory
    require_weights(compiled.constant_bytes, board, limits)
    _hold("bytes of tensors", compiled.arena_bytes, limits.ram)
    if memory is not None:
        _hold("bytes of tensors", compiled.arena_bytes, memory.ram - memory.stack)
    seconds = program_seconds(compiled.portable, board)
    if seconds is not None and limits.seconds is not None:
        _hold("ms an inference, as foretold", 1000 * seconds, 1000 * limits.seconds, FAR_BEYOND)


def _hold(what: str, found: float, allowed: float | None, slack: float = 1.0) -> None:
    if allowed is not None and found > slack * allowed:
        of = (f"{number:,.1f}".removesuffix(".0") for number in (found, allowed))
        sentence = "It takes {} {what}, and {} are allowed.".format(*of, what=what)
        raise BeyondError(sentence, found / allowed - 1 if allowed else 1.0)


@contextmanager
def _placed(compiled: Compiled, board: Board) -> Iterator[ModelFolder]:
    """A folder with the C in it."""
    with temporary_folder() as scratch:
        root = scratch / compiled.name
        folder = ModelFolder(root, root / TFLITE).for_build(board.key, compiled.goal)
        compiled.write(folder.generated)
        yield folder
