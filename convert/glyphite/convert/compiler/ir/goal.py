"""What generated C is made for."""

from enum import StrEnum


class Goal(StrEnum):
    """Where there is a choice, what decides it."""

    SPEED = "speed"
    """The fewest instructions: weights may grow, and tensors lie whole."""
    SIZE = "size"
    """The least flash: layers share their kernels, and weights stay as they are."""
    RAM = "ram"
    """The least memory, and then the fewest instructions."""
