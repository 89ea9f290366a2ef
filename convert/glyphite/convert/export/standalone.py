"""Compiles the model in a folder to standalone C."""

from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.emit.text import PREFIX
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.files import read_bytes
from glyphite.convert.workspace import ModelFolder


def compile_folder(
    folder: ModelFolder,
    architecture: str = "",
    goal: Goal = Goal.SPEED,
    *,
    stream_input: bool = False,
    prefix: str = PREFIX,
) -> Compiled:
    """Compile the .tflite of ``folder`` for the processor ``architecture``, "" for every one.

    With ``stream_input`` the C takes its input row by row; ``prefix`` begins its names. Raises
    InputError where the .tflite cannot be read, ModelError where it cannot be compiled, ToolError
    where the package that reads a .tflite is not installed.
    """
    return compile_model(
        read_bytes(folder.tflite),
        folder.name,
        stream_input=stream_input,
        architecture=architecture,
        goal=goal,
        prefix=prefix,
    )
