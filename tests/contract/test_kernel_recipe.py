"""CONTRIBUTING's recipe for a kernel variant, followed in a copy: the DSP's largest of a window."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.builders.clone import Clone, commands
from tests.builders.models import NONE, VALID
from tests.builders.windows import max_pool_2d

TARGETS = "convert/glyphite/convert/compiler/targets"
KERNELS = "firmware/library/Glyphite/src/kernels"
CONTRACT = "tests/contract/test_kernel_twins.py"
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
    "test_kernel_twins.py::test_a_target_tries_each_of_its_kernels[dsp]",
}


def test_a_kernel_variant(clone: Clone, require_tool: Callable[..., None]) -> None:
    """All that the contract asks for fails where it is missing, and passes in the end."""
    require_tool("cc", "arm-none-eabi-gcc", "qemu-system-arm")
    _add_twin(clone)
    missed = clone.failures(CONTRACT)
    clone.derive(
        f"{KERNELS}/dsp/max_pool_2d.h",
        f"{KERNELS}/portable/max_pool_2d.h",
        ("glyphite_max_pool_2d", "glyphite_dsp_max_pool_2d"),
    )
    _enter(clone)
    _add_tests(clone)
    assert missed == MISSING
    assert not clone.failures(
        CONTRACT, PROOFS, ALONE, "-k", "twins or max_pool or fours or largest"
    )
    model = max_pool_2d(
        np.random.default_rng(0), (8, 8, 8), (2, 2), stride=(2, 2), padding=VALID, activation=NONE
    )
    (clone.root / "pool.tflite").write_bytes(model[0])
    steps = [
        c.replace("MODEL", "pool.tflite").replace("BOARD", "cortex-m4")
        for c in commands("A kernel variant")
    ]
    said = clone.run_together(steps)
    print(steps, said)
    said = clone.run_together(["glyphite inspect pool.tflite --board cortex-m4 --optimize ram"])
    print(said)
    assert 0


def _add_twin(clone: Clone) -> None:
    """The struct of the portable kernel by another name, and what takes a step by it."""
    twin = f"{TARGETS}/dsp/max_pool_2d.py"
    portable = "from glyphite.convert.compiler.targets.portable.{} import {}\n"
    of = [
        portable.format(*each)
        for each in (("max_pool_2d", "MaxPool2DConstants"), ("window", "WindowConstants"))
    ]
    clone.derive(
        twin,
        f"{TARGETS}/portable/max_pool_2d.py",
        ("class MaxPool2D", "class DspMaxPool2D"),
        ("MaxPool2DConstants)", "DspMaxPool2DConstants)"),
        ('"max_pool_2d"', '"dsp_max_pool_2d"'),
        ("glyphite_max_pool", "glyphite_dsp_max_pool"),
        ('"portable/', '"dsp/'),
        (
            "from dataclasses import dataclass\nfrom typing import ClassVar\n\nfrom glyphite.convert.compiler.ir.kernel import Kernel\n",
            IMPORTS,
        ),
        (of[1], "".join(of)),
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
