"""What a network will take of boards, told by ``glyphite train`` before it learns anything.

Its weights are still random: they are quantized and compiled as they are. The bytes of weights and
tensors depend on shapes alone, but for kernels that fit some weights and not others.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glyphite.convert.boards import Board, all_boards, load_board
from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.errors import DoesNotFitError, ModelError
from glyphite.convert.quantize import calibration, quantize
from glyphite.convert.quantize.alone import all_layers
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli.console import print_status, print_table, progress_bar, say
from glyphite.host.measure.board_sizes import BoardSize, measure_boards
from glyphite.host.measure.foretold import program_seconds

if TYPE_CHECKING:
    from glyphite.train.own import Network

SAMPLES = 4
"""Random ones, to calibrate on: scales change no size."""
MOST_PARAMETERS = 16_000_000
"""More than any board here holds; TensorFlow would take minutes to quantize them."""
PLAIN = {
    *("Sequential", "Functional", "InputLayer", "Dense", "Flatten", "Reshape", "Dropout"),
    *("Conv1D", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "ZeroPadding2D"),
    *("MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D"),
    *("GlobalAveragePooling1D", "GlobalAveragePooling2D", "BatchNormalization", "Add"),
    *("Activation", "ReLU", "Softmax"),
}
"""Kinds of layers that become no loop, at which TensorFlow's calibrator would crash."""


@dataclass(frozen=True)
class Cost:
    """What a network takes, and what of a board where one is named."""

    compiled: Compiled
    """By the kernels for any processor, which take the least."""
    measured: BoardSize | None


def cost_before(model: "Network", folder: ModelFolder, board: str | None) -> Cost | None:
    """What the untrained ``model`` takes; None, and a sentence, where it could not be compiled.

    Raises DoesNotFitError where ``board`` cannot hold it, BoardError where there is no such board,
    ModelError where a board is named and the model could not be compiled.
    """
    on = None if board is None else load_board(board)
    try:
        return _cost(model, folder, on)
    except ModelError as error:
        if on is not None:
            raise ModelError(f"No board could run this network once it is trained: {error}") from (
                error
            )
        print_status(f"Once it is trained, no board could run this network: {error}")
        return None


def _cost(model: "Network", folder: ModelFolder, board: Board | None) -> Cost:
    if model.count_params() > MOST_PARAMETERS:
        raise ModelError(
            f"It has {model.count_params():,} parameters, and no board here holds more than "
            f"{MOST_PARAMETERS:,}. Make it smaller."
        )
    with progress_bar("Reckoning", 2) as progress:
        shape = quantize.input_shape(model)
        floats = b"" if _is_plain(model) else None  # a conversion to floats tells of loops
        random = calibration.from_random(SAMPLES, shape).inputs
        content = quantize.quantize(model, random, floats)
        progress(1, note="compiling")
        compiled = compile_model(content, folder.name)
        measured = None
        if board is not None:
            (measured,) = measure_boards(folder, content, Goal.SPEED, [board], lambda _: None)
        progress(1)
    if measured is not None and measured.fits is False:
        raise DoesNotFitError(f"{measured.reason} Nothing was trained.")
    return Cost(compiled, measured)


def _is_plain(model: "Network") -> bool:
    """Whether it is made of ``PLAIN`` layers of Keras alone, whose activations are Keras's too."""
    parts = [model, *all_layers(model)]
    functions = (getattr(part, "activation", None) for part in parts)
    own = (thing for thing in (*map(type, parts), *functions) if thing is not None)
    return {type(part).__name__ for part in parts} <= PLAIN and all(
        getattr(thing, "__module__", "").startswith("keras.") for thing in own
    )


def as_document(cost: Cost) -> dict[str, Any]:
    """For scripts."""
    return {
        "macs": cost.compiled.macs,
        "weights_bytes": cost.compiled.constant_bytes,
        "tensors_bytes": cost.compiled.arena_bytes,
        "boards": [_entry(cost, board) for board in _boards(cost)],
    }


def _boards(cost: Cost) -> list[Board]:
    """The board that is named, or all that have limits."""
    if cost.measured is not None:
        return [cost.measured.board]
    return [board for board in all_boards() if board.memory is not None]


def _entry(cost: Cost, board: Board) -> dict[str, Any]:
    size, compiled, memory = cost.measured, cost.compiled, board.memory
    flash, ram = compiled.constant_bytes, compiled.arena_bytes
    if size is not None:
        flash, ram = size.size.flash, size.size.ram + size.size.stack
    holds = memory is None or (flash <= memory.flash and ram <= memory.ram)
    seconds = program_seconds(compiled.portable, board)
    return {
        "board": board.name,
        "basis": size.basis if size else "weights and tensors",
        "flash": flash,
        "ram": ram,
        "fits": holds,
        "about_milliseconds": None if seconds is None else float(f"{1000 * seconds:.1g}"),
    }


def say_cost(cost: Cost, name: str) -> None:
    """Print it, by board."""
    compiled, size = cost.compiled, cost.measured
    say(
        f"{name}: {compiled.macs:,} MACs an inference, {compiled.constant_bytes:,} bytes of weights"
        f" and {compiled.arena_bytes:,} bytes of tensors, and code. These are untrained weights: "
        "trained ones may take other kernels, which changes flash by some per cent."
    )
    if size is not None:
        takes = f"{size.size.flash:,} bytes of flash and {size.size.ram + size.size.stack:,} of RAM"
        say(f"On {size.board.name} it takes {takes} ({size.basis}).")
    rows = []
    for board in _boards(cost):
        entry, memory = _entry(cost, board), board.memory
        about, holds = entry["about_milliseconds"], "likely" if size is None else "yes"
        rows.append((
            board.name,
            f"{memory.flash:,}" if memory else "no limit",
            f"{memory.ram:,}" if memory else "no limit",
            holds if entry["fits"] else "no",
            "" if about is None else f"{about:,g} ms",
        ))  # fmt: skip
    print_table(("board", "flash it has", "RAM it has", "can hold it", "takes about"), rows)
