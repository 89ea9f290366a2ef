"""Verdicts: true exactly where a shortcut gives the same bytes; the same ones choose kernels."""

from typing import Any

import numpy as np
import pytest

from glyphite.convert.compiler.describe import layers
from glyphite.convert.compiler.driver import Compiled, compile_model, lower
from glyphite.convert.compiler.frontend.tflite import read
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.proof import Proof
from glyphite.convert.compiler.passes import optimize
from glyphite.convert.compiler.targets.dsp import depthwise as dsp_depthwise
from glyphite.convert.compiler.targets.dsp import steps as dsp_steps
from glyphite.convert.compiler.targets.dsp import variants as dsp
from glyphite.convert.compiler.targets.dsp.add import factors, one_plane
from glyphite.convert.compiler.targets.dsp.requantize import (
    Output,
    choose,
    no_clamp,
    one_rounding,
    shifts_fit,
    sums_fit,
)
from glyphite.convert.compiler.targets.dsp.winograd import transform, winograd_exact, winograd_pays
from glyphite.convert.compiler.targets.dsp.words import weights_fit_pairs
from tests.builders.arithmetic import binary
from tests.builders.dense import fully_connected
from tests.builders.mlperf_tiny import kept
from tests.builders.models import NONE, RELU, SAME, conv_and_pool
from tests.builders.windows import conv_2d, depthwise

CORTEX_M4 = "armv7e-m"


def output(low: int, high: int, *shifts: int, multiplier: int = 2**30 + 1) -> Output:
    """Channels with these shifts to the right, whose sums lie within the same ends."""
    count = len(shifts)
    constants = np.full(count, multiplier, np.int64), -np.array(shifts, np.int64)
    ends = (np.full(count, end, np.int64) for end in (low, high))
    return Output(-128, -128, 127, *constants, *ends)


def fields_of(content: bytes) -> dict[str, Any]:
    (step,) = lower(optimize(read(content))).steps
    return dict(step.fields)


def verdicts(made: Compiled, layer: int = 0) -> dict[str, Proof]:
    return {proof.name: proof for proof in layers(made)[layer].proofs}


def test_a_verdict_is_true_where_it_holds() -> None:
    assert Proof("one is odd", True, "1 = 2 * 0 + 1")
    assert not Proof("two is odd", False, "2 = 2 * 1")


@pytest.mark.parametrize("bits", [0, 6, 8])
def test_sums_fit_up_to_their_last_unit_and_no_further(bits: int) -> None:
    most = 2 ** (31 - bits) - 5
    assert sums_fit(output(-most, most, 8), bits)
    assert not sums_fit(output(-most - 1, most, 8), bits)
    assert not sums_fit(output(-most, most + 1, 8), bits)
    assert f"{most:,}, within ±{most:,}" in sums_fit(output(0, most, 8), bits).detail


def test_shifts_are_served_from_1_to_22() -> None:
    assert shifts_fit(output(0, 9, 1, 22))
    assert not shifts_fit(output(0, 9, 0, 22))
    assert not shifts_fit(output(0, 9, 1, 23))
    assert shifts_fit(output(0, 9, 3, 7)).detail.startswith("shifts to the right are 3 to 7;")


def test_one_rounding_is_told_as_the_form_has_it() -> None:
    of = output(-20_000, 20_000, 7)
    form = choose(of, 8)
    assert form is not None
    assert one_rounding(of, form.fields).holds == bool(form.fields["proven"])
    assert one_rounding(of, {**form.fields, "proven": 1, "kink": 1, "up": 2}).detail == (
        "a line for each of 1 channels, of sums shifted up by 2, lowered below zero"
    )
    assert not one_rounding(of, {**form.fields, "proven": 0})
    assert not one_rounding(of, None)


def test_only_all_of_a_byte_needs_no_clamp() -> None:
    assert no_clamp(-128, 127)
    assert not no_clamp(-128, 126)
    assert not no_clamp(-127, 127)


def test_one_weight_of_minus_128_makes_them_wide() -> None:
    weights = np.full((3, 8), -127, np.int64)
    assert weights_fit_pairs(weights)
    weights[2, 5] = -128
    assert not weights_fit_pairs(weights)
    assert weights_fit_pairs(weights).detail == "1 of 24 weights are -128"


def winograd_fields(
    channels: tuple[int, int] = (8, 6),
    kernel: int = 3,
    **more: Any,  # noqa: ANN401
) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    source = (6, 6, channels[0])
    content, _ = conv_2d(rng, source, channels[1], (kernel, kernel), padding=SAME, **more)
    return fields_of(content)


def test_winograd_is_exact_where_shapes_weights_and_sums_let_it() -> None:
    assert winograd_exact(winograd_fields())
    for fields in (
        winograd_fields(kernel=1),
        winograd_fields(stride=(2, 2)),
        winograd_fields(dilation=(2, 2)),
        winograd_fields(channels=(6, 6)),
        winograd_fields(channels=(8, 5)),
    ):
        assert not winograd_exact(fields)
        assert dsp.conv_2d_winograd(fields) is None


