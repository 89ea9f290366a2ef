"""What bench says is what ran: held against loops of known length, ticks, binutils and gcc."""

import dataclasses
import json
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.errors import InputError, ToolError
from glyphite.convert.export.standalone import compile_folder
from glyphite.convert.progress import ignore_progress
from glyphite.convert.workspace import ModelFolder, build_root
from glyphite.host.cli import main
from glyphite.host.device.build import build
from glyphite.host.device.elf import read_elf
from glyphite.host.device.session import connect
from glyphite.host.measure.bench.baseline import find_baseline
from glyphite.host.measure.bench.code import disassemble
from glyphite.host.measure.bench.cycles import M4, timing
from glyphite.host.measure.bench.footprint import footprint
from glyphite.host.measure.bench.measure import layers_with_weights
from glyphite.host.measure.bench.watch import Watched, make_plan, parse_report, watch
from tests.builders.boards import CORTEX_M
from tests.builders.calls import calls_of
from tests.builders.edges import network
from tests.builders.models import conv_and_pool
from tests.strict import require_module

FIGURES = """unit count macs cycles weights_bytes code_bytes static_ram_bytes stack_bytes
    count_least count_most count_per_mac cycle_model inputs inferences tflm model board sha256
    milliseconds timed_by flash_bytes goal firmware_sha256 date"""

PARTS = """
__attribute__((noinline)) static void run_loop(void) {
    uint32_t turns = 100000;
    __asm volatile(".syntax unified\\n1: nop\\n subs %0, %0, #1\\n bne 1b"
                   : "+l"(turns) : : "cc");
}
__attribute__((noinline)) static int32_t deeper(void) {
    volatile int32_t frame[100];
    frame[99] = 1;
    __asm volatile("" : : "r"(frame) : "memory");
    return frame[99];
}
__attribute__((noinline)) static void run_frame(void) {
    volatile int32_t frame[50];
    frame[0] = deeper();
    __asm volatile("" : : "r"(frame) : "memory");
    frame[1] = deeper();
}
void model_invoke(void) {
    run_loop();
    run_frame();
}
"""


@pytest.fixture(autouse=True)
def tools(require_tool: Callable[..., None]) -> None:
    require_tool("cc", "arm-none-eabi-gcc", "qemu-system-arm")


@pytest.fixture
def small(build_folder: Path) -> ModelFolder:
    """A convolution with pooling, of random weights."""
    model, last = conv_and_pool(np.random.default_rng(3))
    folder = ModelFolder(build_folder / "small", build_folder / "small" / "model_int8.tflite")
    folder.root.mkdir(parents=True)
    folder.tflite.write_bytes(model.build([0], [last]))
    compile_folder(folder).write(folder.generated)
    return folder


