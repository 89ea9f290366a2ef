"""Runs the .tflite on stdin once in TensorFlow Lite Micro, in an arena of the size given.

A program of its own, as TFLM ends the process on some broken models. It writes its messages, and
the use of the arena, to the file descriptor of stderr, not to Python's ``sys.stderr``.
"""

import sys

import numpy as np


def main() -> None:
    """Run the model on zeros, and let TFLM print how much of the arena it has used."""
    from tflite_micro.python.tflite_micro.runtime import Interpreter

    model = sys.stdin.buffer.read()
    interpreter = Interpreter.from_bytes(model, arena_size=int(sys.argv[1]))
    details = interpreter.get_input_details(0)
    interpreter.set_input(np.zeros(details["shape"], details["dtype"]), 0)
    interpreter.invoke()
    interpreter.print_allocations()


if __name__ == "__main__":
    main()
