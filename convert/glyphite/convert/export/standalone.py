"""The standalone C of a model's folder."""

from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.files import read_bytes
from glyphite.convert.workspace import ModelFolder


def compile_folder(
    folder: ModelFolder,
    architecture: str = "",
    goal: Goal = Goal.SPEED,
    *,
    stream_input: bool = False,
) -> Compiled:
    """Compile a model's .tflite."""
    return compile_model(
        read_bytes(folder.tflite),
        folder.name,
        stream_input=stream_input,
        architecture=architecture,
        goal=goal,
    )
