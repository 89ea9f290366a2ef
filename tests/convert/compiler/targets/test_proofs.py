"""Decisions: true exactly where a shortcut gives the same bytes; recorded as kernels are chosen."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from glyphite.convert.compiler.describe import layers
from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.ir.decision import Basis, Decision, Refusal, latest, unmet
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.compiler.targets.dsp import add as dsp_add
from glyphite.convert.compiler.targets.dsp import (
    conv_2d_winograd,
    depthwise_conv_2d,
    depthwise_conv_2d_image,
)
from glyphite.convert.compiler.targets.dsp import fully_connected as dsp_fully_connected
from glyphite.convert.compiler.targets.dsp.add import adds_alike, factors, one_plane
from glyphite.convert.compiler.targets.dsp.depthwise_conv_2d import depthwise_3x3
from glyphite.convert.compiler.targets.dsp.dot import weights_fit_pairs
from glyphite.convert.compiler.targets.dsp.pooling import pools_pairs
from glyphite.convert.compiler.targets.dsp.requantize import (
    Requantize,
    choose,
    no_clamp,
    one_rounding,
    shifts_fit,
)
from glyphite.convert.compiler.targets.dsp.target import forms
from glyphite.convert.compiler.targets.dsp.winograd import (
    DspConv2DWinogradConstants,
    transform,
    winograd_exact,
    winograd_pays,
)
from glyphite.convert.compiler.targets.epilogue import Epilogue, sums_fit
from glyphite.convert.compiler.targets.portable.arithmetic import MUL, ArithmeticConstants
from glyphite.convert.compiler.targets.portable.conv_2d import Conv2DConstants
from tests.builders.arithmetic import binary
from tests.builders.dense import fully_connected
from tests.builders.kernels import constants_of, only_step, refuses
from tests.builders.mlperf_tiny import kept
from tests.builders.models import NONE, RELU, SAME, conv_and_pool
from tests.builders.moving import viewed
from tests.builders.windows import conv_2d, depthwise

CORTEX_M4 = "armv7e-m"


def output(low: int, high: int, *shifts: int, multiplier: int = 2**30 + 1) -> Epilogue:
    """Channels with these shifts to the right, whose sums lie within the same ends."""
    count = len(shifts)
    constants = np.full(count, multiplier, np.int64), -np.array(shifts, np.int64)
    ends = (np.full(count, end, np.int64) for end in (low, high))
    return Epilogue(-128, -128, 127, *constants, *ends)


def verdicts(made: Compiled, layer: int = 0) -> dict[str, Decision]:
    facts = layers(made)[layer]
    return {decision.name: decision for decision in (*facts.proofs, *facts.heuristics)}


def test_a_decision_is_true_where_it_holds() -> None:
    assert Decision("one is odd", True, "1 = 2 * 0 + 1")
    assert not Decision("two is odd", False, "2 = 2 * 1")


def test_a_refusal_keeps_what_was_asked_up_to_what_does_not_hold() -> None:
    yes, no = Decision("one is odd", True, "1"), Decision("two is odd", False, "2 = 2 * 1")
    assert unmet([yes, yes]) is None
    found = unmet([yes, no, yes])
    assert found == Refusal((yes, no))
    assert found.reason == "two is odd: 2 = 2 * 1"
    assert Refusal(()).reason == "there is no kernel of its own for it"


def test_what_is_asked_again_counts_as_it_was_answered_last() -> None:
    first, other = Decision("sums fit", False, "8 bits"), Decision("shifts fit", True, "3")
    again = Decision("sums fit", True, "6 bits")
    assert latest([first, other, again]) == (other, again)


@pytest.mark.parametrize("bits", [0, 6, 8])
def test_sums_fit_up_to_their_last_unit_and_no_further(bits: int) -> None:
    most = 2 ** (31 - bits) - 5
    assert sums_fit(output(-most, most, 8), bits)
    assert not sums_fit(output(-most - 1, most, 8), bits)
    assert not sums_fit(output(-most, most + 1, 8), bits)
    assert f"{most:,}, within {most:,} either way" in sums_fit(output(0, most, 8), bits).detail


def test_shifts_are_served_from_1_to_22() -> None:
    assert shifts_fit(output(0, 9, 1, 22))
    assert not shifts_fit(output(0, 9, 0, 22))
    assert not shifts_fit(output(0, 9, 1, 23))
    assert shifts_fit(output(0, 9, 3, 7)).detail.startswith("shifts to the right are 3 to 7;")


def test_one_rounding_is_recorded_as_the_form_has_it() -> None:
    of = output(-20_000, 20_000, 7)
    form = choose(of, 8)
    assert isinstance(form, Requantize)
    assert one_rounding(of, form.constants) in form.decisions
    assert one_rounding(of, form.constants).holds == bool(form.constants.proven)
    assert one_rounding(of, replace(form.constants, proven=1, kink=1, up=2)).detail == (
        "a line for each of 1 channels, of sums shifted up by 2, lowered below zero"
    )
    assert not one_rounding(of, replace(form.constants, proven=0))


def test_where_sums_do_not_fit_no_rounding_is_spoken_of() -> None:
    """None was tried."""
    refused = choose(output(-(2**30), 2**30, 8), 8)
    assert isinstance(refused, Refusal)
    assert [decision.name for decision in refused.decisions] == [
        "sums fit 32 bits in units of 1/256"
    ]


def test_only_all_of_a_byte_needs_no_clamp() -> None:
    of = output(0, 9, 8)
    assert no_clamp(of)
    assert not no_clamp(replace(of, maximum=126))
    assert not no_clamp(replace(of, minimum=-127))


def test_one_weight_of_minus_128_makes_them_wide() -> None:
    weights = np.full((3, 8), -127, np.int64)
    assert weights_fit_pairs(weights)
    weights[2, 5] = -128
    assert not weights_fit_pairs(weights)
    assert weights_fit_pairs(weights).detail == "1 of 24 weights are -128"


def convolution(
    channels: tuple[int, int] = (8, 6),
    kernel: int = 3,
    **more: Any,  # noqa: ANN401
) -> bytes:
    rng = np.random.default_rng(1)
    source = (6, 6, channels[0])
    return conv_2d(rng, source, channels[1], (kernel, kernel), padding=SAME, **more)[0]


def test_winograd_is_exact_where_shapes_weights_and_sums_let_it() -> None:
    assert winograd_exact(constants_of(convolution()))
    for content in (
        convolution(kernel=1),
        convolution(stride=(2, 2)),
        convolution(dilation=(2, 2)),
        convolution(channels=(6, 6)),
        convolution(channels=(8, 5)),
    ):
        assert not winograd_exact(constants_of(content))
        assert refuses(conv_2d_winograd.match, only_step(content))


def test_winograd_with_sums_that_leave_26_bits_is_not_exact() -> None:
    conv: Conv2DConstants = constants_of(convolution())
    bias = np.full(6, 2**25 - 5 - 2 * 255 * 128 * 72, np.int32)
    fits, leaves = (
        replace(conv, output=replace(conv.output, bias=bias + more))
        for more in (0, 2 * 255 * 128 * 72)
    )
    assert winograd_exact(fits)
    assert not winograd_exact(leaves)
    assert "within 33,554,427 either way" in winograd_exact(leaves).detail


@pytest.mark.parametrize("weight", [-128, 127])
def test_no_filter_of_bytes_leaves_winograds_16_bits(weight: int) -> None:
    """The bound that the kernel rests on: 9 * 128 * 16."""
    extreme = np.full((2, 3, 3, 4), weight, np.int64)
    assert 16 * np.abs(transform(extreme)).max() <= 9 * 128 * 16 < 2**15


def test_winograd_pays_where_tiles_cover_the_output_well_and_is_no_proof() -> None:
    window = replace(constants_of(convolution()).window, output_height=8, output_width=8)
    assert winograd_pays(window)
    assert not winograd_pays(replace(window, output_width=1))
    assert winograd_pays(window).basis is Basis.HEURISTIC


def test_a_pool_is_taken_where_it_is_2x2_and_inside() -> None:
    model, last = conv_and_pool(np.random.default_rng(8))
    layer = constants_of(model.build([0], [last]))
    pool, source = layer.pool, layer.conv.window.output
    assert pools_pairs(pool, source) == Decision(
        "pools are 2x2", True, "pools of 2x2 at steps of 2x2, none from outside"
    )
    assert not pools_pairs(replace(pool, stride_width=3), source)
    assert not pools_pairs(replace(pool, output_width=40), source)
    assert not pools_pairs(replace(pool, kernel_height=3), source)


def test_depthwise_filters_are_taken_in_fours_of_3x3() -> None:
    rng = np.random.default_rng(2)
    assert depthwise_3x3(constants_of(depthwise(rng, (6, 6, 4), (3, 3))[0]))
    for source, kernel, multiplier in [
        ((6, 6, 3), (3, 3), 1),
        ((6, 6, 4), (2, 3), 1),
        ((6, 6, 4), (3, 3), 2),
    ]:
        step = only_step(depthwise(rng, source, kernel, multiplier=multiplier)[0])
        assert refuses(depthwise_conv_2d.match, step)
        assert refuses(depthwise_conv_2d_image.match, step)


def test_adding_says_what_it_cannot_do() -> None:
    rng = np.random.default_rng(3)
    content = binary(rng, "ADD", (1, 4, 4, 2), (1, 1, 1, 2))[0]
    broadcast = constants_of(content)
    assert "constant" in adds_alike(broadcast).detail
    assert refuses(dsp_add.match, only_step(content))
    assert MUL in adds_alike(replace(broadcast, operation=MUL)).detail
    computed = replace(broadcast.right, constant=None)
    assert "broadcasts" in adds_alike(replace(broadcast, right=computed)).detail


def test_the_plane_of_an_addition_is_shown_with_its_factors() -> None:
    made = compile_model(kept("resnet_8").read_bytes(), "r", architecture=CORTEX_M4)
    (layer, *_) = (layer for layer in layers(made) if layer.kernel == "dsp_add")
    (plane,) = (proof for proof in layer.proofs if proof.name.startswith("one plane"))
    (portable, *_) = (s for s in made.portable.steps if s.kernel.name == "arithmetic")
    assert isinstance(portable.constants, ArithmeticConstants)
    found = factors(portable.constants, subtract=False)
    assert found is not None
    assert plane == one_plane(found)
    assert str(found.addend) in plane.detail
    assert not one_plane(None)


@pytest.mark.parametrize("activation", [NONE, RELU])
def test_a_layer_shows_every_decision_that_chose_its_kernel(activation: int) -> None:
    rng = np.random.default_rng(4)
    content, _ = conv_2d(rng, (8, 8, 4), 4, (3, 3), padding=SAME, activation=activation)
    made = compile_model(content, "one", architecture=CORTEX_M4, goal=Goal.SPEED)
    found = verdicts(made)
    found.pop("some channels give one value to all inputs", None)  # a random layer may have such
    assert list(found) == [
        "Winograd is exact",
        "sums fit 32 bits in units of 1/64",
        "shifts are served",
        "one rounding gives the bytes of two",
        "no clamp beside saturation",
        "Winograd pays",
    ]
    constants = made.program.steps[0].constants
    assert isinstance(constants, DspConv2DWinogradConstants)
    proven = bool(constants.requantize.proven)
    assert found["one rounding gives the bytes of two"].holds == proven


@pytest.mark.parametrize("name", ["resnet_8", "mobilenet"])
def test_winograd_is_taken_exactly_where_its_verdicts_say_so(name: str) -> None:
    made = compile_model(kept(name).read_bytes(), name, architecture=CORTEX_M4)
    for index, layer in enumerate(layers(made)):
        found = verdicts(made, index)
        if "Winograd pays" in found:
            taken = found["Winograd is exact"].holds and found["Winograd pays"].holds
            assert (layer.kernel == "dsp_conv_2d_winograd") == taken


def test_a_layer_that_stays_portable_shows_what_kept_it() -> None:
    content = fully_connected(np.random.default_rng(5), (1, 8), 8, 4)
    weights = constants_of(content).weights.tobytes()
    content = content.replace(weights, b"\x80" * len(weights))
    assert refuses(dsp_fully_connected.match, only_step(content))
    made = compile_model(content, "wide", architecture=CORTEX_M4, goal=Goal.SIZE)
    assert layers(made)[0].kernel == "fully_connected"
    assert not verdicts(made)["weights stay narrow"]
    assert verdicts(made)["sums fit 32 bits"]


@pytest.mark.parametrize("architecture", ["", "armv6-m", "host"])
def test_portable_kernels_show_that_their_sums_fit(architecture: str) -> None:
    made = compile_model(kept("ds_cnn").read_bytes(), "d", architecture=architecture)
    weighted = [layer for layer in layers(made) if layer.weights is not None]
    assert len(weighted) == 10
    assert all([p.name for p in layer.proofs] == ["sums fit 32 bits"] for layer in weighted)
    assert all(proof for layer in weighted for proof in layer.proofs)


def test_a_depthwise_layers_sums_are_its_channels() -> None:
    """Its weights have their channels last: the ends are those of each channel's nine taps."""
    content, _ = depthwise(np.random.default_rng(6), (6, 6, 4), (3, 3))
    layer = constants_of(content)
    proof = verdicts(compile_model(content, "depthwise"))["sums fit 32 bits"]
    weights = layer.weights.reshape(9, -1).astype(int)
    ends = np.array([-128, 127]) + layer.input_offset
    low = layer.output.bias + np.minimum(weights * ends[0], weights * ends[1]).sum(axis=0)
    assert proof.detail.startswith(f"{low.min():,} to ")


