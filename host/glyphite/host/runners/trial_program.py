"""Runs the .tflite given as argument once, on zeros, in every interpreter that is installed.

A program of its own, so that a crash ends nothing else. Whether an interpreter refuses the file
does not matter here.
"""

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

ARENA_BYTES = 8 << 20


def main() -> None:
    """Run one inference in each interpreter."""
    model = Path(sys.argv[1]).read_bytes()
    for run in (_litert, _tflm):
        with suppress(Exception):
            run(model)


def _litert(model: bytes) -> None:
    interpreter: Any
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        from tflite_runtime.interpreter import Interpreter
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    interpreter.get_input_details()
    interpreter.get_output_details()
    interpreter.invoke()


def _tflm(model: bytes) -> None:
    import numpy as np
    from tflite_micro.python.tflite_micro.runtime import Interpreter

    interpreter = Interpreter.from_bytes(model, arena_size=ARENA_BYTES)
    details = interpreter.get_input_details(0)
    interpreter.set_input(np.zeros(details["shape"], details["dtype"]), 0)
    interpreter.invoke()
    interpreter.get_output(0)


if __name__ == "__main__":
    main()