def test_winograd_with_sums_that_leave_26_bits_is_not_exact() -> None:
    fields = winograd_fields()
    bias = np.full(6, 2**25 - 5 - 2 * 255 * 128 * 72, np.int32)
    fits = {**fields, "output": {**fields["output"], "bias": bias}}
    leaves = {**fields, "output": {**fields["output"], "bias": bias + 2 * 255 * 128 * 72}}
    assert winograd_exact(fits)
    assert not winograd_exact(leaves)
    assert "within ±33,554,427" in winograd_exact(leaves).detail


@pytest.mark.parametrize("weight", [-128, 127])
def test_no_filter_of_bytes_leaves_winograds_16_bits(weight: int) -> None:
    """The bound that the kernel rests on: 9 * 128 * 16."""
    extreme = np.full((2, 3, 3, 4), weight, np.int64)
    assert 16 * np.abs(transform(extreme)).max() <= 9 * 128 * 16 < 2**15


def test_winograd_pays_where_tiles_cover_the_output_well() -> None:
    sizes = {"output_height": 8, "output_width": 8}
    assert winograd_pays({"window": sizes})
    assert not winograd_pays({"window": {**sizes, "output_width": 1}})
    assert winograd_pays({"conv": {}, "pool": {}})


def test_a_pool_is_taken_where_it_is_2x2_and_inside() -> None:
    model, last = conv_and_pool(np.random.default_rng(8))
    fields = fields_of(model.build([0], [last]))
    inside = dsp.pools_pairs(fields)
    assert inside == Proof("pools are 2x2", True, "pools of 2x2 at steps of 2x2, none from outside")
    apart = {**fields, "pool": {**fields["pool"], "stride_width": 3}}
    outside = {**fields, "pool": {**fields["pool"], "output_width": 40}}
    assert not dsp.pools_pairs(apart)
    assert not dsp.pools_pairs(outside)


def test_depthwise_filters_are_taken_in_fours_of_3x3() -> None:
    rng = np.random.default_rng(2)
    served = fields_of(depthwise(rng, (6, 6, 4), (3, 3))[0])
    assert dsp_depthwise.depthwise_3x3(served)
    for source, kernel in [((6, 6, 3), (3, 3)), ((6, 6, 4), (2, 3))]:
        fields = fields_of(depthwise(rng, source, kernel)[0])
        assert not dsp_depthwise.depthwise_3x3(fields)
        assert dsp_depthwise.depthwise_conv_2d(fields) is None


def test_adding_tells_what_it_cannot_do() -> None:
    rng = np.random.default_rng(3)
    broadcast = fields_of(binary(rng, "ADD", (1, 4, 4, 2), (1, 1, 1, 2))[0])
    assert "constant" in dsp.adds_alike(broadcast).detail
    assert dsp.arithmetic(broadcast) is None
    assert "GLYPHITE_MUL" in dsp.adds_alike({**broadcast, "operation": "GLYPHITE_MUL"}).detail
    computed = {key: value for key, value in broadcast["right"].items() if key != "constant"}
    assert "broadcasts" in dsp.adds_alike({**broadcast, "right": computed}).detail


def test_the_plane_of_an_addition_is_told_with_its_factors() -> None:
    made = compile_model(kept("resnet_8").read_bytes(), "r", architecture=CORTEX_M4)
    (layer, *_) = (layer for layer in layers(made) if layer.kernel == "dsp_add")
    (plane,) = (proof for proof in layer.proofs if proof.name.startswith("one plane"))
    (portable, *_) = (s for s in made.portable.steps if s.kernel == "arithmetic")
    found = factors(portable.fields, subtract=False)
    assert found is not None
    assert plane == one_plane(found)
    assert str(found["addend"]) in plane.detail
    assert not one_plane(None)


@pytest.mark.parametrize("activation", [NONE, RELU])
def test_a_layer_tells_every_verdict_that_decided_its_kernel(activation: int) -> None:
    rng = np.random.default_rng(4)
    content, _ = conv_2d(rng, (8, 8, 4), 4, (3, 3), padding=SAME, activation=activation)
    made = compile_model(content, "one", architecture=CORTEX_M4, goal=Goal.SPEED)
    found = verdicts(made)
    found.pop("some channels give one value to all inputs", None)  # a random layer may have such
    assert list(found) == [
        "Winograd is exact",
        "Winograd pays",
        "sums fit 32 bits in units of 1/64",
        "shifts are served",
        "one rounding gives the bytes of two",
        "no clamp beside saturation",
    ]
    form = made.program.steps[0].fields["requantize"]
    assert found["one rounding gives the bytes of two"].holds == bool(form["proven"])
    assert made.program.steps[0].kernel == "dsp_conv_2d_winograd"


