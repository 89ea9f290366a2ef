"""The memory that a model takes on several boards, and whether each can hold it.

What can be linked here is measured: the whole firmware, or the model alone where only the board's
own core could build the rest. Of other boards there is an estimate, which is called one.
"""

import dataclasses
import os
import shutil
import threading
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.boards import Board, load_board
from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.errors import DoesNotFitError, GlyphiteError, ModelError, ToolError
from glyphite.convert.files import temporary_folder
from glyphite.convert.progress import Progress
from glyphite.convert.workspace import ModelFolder
from glyphite.host.device.build import (
    ensure_short_arrays,
    has_own_core,
    linked_size,
    with_stack,
)
from glyphite.host.device.size import Size, ensure_fits, image_size
from glyphite.host.measure.bench.footprint import linked_alone

FIRMWARE, ALONE = "firmware", "model alone"
"""What was linked for the board and measured."""
ESTIMATE = "estimate"
"""Weights and arena are the board's, the code is that of this PC."""
LEAST = "weights and arena"
"""No code is counted, as nothing here compiles any."""


@dataclass(frozen=True)
class BoardSize:
    """The memory that a model takes on a board."""

    board: Board
    basis: str
    """``FIRMWARE``, ``ALONE``, ``ESTIMATE`` or ``LEAST``."""
    size: Size
    fits: bool | None
    """None where it is not known."""
    reason: str = ""
    """Why it does not fit, or is not measured: a sentence; else empty."""

    @property
    def is_measured(self) -> bool:
        """Whether the figures are those of C that was linked for the board."""
        return self.basis in (FIRMWARE, ALONE)


def measure_boards(
    folder: ModelFolder, content: bytes, goal: Goal, boards: Sequence[Board], progress: Progress
) -> list[BoardSize]:
    """The memory that a model takes on each of ``boards``, in their order.

    ``content`` is that of the .tflite of ``folder``, in which nothing is written. Compilers run
    beside each other. Raises ModelError where the model cannot be compiled.
    """
    with temporary_folder() as scratch, ThreadPoolExecutor(os.cpu_count()) as pool:
        sizes = _Sizes(folder, content, goal, scratch)
        begun = [pool.submit(sizes.on, board) for board in boards]
        try:
            for future in as_completed(begun):
                future.result()
                progress(1)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        return [future.result() for future in begun]


class _Sizes:
    """Measures a model on boards, each in a thread of its own.

    Its C is generated once for each architecture, and linked alone once for each set of compiler
    and flags, in the folder ``scratch``. Whatever writes files of ours does so alone.
    """

    def __init__(self, folder: ModelFolder, content: bytes, goal: Goal, scratch: Path) -> None:
        self._folder = folder
        self._content = content
        self._goal = goal
        self._scratch = scratch
        self._alone_here = threading.RLock()
        self._compiled: dict[str, Compiled] = {}
        self._linked: dict[Hashable, Size] = {}

    def compiled(self, architecture: str) -> Compiled:
        """The model compiled for a processor. Raises ModelError where that cannot be done."""
        with self._alone_here:
            if architecture not in self._compiled:
                made = compile_model(
                    self._content, self._folder.name, architecture=architecture, goal=self._goal
                )
                made.write(self._place(architecture).generated)
                self._compiled[architecture] = made
            return self._compiled[architecture]

    def on(self, board: Board) -> BoardSize:
        """The memory that the model takes on ``board``.

        Raises ModelError where the model cannot be compiled.
        """
        self._compiled_for(board)
        reason = ""
        try:
            self.compiled(board.mcu.architecture)
            if not has_own_core(board):
                return self._firmware(board)
        except (DoesNotFitError, ModelError) as error:
            return self._refused(board, error)
        except GlyphiteError as error:
            if board.arduino is None or shutil.which(board.toolchain.cc) is None:
                return self._estimate(board, str(error))
            reason = str(error)
        alone = self._alone(board)
        return dataclasses.replace(alone, reason=alone.reason or reason)

    def _compiled_for(self, board: Board) -> Compiled:
        """The model by the board's own kernels, or else by the portable ones, if those take it."""
        try:
            return self.compiled(board.mcu.architecture)
        except ModelError:
            return self.compiled("")

    def _place(self, architecture: str) -> ModelFolder:
        root = self._scratch / f"for-{architecture}" / self._folder.name
        return dataclasses.replace(self._folder, root=root)

    def _firmware(self, board: Board) -> BoardSize:
        with temporary_folder() as made:
            image, name = made / "firmware.elf", self._folder.name
            size = linked_size(self._place(board.mcu.architecture), board, image)
            try:
                ensure_fits(name, board, size)
                with self._alone_here:
                    return BoardSize(board, FIRMWARE, with_stack(name, board, image, size), True)
            except DoesNotFitError as error:
                kept = board.memory.stack if board.memory else 0
                size = dataclasses.replace(size, stack=size.stack or kept)
                return BoardSize(board, FIRMWARE, size, False, str(error))

    def _alone(self, board: Board) -> BoardSize:
        if shutil.which(board.toolchain.cc) is None:
            return self._estimate(board, _no_compiler(board))
        try:
            ensure_short_arrays(self._place(board.mcu.architecture), board)
            return self._judged(board, ALONE, self._link(board.mcu.architecture, board))
        except (DoesNotFitError, ModelError) as error:
            return self._refused(board, error)
        except ToolError as error:
            return self._estimate(board, str(error))

    def _refused(self, board: Board, error: GlyphiteError) -> BoardSize:
        """An estimate of what cannot be built for the board."""
        return dataclasses.replace(self._estimate(board, ""), fits=False, reason=str(error))

    def _estimate(self, board: Board, reason: str) -> BoardSize:
        """Weights and arena of the board's own kernels, and the code of the portable ones here."""
        native, compiled = load_board("native"), self._compiled_for(board)
        toolchain = dataclasses.replace(native.toolchain, optimize=board.toolchain.optimize)
        flash, basis = compiled.constant_bytes, LEAST
        with suppress(ToolError):
            portable = self.compiled("").constant_bytes
            linked = self._link("", dataclasses.replace(native, toolchain=toolchain))
            flash, basis = flash + linked.flash - portable, ESTIMATE
        judged = self._judged(board, basis, Size(flash, compiled.arena_bytes, 0, {}, ()))
        fits = None if basis == LEAST and judged.fits else judged.fits
        return dataclasses.replace(judged, fits=fits, reason=judged.reason or reason)

    def _link(self, architecture: str, by: Board) -> Size:
        """The model's C for a processor, linked alone by the compiler of ``by``."""
        tools, folder = by.toolchain, self._place(architecture)
        key = (folder.root, tools.cc, tools.optimize, tools.flags, by.mcu.cpu)
        with self._alone_here:
            if key not in self._linked:
                self._linked[key] = image_size(linked_alone(by, folder.generated))
            return self._linked[key]

    def _judged(self, board: Board, basis: str, size: Size) -> BoardSize:
        size = dataclasses.replace(size, stack=board.memory.stack if board.memory else 0)
        try:
            ensure_fits(self._folder.name, board, size)
        except DoesNotFitError as error:
            return BoardSize(board, basis, size, False, str(error))
        return BoardSize(board, basis, size, True)


def _no_compiler(board: Board) -> str:
    """The reason why a board whose core brings the compiler is not measured."""
    install = f" (`{board.arduino.install}`)" if board.arduino else ""
    return (
        f"{board.toolchain.cc}, its compiler, is not on the PATH. With arduino-cli and the board's "
        f"core{install}, `glyphite build` measures it."
    )
