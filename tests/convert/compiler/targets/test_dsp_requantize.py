"""The DSP kernels' requantization: what is called proven is right for every sum in reach."""

import numpy as np
import pytest

from glyphite.convert.compiler.ir.decision import Refusal
from glyphite.convert.compiler.ir.fixed_point import quantize_multiplier, requantize
from glyphite.convert.compiler.targets.dsp.requantize import (
    Requantize,
    choose,
    evaluate,
    exact,
    one_line,
    staircase,
)
from glyphite.convert.compiler.targets.epilogue import Epilogue


def output(
    scales: list[float],
    *,
    offset: int = -128,
    minimum: int = -128,
    maximum: int = 127,
    reach: tuple[int, int] = (-20000, 20000),
) -> Epilogue:
    """Channels with these factors, all with the same reach of sums."""
    constants = np.array([quantize_multiplier(scale) for scale in scales], np.int64)
    ends = [np.full(len(scales), end, np.int64) for end in reach]
    return Epilogue(offset, minimum, maximum, constants[:, 0], constants[:, 1], *ends)


def bytes_by_proof(of: Epilogue, form: Requantize, sums: np.ndarray) -> np.ndarray:
    """What requantize.h gives by a proven form."""
    numbers = list(form.numbers)
    up, kink = form.constants.up, form.constants.kink
    multipliers = numbers.pop(0)
    extra = numbers.pop(0) if up else form.extra
    lowered = numbers.pop(0) if kink else np.zeros_like(extra)
    lines = np.stack([extra, multipliers, lowered], axis=1)
    bits = form.constants.fraction_bits + up
    values = evaluate(of, bits, form.constants.shift, lines, sums)
    return np.asarray(np.clip(np.clip(values, -128, 127), of.minimum, of.maximum))


def bytes_by_exact(of: Epilogue, form: Requantize, sums: np.ndarray) -> np.ndarray:
    """What requantize.h gives by the exact form."""
    multiplier, addend, shift = (numbers[:, None] for numbers in form.numbers)
    bits = form.constants.fraction_bits
    product = ((sums << bits >> (bits - 1)) * multiplier + 2**31) >> 32
    values = (product + (product >> 31) + addend) >> shift
    return np.asarray(np.clip(np.clip(values, -128, 127), of.minimum, of.maximum))


def all_sums(of: Epilogue) -> np.ndarray:
    """(channels, n) every sum in reach."""
    sums = np.arange(of.lowest[0], of.highest[0] + 1)
    return np.broadcast_to(sums, (len(of.multipliers), len(sums)))


def test_bytes_are_those_of_the_double_rounding() -> None:
    of = output([0.0123, 0.3, 0.0007], offset=-3, minimum=-90, maximum=100, reach=(-900, 900))
    for row, multiplier, shift in zip(
        of.byte(all_sums(of)), of.multipliers.tolist(), of.shifts.tolist(), strict=True
    ):
        expected = [requantize(value, multiplier, shift) - 3 for value in range(-900, 901)]
        np.testing.assert_array_equal(row, np.clip(expected, -90, 100))


def test_every_step_of_the_staircase_is_where_the_byte_changes() -> None:
    of = output([0.031, 0.0005], offset=7, reach=(-3000, 5000))
    sums = all_sums(of)
    found = of.byte(sums)
    for channel, steps in enumerate(staircase(of)):
        inside = steps[steps <= 5000]
        changes = sums[channel][1:][np.diff(found[channel]) > 0]
        np.testing.assert_array_equal(np.unique(inside), changes)


@pytest.mark.parametrize("seed", range(12))
def test_a_proven_form_gives_the_right_byte_for_every_sum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scales = np.exp(rng.uniform(np.log(0.004), np.log(0.05), 6)).tolist()
    offset = int(rng.integers(-128, 20))
    of = output(scales, offset=offset, minimum=offset, maximum=int(rng.integers(60, 128)))
    form = one_line(of, 8)
    assert form is not None
    assert form.constants.kink == 0
    np.testing.assert_array_equal(bytes_by_proof(of, form, all_sums(of)), of.byte(all_sums(of)))


@pytest.mark.parametrize("bits", [6, 8])
@pytest.mark.parametrize("seed", range(8))
def test_whatever_form_is_chosen_gives_the_right_byte_for_every_sum(seed: int, bits: int) -> None:
    rng = np.random.default_rng(seed)
    scales = np.exp(rng.uniform(np.log(0.004), np.log(0.05), 6)).tolist()
    of = output(scales, offset=int(rng.integers(-128, 128)))
    form = choose(of, bits)
    assert isinstance(form, Requantize)
    found = (bytes_by_proof if form.constants.proven else bytes_by_exact)(of, form, all_sums(of))
    np.testing.assert_array_equal(found, of.byte(all_sums(of)))


@pytest.mark.parametrize("bits", [1, 6, 8])
@pytest.mark.parametrize("seed", range(4))
def test_the_exact_form_gives_the_right_byte_for_every_sum(seed: int, bits: int) -> None:
    rng = np.random.default_rng(seed)
    scales = np.exp(rng.uniform(np.log(0.0001), np.log(0.49), 6)).tolist()
    of = output(scales, offset=int(rng.integers(-128, 128)))
    form = exact(of, bits)
    np.testing.assert_array_equal(bytes_by_exact(of, form, all_sums(of)), of.byte(all_sums(of)))


def test_a_line_without_relu_has_a_kink() -> None:
    """The staircase is not straight at zero; a proof without the kink must fail."""
    of = output([0.011, 0.02], offset=0)
    form = one_line(of, 8)
    assert form is not None
    assert form.constants.kink == 1
    form.numbers[1] = 0
    assert np.any(bytes_by_proof(of, form, all_sums(of)) != of.byte(all_sums(of)))


def test_a_channel_of_one_possible_sum_is_proven_whatever_its_factor() -> None:
    """A channel of zero weights has its bias as the only sum; its scale may be anything."""
    constants = np.array([quantize_multiplier(scale) for scale in (0.01, 1e-7)], np.int64)
    reach = np.array([-20000, 55]), np.array([20000, 55])
    of = Epilogue(-128, -128, 127, constants[:, 0], constants[:, 1], *reach)
    form = one_line(of, 8)
    assert form is not None
    sums = np.array([[-20000, 20000], [55, 55]])
    np.testing.assert_array_equal(bytes_by_proof(of, form, sums), of.byte(sums))


@pytest.mark.parametrize(
    ("scale", "reach"),
    [(0.6, (-100, 100)), (1.7, (-100, 100)), (1e-8, (-100, 100)), (0.01, (-(2**23), 0))],
)
def test_what_no_form_can_do_is_left_to_the_portable_kernels(
    scale: float, reach: tuple[int, int]
) -> None:
    assert isinstance(choose(output([0.01, scale], reach=reach), 8), Refusal)