def test_a_model_of_float_input_is_counted_on_floats(
    build_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = build_folder / "floats.tflite"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(network())
    assert main(["bench", str(path), "--board", "cortex-m4", "--count", "2", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["inputs"] == "2 random float32 inputs"
    assert figures["count"] > 100


@pytest.fixture
def parts(tiny: ModelFolder) -> ModelFolder:
    """The tiny model, whose inference is a loop of known length and two nested frames."""
    source = tiny.generated / "model.c"
    renamed = source.read_text().replace(
        "void model_invoke(", "void tiny_invoke(void);\nvoid tiny_invoke("
    )
    source.write_text(renamed + PARTS)
    return tiny


def watched(
    folder: ModelFolder, name: str, layers: Sequence[str], inputs: int = 2
) -> list[Watched]:
    board = load_board(name)
    image = build(folder, board).image
    elf = read_elf(image)
    plan = make_plan(elf, list(disassemble(board, image).values()), layers)
    size = int(
        re.findall(r"MODEL_INPUT_BYTES (\d+)", (folder.generated / "model.h").read_text())[0]
    )
    tensors = np.zeros((inputs, size), np.int8)
    return list(watch(board, image, plan, tensors, ignore_progress))


def test_each_instruction_is_counted_for_its_part(parts: ModelFolder) -> None:
    for run in watched(parts, "cortex-m4", ["loop", "frame"]):
        assert run.count() == sum(run.count(part) for part in (0, 1, 2))
        assert 3 * 100_000 < run.count(1) < 3 * 100_000 + 10
        assert 10 < run.count(2) < 60
        assert 0 < run.count(0) < 10


def test_a_loop_takes_its_instructions_and_its_branches(parts: ModelFolder) -> None:
    """A turn is nop, subs and a branch that is taken: 1 + 1 + 3 cycles."""
    run = watched(parts, "cortex-m4", ["loop", "frame"], 1)[0]
    board = load_board("cortex-m4")
    code = disassemble(board, parts.board("cortex-m4") / "firmware.elf")
    cycles = 0
    for block in (block for block in run.blocks if block.part == 1):
        takes = timing(M4, code, block.start, block.end, block.instructions)
        cycles += block.runs * takes.straight + block.leaves * takes.leaving
    assert cycles == pytest.approx(5 * 100_000, abs=20)


def test_an_instruction_across_the_end_of_a_page_is_one(parts: ModelFolder) -> None:
    """QEMU ends a block before such an instruction, and takes it for larger than it is."""
    loop = """    uint32_t turns = 100;
    __asm volatile("b.w 1f\\n .balign 1024\\n1: .rept 511\\n nop\\n .endr\\n"
                   " subs.w %0, %0, #1\\n bne.w 1b"
                   : "+r"(turns) : : "cc");"""
    source = parts.generated / "model.c"
    text = source.read_text()
    source.write_text(
        re.sub(r"    uint32_t turns.*?;\n.*?;", lambda _: loop, text, flags=re.DOTALL)
    )
    run = watched(parts, "cortex-m4", ["loop", "frame"], 1)[0]
    code = disassemble(load_board("cortex-m4"), parts.board("cortex-m4") / "firmware.elf")
    blocks = [block for block in run.blocks if block.part == 1]
    assert 100 * 513 < run.count(1) < 100 * 513 + 1100
    assert sum(block.leaves for block in blocks) == 99 + 3  # back; in, out, and on to the frame
    for block in blocks:
        timing(M4, code, block.start, block.end, block.instructions)


@pytest.mark.parametrize("name", ["cortex-m0", "cortex-m4", "cortex-m33"])
def test_the_stack_is_what_gcc_says_that_the_frames_take(
    parts: ModelFolder, name: str, tmp_path: Path
) -> None:
    """gcc's own figures of the deepest chain of calls: model_invoke, run_frame, deeper."""
    stack = watched(parts, name, ["loop", "frame"], 1)[0].stack
    board = load_board(name)
    command = [board.toolchain.cc, board.toolchain.optimize, *board.toolchain.flags]
    made = tmp_path / "model.o"
    options = ("-fstack-usage", "-c", "-o", str(made))
    subprocess.run([*command, *options, str(parts.generated / "model.c")], check=True)
    lines = made.with_suffix(".su").read_text().splitlines()
    used = {line.split("\t")[0].rsplit(":")[-1]: int(line.split("\t")[1]) for line in lines}
    # The last call of model_invoke is a jump: its own frame is gone by then.
    assert stack in (used["run_frame"] + used["deeper"],
                     used["model_invoke"] + used["run_frame"] + used["deeper"])  # fmt: skip


@pytest.mark.parametrize("name", CORTEX_M)
def test_the_count_is_what_the_boards_own_timer_says(small: ModelFolder, name: str) -> None:
    """Ticks are of 40 or 50 instructions, and hold the two calls of the timer itself."""
    layers = [row.name for row in compile_folder(small).layers]
    run = watched(small, name, layers, 1)[0]
    emulator = load_board(name).emulator
    assert emulator is not None
    assert emulator.instructions_per_tick is not None
    with connect(f"sim://{name}") as session:
        ticks = session.ask(np.zeros((9, 8, 2), np.int8)).ticks
    assert run.count() == pytest.approx(ticks * emulator.instructions_per_tick, abs=120)


@pytest.mark.parametrize("name", ["cortex-m4", "cortex-m0"])
def test_the_footprint_is_the_models_own_arrays_and_what_binutils_count(
    small: ModelFolder, name: str, tmp_path: Path
) -> None:
    board, compiled = load_board(name), compile_folder(small)
    found = footprint(board, small.generated, layers_with_weights(compiled))
    assert found.weights == compiled.constant_bytes
    assert found.static_ram == -(-compiled.arena_bytes // 4) * 4  # the linker ends it at a word
    made = tmp_path / "model.o"
    command = [board.toolchain.cc, board.toolchain.optimize, *board.toolchain.flags]
    command += ["-c", "-o", str(made), str(small.generated / "model.c")]
    subprocess.run(command, check=True)
    table = subprocess.run(["arm-none-eabi-size", made], check=True, capture_output=True, text=True)
    text = int(table.stdout.splitlines()[1].split()[0])
    # Alone it calls nothing of gcc's libraries but, on the Cortex-M0, the 64-bit multiplication.
    assert text - found.weights <= found.code + 8 <= text - found.weights + 200


def test_flags_that_the_compiler_refuses_are_to_be_mended_in_the_boards_file(
    small: ModelFolder,
) -> None:
    board = load_board("cortex-m0")
    wrong = dataclasses.replace(board.toolchain, flags=("-no-such-flag",))
    with pytest.raises(ToolError) as caught:
        footprint(dataclasses.replace(board, toolchain=wrong), small.generated, [])
    (kept,) = (build_root() / ".boards").glob("*.log")
    assert "-no-such-flag" in kept.read_text()
    way_out = f"All that it said is in {kept}. Check 'toolchain' in {board.path}."
    assert str(caught.value).endswith(way_out)


def test_a_library_that_the_model_calls_is_its_code(parts: ModelFolder) -> None:
    board = load_board("cortex-m0")
    before = footprint(board, parts.generated, []).code
    source = parts.generated / "model.c"
    source.write_text(
        source.read_text().replace(
            "    run_loop();\n    run_frame",
            "    run_loop();\n    *model_input() = (int8_t)(100 / *model_input());\n    run_frame",
        )
    )
    assert footprint(board, parts.generated, []).code > before + 100


def test_what_qemu_says_where_it_does_not_start_is_told(
    parts: ModelFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, tensors = load_board("cortex-m4"), np.zeros((1, 300), np.int8)
    image = build(parts, board).image
    qemu = tmp_path / "bin" / "qemu-system-arm"
    qemu.parent.mkdir()
    qemu.write_text("#!/bin/sh\necho 'no plugins in this build' >&2; exit 1\n")
    qemu.chmod(0o755)
    monkeypatch.setenv("PATH", str(qemu.parent), prepend=os.pathsep)
    told = r"counts instructions: the emulator has stopped \(exit code 1\): no plugins in this"
    with pytest.raises(ToolError, match=told):
        list(watch(board, image, "", tensors, ignore_progress))


def test_a_function_that_the_firmware_lacks_is_named(parts: ModelFolder) -> None:
    with pytest.raises(ToolError, match=r"The firmware has no function run_nothing\. Build it"):
        watched(parts, "cortex-m4", ["loop", "nothing"])


def test_a_report_of_another_call_is_refused() -> None:
    text = "calls 2\nstack 8\nbalance 0\nblock 1 10 14 2 7 3\n"
    assert parse_report(text, 2).count() == 14
    assert parse_report(text, 2).stack == 8
    with pytest.raises(ToolError, match="ran the model 2 times, not 3"):
        parse_report(text, 3)


def test_a_stack_that_does_not_come_back_is_not_known() -> None:
    assert parse_report("calls 1\nstack 8\nbalance -4\n", 1).stack is None


class TestBaseline:
    """TFLM's figures stand only beside the network that they were recorded for."""

    SEED = (2_794_240, (1, 28, 28, 1), (1, 10))

    def test_is_found_for_the_same_board_and_shapes(self) -> None:
        found = find_baseline("cortex-m4", *self.SEED)
        assert found is not None
        assert (found.count, found.static_ram_bytes, found.code_bytes) == (
            6_807_313,
            30_468,
            47_856,
        )
        assert "mps2-an386" in found.method

    @pytest.mark.parametrize(
        "key",
        [
            ("cortex-m7", *SEED),
            ("cortex-m4", 2_794_241, *SEED[1:]),
            ("cortex-m4", SEED[0], (1, 784), SEED[2]),
            ("cortex-m4", *SEED[:2], (1, 11)),
        ],
    )
    def test_is_not_for_another(
        self, key: tuple[str, int, tuple[int, ...], tuple[int, ...]]
    ) -> None:
        assert find_baseline(*key) is None


class TestCommand:
    """``glyphite bench``."""

    def test_json_has_every_figure_and_the_layers_add_up(
        self, small: ModelFolder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        options = ["--board", "cortex-m4", "--count", "3", "--layers", "--json"]
        assert main(["bench", "small", *options]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document.pop("calibrated_on") == ""
        assert set(document) == {*FIGURES.split(), "layers"}
        assert document["unit"] == "instructions"
        assert document["inputs"] == "3 random int8 inputs"
        assert document["count_least"] <= document["count"] <= document["count_most"]
        assert document["count"] > document["macs"] / 2 > 0  # SMLAD makes two MACs at once
        assert document["cycles"] > document["count"]
        assert document["milliseconds"] == 1000 * (document["cycles"] / 25_000_000)
        assert document["timed_by"] == "modelled cycles"
        kept = json.loads((small.board("cortex-m4") / "speed" / "bench.json").read_text())
        assert kept == {key: value for key, value in document.items() if key != "layers"}
        assert document["stack_bytes"] > 0
        assert document["tflm"] is None
        for key in ("count", "cycles", "macs"):
            assert sum(layer[key] for layer in document["layers"]) == pytest.approx(
                document[key], abs=2
            )

    def test_the_model_is_compiled_once(
        self, small_tflite: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        compilations = calls_of(monkeypatch, "glyphite.convert.export.standalone.compile_model")
        assert main(["bench", str(small_tflite), "--board", "cortex-m4", "--count", "1"]) == 0
        assert len(compilations) == 1

    def test_a_seed_model_stands_beside_tflms_figures(
        self, seed: ModelFolder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """On digits, as its input is one; by layer."""
        require_module("tensorflow")
        assert main(["bench", "seed", "--board", "cortex-m4", "--count", "2", "--layers"]) == 0
        out = capsys.readouterr().out
        assert "seed on cortex-m4: mean of the first 2 test images of MNIST" in out
        assert "dsp_conv_2d_4" in out
        assert re.search(r"│ modelled time at 25 MHz +│ +\d\d\.\d ms │", out)
        assert "6,807,313" in out
        assert re.search(r"│ flash for both, bytes +│ +185,\d+ │ +152,\d+ │ +0\.8 │", out)
        said = " ".join(out.split())
        assert "TFLM: recorded for the seed CNN. TFLM of August 2026 with CMSIS-NN" in said

    def test_a_foreign_tflite_on_a_cortex_m0(
        self, small: ModelFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        foreign = tmp_path / "foreign.tflite"
        foreign.write_bytes(small.tflite.read_bytes())
        assert main(["bench", str(foreign), "--board", "cortex-m0", "--count", "1", "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document["model"] == "foreign"
        assert document["cycle_model"] == "cortex-m0"

    def test_a_board_without_a_counter_is_refused_at_once(
        self, small: ModelFolder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["bench", "small", "--board", "native"]) == InputError.exit_code
        assert capsys.readouterr().err == (
            "glyphite bench: Neither instructions nor cycles can be counted on the board "
            "'native'. Name one that is emulated, such as cortex-m4 or uno.\n"
        )
        assert not small.board("native").exists()