@pytest.mark.parametrize("name", ["resnet_8", "mobilenet"])
def test_winograd_is_taken_exactly_where_its_verdicts_say_so(name: str) -> None:
    made = compile_model(kept(name).read_bytes(), name, architecture=CORTEX_M4)
    for index, layer in enumerate(layers(made)):
        found = verdicts(made, index)
        if "Winograd pays" in found:
            taken = found["Winograd is exact"].holds and found["Winograd pays"].holds
            assert (layer.kernel == "dsp_conv_2d_winograd") == taken


def test_a_layer_that_stays_portable_tells_which_verdict_kept_it() -> None:
    content = fully_connected(np.random.default_rng(5), (1, 8), 8, 4)
    weights = fields_of(content)["weights"].tobytes()
    content = content.replace(weights, b"\x80" * len(weights))
    made = compile_model(content, "wide", architecture=CORTEX_M4, goal=Goal.SIZE)
    assert layers(made)[0].kernel == "fully_connected"
    assert not verdicts(made)["weights stay narrow"]
    assert verdicts(made)["sums fit 32 bits"]


@pytest.mark.parametrize("architecture", ["", "armv6-m", "host"])
def test_portable_kernels_tell_that_their_sums_fit(architecture: str) -> None:
    made = compile_model(kept("ds_cnn").read_bytes(), "d", architecture=architecture)
    weighted = [layer for layer in layers(made) if layer.weights is not None]
    assert len(weighted) == 10
    assert all([p.name for p in layer.proofs] == ["sums fit 32 bits"] for layer in weighted)
    assert all(proof for layer in weighted for proof in layer.proofs)


def test_a_depthwise_layers_sums_are_its_channels() -> None:
    """Its weights have their channels last: the ends are those of each channel's nine taps."""
    content, _ = depthwise(np.random.default_rng(6), (6, 6, 4), (3, 3))
    fields = fields_of(content)
    proof = verdicts(compile_model(content, "depthwise"))["sums fit 32 bits"]
    weights = fields["weights"].reshape(9, -1).astype(int)
    ends = np.array([-128, 127]) + fields["input_offset"]
    low = fields["output"]["bias"] + np.minimum(weights * ends[0], weights * ends[1]).sum(axis=0)
    assert proof.detail.startswith(f"{low.min():,} to ")


def test_for_ram_a_layer_tells_whether_its_scratch_memory_had_room() -> None:
    made = compile_model(kept("resnet_8").read_bytes(), "r", architecture=CORTEX_M4, goal=Goal.RAM)
    found = {
        layer.kernel: proof
        for layer in layers(made)
        for proof in layer.proofs
        if proof.name == "scratch memory fits the least arena"
    }
    assert found["dsp_conv_2d"].detail.startswith("form 1 of ")
    assert not found["conv_2d"]
    portable, taken = (program.steps[0] for program in (made.portable, made.program))
    scratch = [form.scratch_bytes for form in dsp_steps.by_rows(portable)]
    assert taken.scratch_bytes in scratch


@pytest.mark.parametrize("architecture", ["avr5", "avr6"])
def test_an_avr_tells_whether_sums_fit_its_registers(architecture: str) -> None:
    made = compile_model(kept("ds_cnn").read_bytes(), "d", architecture=architecture)
    told = {layer.kernel: layer.proofs for layer in layers(made)}
    assert [proof.name for proof in told["avr_conv_2d"]] == ["sums fit 24 bits"]
    assert told["avr_conv_2d"][0].holds


def test_layers_that_move_no_byte_have_no_verdicts() -> None:
    made = compile_model(kept("ds_cnn").read_bytes(), "d", architecture=CORTEX_M4)
    views = [layer for layer in layers(made) if layer.kernel is None]
    assert all(layer.proofs == () for layer in views)
    assert all(isinstance(step, Step) for step in made.program.steps)


def test_channels_that_never_move_are_told_and_do_not_decide() -> None:
    """One with no weights and a bias beyond all sums, as training leaves them."""
    content, _ = conv_2d(np.random.default_rng(7), (6, 6, 4), 4, (1, 1), padding=SAME)
    weights, bias = fields_of(content)["weights"], fields_of(content)["output"]["bias"]
    stilled, huge = weights.copy(), bias.copy()
    stilled[1], huge[1] = 0, 2**29
    for before, after in ((weights, stilled), (bias, huge)):
        assert content.count(before.tobytes()) == 1
        content = content.replace(before.tobytes(), after.tobytes())
    found = verdicts(compile_model(content, "still", architecture=CORTEX_M4))
    assert found["some channels give one value to all inputs"].detail.startswith("1 of 4 channels")
    assert found["sums fit 32 bits in units of 1/256"]
