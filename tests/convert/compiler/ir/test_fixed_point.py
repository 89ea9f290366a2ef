"""ir/fixed_point.py: rounding, and its twin fixed_point.h on every kind of extreme."""

import ctypes
import itertools
import math
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.compiler.emit.kernels import LIBRARY
from glyphite.convert.compiler.ir import fixed_point
from glyphite.convert.compiler.ir.fixed_point import (
    INT32_MAX,
    INT32_MIN,
    divide_by_power,
    exp_negative,
    multiply_high,
    quantize_multiplier,
    reciprocal_one_plus,
    requantize,
    shift_left_saturating,
)
from glyphite.host.device.c_compiler import c_compiler

EDGES = sorted(
    {0, 1, -1, INT32_MAX, INT32_MIN}
    | {sign * (1 << power) + step for power in range(0, 31, 3) for sign in (1, -1)
       for step in (-1, 0, 1)}
)  # fmt: skip
"""Powers of two and their neighbours: where roundings and overflows change."""

WRAPPER = """
#include "fixed_point.h"
int32_t multiply_high(int32_t a, int32_t b) { return glyphite_multiply_high(a, b); }
int32_t divide_by_power(int32_t a, int32_t b) { return glyphite_divide_by_power(a, b); }
int32_t requantize(int32_t a, int32_t b, int32_t c) { return glyphite_requantize(a, b, c); }
int32_t shift_left_saturating(int32_t a, int32_t b) { return glyphite_shift_left_saturating(a, b); }
int32_t exp_small(int32_t a) { return glyphite_exp_small(a); }
int32_t exp_negative(int32_t a) { return glyphite_exp_negative(a); }
int32_t reciprocal_one_plus(int32_t a) { return glyphite_reciprocal_one_plus(a); }
"""

Function = Callable[..., int]


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Function]:
    """The C function of a name; undefined behaviour in it ends the test run."""
    folder: Path = tmp_path_factory.mktemp("twin")
    (folder / "twin.c").write_text(WRAPPER)
    flags = ["-std=c99", "-O1", "-shared", "-fPIC", "-fsanitize=undefined"]
    flags += ["-fsanitize-undefined-trap-on-error", "-I", str(LIBRARY)]
    subprocess.run([*c_compiler(), *flags, "-o", "twin.so", "twin.c"], cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "twin.so"))

    def function(name: str) -> Function:
        found = getattr(library, name)
        found.restype = ctypes.c_int32
        return found  # type: ignore[no-any-return]

    return function


def test_products_are_the_same_in_c(twin: Callable[[str], Function]) -> None:
    in_c = twin("multiply_high")
    for a, b in itertools.product(EDGES, EDGES):
        if (a, b) != (INT32_MIN, INT32_MIN):
            assert in_c(a, b) == multiply_high(a, b), (a, b)


def test_divisions_are_the_same_in_c(twin: Callable[[str], Function]) -> None:
    in_c = twin("divide_by_power")
    for value, exponent in itertools.product(EDGES, range(32)):
        assert in_c(value, exponent) == divide_by_power(value, exponent), (value, exponent)


def test_saturating_shifts_are_the_same_in_c(twin: Callable[[str], Function]) -> None:
    in_c = twin("shift_left_saturating")
    for value, exponent in itertools.product(EDGES, range(31)):
        assert in_c(value, exponent) == shift_left_saturating(value, exponent), (value, exponent)


def test_requantization_is_the_same_in_c(twin: Callable[[str], Function]) -> None:
    in_c = twin("requantize")
    multipliers = (0, 1 << 30, (1 << 30) + 1, 1518500250, INT32_MAX)
    for value, multiplier, shift in itertools.product(EDGES, multipliers, range(-31, 13)):
        if INT32_MIN <= value << max(shift, 0) <= INT32_MAX:
            found = in_c(value, multiplier, shift)
            assert found == requantize(value, multiplier, shift), (value, multiplier, shift)


def test_exponentials_are_the_same_in_c(twin: Callable[[str], Function]) -> None:
    in_c = twin("exp_negative")
    rng = np.random.default_rng(0)
    values = [-int(value) for value in rng.integers(0, 31 << 26, 3000)]
    values += [edge for edge in EDGES if -(31 << 26) <= edge <= 0]
    for value in values:
        assert in_c(value) == exp_negative(value), value
    small = twin("exp_small")
    for value in [-(1 << 29), -1, *(-int(value) for value in rng.integers(1, 1 << 29, 1000))]:
        assert small(value) == fixed_point.exp_small(value), value


def test_reciprocals_are_the_same_in_c(twin: Callable[[str], Function]) -> None:
    in_c = twin("reciprocal_one_plus")
    rng = np.random.default_rng(0)
    for value in [0, 1, INT32_MAX, *(int(value) for value in rng.integers(0, INT32_MAX, 3000))]:
        assert in_c(value) == reciprocal_one_plus(value), value


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (0.0, (0, 0)),
        (0.5, (1 << 30, 0)),
        (1.0, (1 << 30, 1)),
        (1 - 2**-33, (1 << 30, 1)),  # rounds up to 1, so the shift takes one more
        (2.0**-32, (1 << 30, -31)),
        (2.0**-33, (0, 0)),  # too small: TensorFlow Lite makes it 0
        (3.0, (3 << 29, 2)),
    ],
)
def test_multipliers_are_tensorflow_lites(scale: float, expected: tuple[int, int]) -> None:
    assert quantize_multiplier(scale) == expected


def test_a_multiplier_and_shift_stand_for_the_scale() -> None:
    rng = np.random.default_rng(0)
    for scale in np.exp(rng.uniform(-20, 5, 500)):
        multiplier, shift = quantize_multiplier(float(scale))
        assert 1 << 30 <= multiplier < 1 << 31
        assert math.isclose(multiplier / 2**31 * 2.0**shift, scale, rel_tol=2**-31)


def test_halves_are_rounded_up_in_products_and_away_from_zero_in_divisions() -> None:
    assert [multiply_high(value, 1 << 30) for value in (3, 1, -1, -3)] == [2, 1, 0, -1]
    assert [divide_by_power(value, 1) for value in (3, 1, -1, -3)] == [2, 1, -1, -2]


def test_requantization_rounds_twice() -> None:
    """1.4999 of a quarter: rounded once it is 0, rounded twice it is 1."""
    multiplier, shift = (1 << 30) + (1 << 29), -1
    assert round(1 * multiplier / 2**31 / 2) == 0
    assert requantize(1, multiplier, shift) == 1


def test_exponentials_and_reciprocals_are_near_the_real_ones() -> None:
    for real in (0.0, 0.1, 0.25, 1.0, 3.7, 12.0):
        assert exp_negative(-int(real * 2**26)) / 2**31 == pytest.approx(math.exp(-real), abs=1e-6)
    for real in (0.0, 0.3, 0.999):
        found = reciprocal_one_plus(int(real * 2**31)) / 2**31
        assert found == pytest.approx(1 / (1 + real), abs=1e-6)
