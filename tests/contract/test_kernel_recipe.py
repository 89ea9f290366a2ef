"""CONTRIBUTING's recipe for a kernel variant, followed in a copy: the DSP's largest of a window."""

import re
from collections.abc import Callable

import numpy as np

from tests.builders.clone import Clone, commands
from tests.builders.models import NONE, VALID
from tests.builders.windows import max_pool_2d

TARGETS = "convert/glyphite/convert/compiler/targets"
PORTABLE = "glyphite.convert.compiler.targets.portable"
KERNELS = "firmware/library/Glyphite/src/kernels"
CONTRACT = ("tests/contract/test_kernel_twins.py", "tests/contract/test_decisions.py")
PROOFS = "tests/convert/compiler/targets/test_proofs.py"
ALONE = "tests/firmware/test_dsp_kernels.py"

MATCH = '''

def match(step: Step, pool: MaxPool2DConstants) -> Step | Refusal:
    """Where the channels come in fours."""
    asked = channels_in_fours(pool)
    if not asked:
        return Refusal((asked,))
    made = DspMaxPool2DConstants(**vars(pool))
    return replace(step, kernel=KERNEL, constants=made, rows=None, decisions=(asked,))


def by_rows(step: Step, pool: MaxPool2DConstants, rows: Rows) -> Iterator[Step] | Refusal:
    """The step a row at a time."""
    found = match(step, pool)
    if isinstance(found, Refusal):
        return found
    return iter((replace(found, rows=replace(rows, function=f"{KERNEL.name}_row")),))


def channels_in_fours(pool: MaxPool2DConstants) -> Decision:
    """Whether no channel is left beside words of four."""
    return Decision("channels come in fours", pool.channels % 4 == 0, f"{pool.channels} channels")
'''
IMPORTS = """from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from glyphite.convert.compiler.ir.decision import Decision, Refusal
from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.rows import Rows
from glyphite.convert.compiler.ir.struct import Int32, Struct
from glyphite.convert.compiler.targets.portable.max_pool_2d import MaxPool2DConstants
"""
ATTEMPT = """        case MaxPool2DConstants() as pool:
            yield lambda: max_pool_2d.match(step, pool)
"""
ROWS = """        case MaxPool2DConstants() as pool:
            return max_pool_2d.by_rows(step, pool, rows)
"""
PROOF = """

@pytest.mark.parametrize("channels", [4, 6, 8])
def test_channels_come_in_fours(channels: int) -> None:
    layer = constants_of(largest(channels))
    assert dsp_max_pool_2d.channels_in_fours(layer).holds == (channels != 6)
    assert refuses(dsp_max_pool_2d.match, only_step(largest(channels))) == (channels == 6)


def largest(channels: int) -> bytes:
    rng = np.random.default_rng(0)
    return max_pool_2d(
        rng, (4, 4, channels), (2, 2), stride=(2, 2), padding=SAME, activation=NONE
    )[0]
"""
TEST = """

def test_the_largest_of_a_window_gives_tflms_bytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    model = max_pool_2d(rng, (6, 7, 8), (3, 2), stride=(2, 1), padding=SAME, activation=RELU)
    check(tmp_path, model, dsp_max_pool_2d.match, rng)
    odd = max_pool_2d(rng, (6, 7, 6), (3, 2), stride=(2, 1), padding=SAME, activation=RELU)
    assert refuses(dsp_max_pool_2d.match, only_step(odd[0]))
"""
MISSING = {
    *(
        f"test_kernel_twins.py::{test}"
        for test in (
            "test_a_record_lies_in_a_file_of_its_headers_name[dsp/max_pool_2d]",
            "test_every_header_with_a_struct_of_its_name_has_a_file[dsp]",
            "test_a_dataclass_has_the_members_and_types_of_its_c_struct[dsp_max_pool_2d]",
            "test_a_target_tries_each_of_its_kernels[dsp]",
            "test_a_kernel_of_one_processor_is_tried_by_its_name[dsp/max_pool_2d]",
        )
    ),
    "test_decisions.py::test_a_decision_has_its_row[channels come in fours]",
    "test_decisions.py::test_a_decision_is_tried_by_its_name[channels come in fours]",
}
"""What the contract misses while the twin is all that is there."""


