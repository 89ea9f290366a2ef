"""Mutations of a file's bytes, blind to what they mean."""

from collections.abc import Callable

import numpy as np

Mutation = Callable[[bytearray, np.random.Generator], bytearray]

WORDS = (0, 1, 2, 3, 4, 8, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 2**24, 2**31 - 1, 2**31,
         2**32 - 4, 2**32 - 1)  # fmt: skip
"""What offsets, lengths and numbers are set to."""


def mutate(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """One to four mutations of ``content``; a splice takes its part from ``other``."""
    damaged = bytearray(content)
    if rng.random() < 0.1:
        damaged = _splice(damaged, other, rng)
    for _ in range(int(rng.choice([1, 1, 2, 4]))):
        mutation = MUTATIONS[int(rng.integers(len(MUTATIONS)))]
        damaged = mutation(damaged, rng)
    return bytes(damaged)


def _place(content: bytearray, rng: np.random.Generator) -> int:
    """Any place behind the identifier, more often near the tables in front."""
    end = max(len(content), 9)
    return int(rng.integers(8, end if rng.random() < 0.5 else max(min(end, 600), 9)))


def _flip_bits(content: bytearray, rng: np.random.Generator) -> bytearray:
    place = _place(content, rng)
    flipped = (byte ^ 1 << int(rng.integers(8)) for byte in content[place : place + 1])
    content[place : place + 1] = bytes(flipped)
    return content


def _set_byte(content: bytearray, rng: np.random.Generator) -> bytearray:
    place = _place(content, rng)
    values = [0, 1, 127, 128, 255, int(rng.integers(256))]
    content[place : place + 1] = bytes([int(rng.choice(values))])
    return content


def _set_word(content: bytearray, rng: np.random.Generator) -> bytearray:
    """An offset, a length or a number: they lie at multiples of 4."""
    place = _place(content, rng) // 4 * 4
    word = WORDS[int(rng.integers(len(WORDS)))]
    content[place : place + 4] = word.to_bytes(4, "little")
    return content


def _shift_word(content: bytearray, rng: np.random.Generator) -> bytearray:
    """An offset that leads a little way beside its target."""
    place = _place(content, rng) // 4 * 4
    word = int.from_bytes(content[place : place + 4], "little") + int(rng.integers(-16, 17))
    content[place : place + 4] = (word % 2**32).to_bytes(4, "little")
    return content


def _copy_word(content: bytearray, rng: np.random.Generator) -> bytearray:
    to, since = (_place(content, rng) // 4 * 4 for _ in range(2))
    content[to : to + 4] = content[since : since + 4]
    return content


def _truncate(content: bytearray, rng: np.random.Generator) -> bytearray:
    return content[: int(rng.integers(8, len(content) + 1))]


def _clear(content: bytearray, rng: np.random.Generator) -> bytearray:
    place = _place(content, rng)
    length = min(int(rng.integers(1, 64)), len(content) - place)
    content[place : place + length] = bytes([int(rng.choice([0, 255]))]) * length
    return content


def _cut_out(content: bytearray, rng: np.random.Generator) -> bytearray:
    place = _place(content, rng)
    del content[place : place + int(rng.integers(1, 32))]
    return content


def _insert(content: bytearray, rng: np.random.Generator) -> bytearray:
    place = _place(content, rng)
    content[place:place] = rng.bytes(int(rng.integers(1, 32)))
    return content


def _splice(content: bytearray, other: bytes, rng: np.random.Generator) -> bytearray:
    """The start of one file and the end of another."""
    return content[: _place(content, rng)] + other[_place(bytearray(other), rng) :]


MUTATIONS: tuple[Mutation, ...] = (
    _flip_bits, _flip_bits, _set_byte, _set_word, _set_word, _shift_word, _copy_word, _truncate,
    _clear, _cut_out, _insert,
)  # fmt: skip
