"""Runs the .tflite on stdin once in TensorFlow Lite Micro, in an arena of the size given.

A program of its own, since TFLM ends the process on some broken models and writes what it has to
say past Python, to the file descriptor of stderr: what was wrong, or its account of the arena.
"""

import sys

import numpy as np


def main() -> None:
    """Run the model on zeros; print TFLM's account of the arena."""
    from tflite_micro.python.tflite_micro.runtime import Interpreter

    model = sys.stdin.buffer.read()
    interpreter = Interpreter.from_bytes(model, arena_size=int(sys.argv[1]))
    details = interpreter.get_input_details(0)
    interpreter.set_input(np.zeros(details["shape"], details["dtype"]), 0)
    interpreter.invoke()
    interpreter.print_allocations()


if __name__ == "__main__":
    main()
