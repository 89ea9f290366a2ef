"""From a Keras model to C: quantize, read, check, rewrite, plan memory, emit.

The bottom package: it imports neither ``train`` nor ``host``. What it offers to programs is named
here and shown in docs/api.md; the project's own files import from the modules themselves.
"""

from typing import TYPE_CHECKING

from glyphite.convert.lazy import lazy_names

if TYPE_CHECKING:
    from glyphite.convert.boards import Board, all_boards, load_board
    from glyphite.convert.compiler.driver import Compiled, compile_model
    from glyphite.convert.compiler.ir.goal import Goal
    from glyphite.convert.data.mnist import Mnist, load_mnist
    from glyphite.convert.errors import GlyphiteError
    from glyphite.convert.manifest import Manifest
    from glyphite.convert.workspace import ModelFolder, find_model, model_folder
else:
    __getattr__ = lazy_names(
        __name__,
        {
            **dict.fromkeys(("Board", "all_boards", "load_board"), "boards"),
            **dict.fromkeys(("Compiled", "compile_model"), "compiler.driver"),
            **dict.fromkeys(("Mnist", "load_mnist"), "data.mnist"),
            "Goal": "compiler.ir.goal",
            "GlyphiteError": "errors",
            "Manifest": "manifest",
            **dict.fromkeys(("ModelFolder", "find_model", "model_folder"), "workspace"),
        },
    )

__all__ = [
    "Board",
    "Compiled",
    "GlyphiteError",
    "Goal",
    "Manifest",
    "Mnist",
    "ModelFolder",
    "all_boards",
    "compile_model",
    "find_model",
    "load_board",
    "load_mnist",
    "model_folder",
]
