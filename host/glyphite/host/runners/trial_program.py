"""Runs the .tflite given as argument once, on zeros, in every interpreter that is installed.

A program of its own, so that a crash ends nothing else. Whether an interpreter refuses the file
does not matter here; one that is installed and cannot be loaded ends this program with an error, as
the file was not tried then.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ARENA_BYTES = 8 << 20


def main() -> None:
    """Run one inference in each interpreter."""
    model = Path(sys.argv[1]).read_bytes()
    for name, run in INTERPRETERS.items():
        if find_spec(name.partition(".")[0]) is not None:
            interpreter = import_module(name).Interpreter
            with suppress(Exception):
                run(interpreter, model)


def _litert(interpreter_class: Any, model: bytes) -> None:  # noqa: ANN401 - no package has types
    interpreter = interpreter_class(model_content=model)
    interpreter.allocate_tensors()
    interpreter.get_input_details()
    interpreter.get_output_details()
    interpreter.invoke()


def _tflm(interpreter_class: Any, model: bytes) -> None:  # noqa: ANN401
    import numpy as np

    interpreter = interpreter_class.from_bytes(model, arena_size=ARENA_BYTES)
    details = interpreter.get_input_details(0)
    interpreter.set_input(np.zeros(details["shape"], details["dtype"]), 0)
    interpreter.invoke()
    interpreter.get_output(0)


INTERPRETERS: dict[str, Callable[[Any, bytes], None]] = {
    "ai_edge_litert.interpreter": _litert,
    "tflite_runtime.interpreter": _litert,
    "tflite_micro.python.tflite_micro.runtime": _tflm,
}


if __name__ == "__main__":
    main()
