"""Runs the .tflite on stdin in TensorFlow Lite Micro, in an arena of the size given first.

A program of its own, as TFLM ends the process on some broken models. It writes its messages, and
the use of the arena, to the file descriptor of stderr, not to Python's ``sys.stderr``. Each further
argument is the seed of an input, as tflm_model.cc makes it too, whose answer goes to stdout.
"""

import sys

import numpy as np


def main() -> None:
    """Run the model on zeros and on the seeds' inputs, and let TFLM print how much it has used."""
    from tflite_micro.python.tflite_micro.runtime import Interpreter

    model = sys.stdin.buffer.read()
    interpreter = Interpreter.from_bytes(model, arena_size=int(sys.argv[1]))
    details = interpreter.get_input_details(0)
    tensor = np.zeros(details["shape"], details["dtype"])
    zero = details["quantization_parameters"]["zero_points"]
    interpreter.set_input(tensor, 0)
    interpreter.invoke()
    interpreter.print_allocations()
    for seed in map(int, sys.argv[2:]):
        tensor.flat[:] = made(seed, tensor.size, int(zero[0]))
        interpreter.set_input(tensor, 0)
        interpreter.invoke()
        print(interpreter.get_output(0).tobytes().hex())


def made(seed: int, size: int, zero: int) -> list[int]:
    """Int8 numbers: zeros, with one of ``seed + 1`` another, as a picture has few bright pixels."""
    state, values = seed, []
    for _ in range(size):
        state = (state * 1664525 + 1013904223) % 2**32
        other = (state >> 16) % 256
        values.append(zero if (state >> 24) % (seed + 1) else (other + 128) % 256 - 128)
    return values


if __name__ == "__main__":
    main()