def test_a_kernel_variant(clone: Clone, require_tool: Callable[..., None]) -> None:
    """All that the contract asks for fails where it is missing, and passes in the end."""
    require_tool("cc", "arm-none-eabi-gcc", "qemu-system-arm")
    _add_twin(clone)
    assert clone.failures(*CONTRACT) == MISSING
    clone.derive(
        f"{KERNELS}/dsp/max_pool_2d.h",
        f"{KERNELS}/portable/max_pool_2d.h",
        ("glyphite_max_pool_2d", "glyphite_dsp_max_pool_2d"),
    )
    _enter(clone)
    _add_tests(clone)
    wanted = "twins or decisions or fours or largest"
    assert not clone.failures(*CONTRACT, PROOFS, ALONE, "-k", wanted)
    _build(clone)


def _build(clone: Clone) -> None:
    """The recipe's commands on a model with such a layer, and where the least memory counts."""
    size, rng = (2, 2), np.random.default_rng(0)
    model, _ = max_pool_2d(rng, (8, 8, 8), size, stride=size, padding=VALID, activation=NONE)
    (clone.root / "pool.tflite").write_bytes(model)
    inspect, *others = commands("A kernel variant")
    steps = [inspect, f"{inspect} --optimize ram", *others]
    steps = [step.replace("MODEL", "pool.tflite").replace("BOARD", "cortex-m4") for step in steps]
    said = clone.run_together(steps)
    assert said.count("kernel dsp_max_pool_2d ") == 2
    assert re.search(r"channels come in fours +│ yes +│ 8 channels", said)
    assert re.search(r"scratch memory fits the least arena +│ yes", said)
    assert re.search(r"random +│ +5 │ +0 │ +0 │", said)
    assert re.search(r"dsp_max_pool_2d_0 +│ +[\d,]+ │ +\d", said)


def _add_twin(clone: Clone) -> None:
    """The struct of the portable kernel by another name, and what takes a step by it."""
    twin, before = f"{TARGETS}/dsp/max_pool_2d.py", f"{TARGETS}/portable/max_pool_2d.py"
    text = (clone.root / before).read_text()
    clone.derive(
        twin,
        before,
        (
            text[
                text.index("from dataclasses") : text.index(
                    "from glyphite.convert.compiler.targets"
                )
            ],
            IMPORTS,
        ),
        ("class MaxPool2D", "class DspMaxPool2D"),
        ('h", MaxPool2D', 'h", DspMaxPool2D'),
        ("glyphite_max_pool", "glyphite_dsp_max_pool"),
        ('"max_pool_2d"', '"dsp_max_pool_2d"'),
        ('"portable/', '"dsp/'),
    )
    clone.insert(twin, r"^KERNEL = .*\n", MATCH)


def _enter(clone: Clone) -> None:
    """The kernel's place among the target's attempts, and by rows."""
    target = f"{TARGETS}/dsp/target.py"
    clone.insert(target, r"^    fully_connected,\n", "    max_pool_2d,\n")
    constants = (
        "from glyphite.convert.compiler.targets.portable.max_pool_2d import MaxPool2DConstants\n"
    )
    clone.insert(target, r"^from .*import FullyConnectedConstants\n", constants)
    clone.insert(target, r"^            yield lambda: add.match.*\n", ATTEMPT)
    clone.insert(target, r"^            return add.by_rows.*\n", ROWS)
    row = "| channels come in fours | no channel is left beside words of four |\n"
    clone.insert("docs/compiler.md", r"^\| pools are 2x2 .*\n", row)


def _add_tests(clone: Clone) -> None:
    """Of the decision, and of the kernel alone."""
    imported = (
        "from glyphite.convert.compiler.targets.dsp import max_pool_2d as dsp_max_pool_2d\n"
        "from tests.builders.windows import max_pool_2d\n"
    )
    for file, test in ((PROOFS, PROOF), (ALONE, TEST)):
        clone.insert(file, r"^from tests.builders.models .*\n", imported)
        clone.insert(file, r"\Z", test)