def test_for_ram_a_layer_shows_whether_its_scratch_memory_had_room() -> None:
    made = compile_model(kept("resnet_8").read_bytes(), "r", architecture=CORTEX_M4, goal=Goal.RAM)
    found = {
        layer.kernel: choice
        for layer in layers(made)
        for choice in layer.heuristics
        if choice.name == "scratch memory fits the least arena"
    }
    assert found["dsp_conv_2d"].detail.startswith("form 1 of ")
    assert not found["conv_2d"]
    portable, taken = (program.steps[0] for program in (made.portable, made.program))
    assert taken.scratch_bytes in [form.scratch_bytes for form in forms(portable)[0]]


@pytest.mark.parametrize("architecture", ["avr5", "avr6"])
def test_an_avr_shows_whether_sums_fit_its_registers(architecture: str) -> None:
    made = compile_model(kept("ds_cnn").read_bytes(), "d", architecture=architecture)
    shown = {layer.kernel: layer.proofs for layer in layers(made)}
    assert [proof.name for proof in shown["avr_conv_2d"]] == ["sums fit 24 bits"]
    assert shown["avr_conv_2d"][0].holds


def test_layers_that_move_no_byte_have_no_decisions() -> None:
    content = viewed("SQUEEZE", (1, 6, 2))
    views = [layer for layer in layers(compile_model(content, "v")) if layer.kernel is None]
    assert views
    assert all(layer.proofs == layer.heuristics == () for layer in views)


def test_constant_channels_are_shown_and_do_not_decide() -> None:
    """One with no weights and a bias beyond all sums, as training leaves them."""
    content, _ = conv_2d(np.random.default_rng(7), (6, 6, 4), 4, (1, 1), padding=SAME)
    weights, bias = constants_of(content).weights, constants_of(content).output.bias
    stilled, huge = weights.copy(), bias.copy()
    stilled[1], huge[1] = 0, 2**29
    for before, after in ((weights, stilled), (bias, huge)):
        assert content.count(before.tobytes()) == 1
        content = content.replace(before.tobytes(), after.tobytes())
    found = verdicts(compile_model(content, "constant", architecture=CORTEX_M4))
    assert found["some channels give one value to all inputs"].detail.startswith("1 of 4 channels")
    assert found["sums fit 32 bits in units of 1/256"]
