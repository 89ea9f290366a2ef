"""Readers that do each thing that the campaign must notice."""

import os
import time

from glyphite.convert.errors import InputError
from tests.hostile.line import AnswerWay


class Stumbling(AnswerWay):
    """Raises what is no sentence."""

    def read(self, content: bytes) -> bool:
        """Stumble."""
        raise IndexError("tuple index out of range")


class Believing(AnswerWay):
    """Takes an honest answer's place, whatever came."""

    def read(self, content: bytes) -> bool:
        """Believe scores that the line has damaged."""
        self.scores = [scores[::-1] for scores in self.scores]
        return super().read(bytes([0, 0]) + self.honest())


class Rambling(AnswerWay):
    """Refuses in two lines."""

    def read(self, content: bytes) -> bool:
        """Ramble."""
        raise InputError("One line.\nAnd another.")


class Hoarding(AnswerWay):
    """Takes more memory than there may be."""

    def read(self, content: bytes) -> bool:
        """Hoard."""
        return bool(bytearray(3 << 30))


class Dying(AnswerWay):
    """Ends its process."""

    def read(self, content: bytes) -> bool:
        """Die."""
        os._exit(3)


class Sleeping(AnswerWay):
    """Never answers, and does nothing."""

    def read(self, content: bytes) -> bool:
        """Sleep."""
        time.sleep(100)
        return True
