"""On an Arduino, cycles are counted: a loop of known length takes what the chip's manual says."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.progress import ignore_progress
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from glyphite.host.device.build import build
from glyphite.host.device.elf import read_elf
from glyphite.host.measure.bench.watch import Watched, make_plan, watch

TURNS = 20_000
RETURNS = "rcall 2f\\n" * 8
PARTS = f"""
__attribute__((noinline)) static void run_loop(void) {{
    uint16_t turns = {TURNS};
    __asm volatile("1: sbiw %0, 1\\n brne 1b" : "+w"(turns) : : "cc");
}}
__attribute__((noinline)) static void run_frame(void) {{
    volatile int8_t frame[60];
    frame[0] = 1;
    __asm volatile("" : : "r"(frame) : "memory");
}}
__attribute__((noinline)) static void run_returns(void) {{
    uint16_t turns = {TURNS // 10};
    __asm volatile("1: {RETURNS} sbiw %0, 1\\n brne 1b\\n rjmp 3f\\n 2: ret\\n 3:"
                   : "+w"(turns) : : "cc");
}}
__attribute__((noinline)) static void run_odd(void) {{
    __asm volatile("nop");
}}
__attribute__((noinline)) static void run_even(void) {{
    __asm volatile("nop\\n nop");
}}
__attribute__((noinline)) static void run_turns(void) {{
    for (uint16_t turn = 0; turn < {TURNS // 10}; turn++) {{
        run_odd();
        run_even();
    }}
}}
void model_invoke(void) {{
    run_turns();
    run_returns();
    run_loop();
    run_frame();
}}
"""


@pytest.fixture(autouse=True)
def tools(require_tool: Callable[..., None], absent_because: Callable[[str], None]) -> None:
    require_tool("cc", "avr-gcc", "avr-objcopy", "arduino-builder")
    if not Path("/usr/include/simavr/sim_avr.h").is_file():
        absent_because("libsimavr-dev is not installed.")


@pytest.fixture
def parts(tiny: ModelFolder) -> ModelFolder:
    """The tiny model, whose inference is a loop of known length and a frame of known size."""
    source = tiny.generated / "model.c"
    renamed = source.read_text().replace(
        "void model_invoke(", "void tiny_invoke(void);\nvoid tiny_invoke("
    )
    source.write_text(renamed + PARTS)
    return tiny


def watched(folder: ModelFolder, name: str) -> list[Watched]:
    board = load_board(name)
    image = build(folder, board).image
    plan = make_plan(read_elf(image), [], ["loop", "frame", "returns", "odd", "even"])
    tensors = np.zeros((8, 300), np.int8)
    return list(watch(board, image, plan, tensors, ignore_progress))


@pytest.mark.parametrize("name", ["uno", "mega2560"])
def test_a_loop_takes_the_cycles_of_the_chips_manual(parts: ModelFolder, name: str) -> None:
    """SBIW takes 2, BRNE 2 where it is taken: 4 a turn. Call, load and return are some more."""
    runs = watched(parts, name)
    for run in runs:
        assert 4 * TURNS < run.count(1) < 4 * TURNS + 30
        assert run.count() == sum(run.count(part) for part in range(6))
        assert run.stack is not None
        assert 60 <= run.stack < 60 + 12


def test_a_part_begins_where_it_does_also_behind_an_interrupt(parts: ModelFolder) -> None:
    """Two functions take turns, and interrupts come at each place: some as one is called."""
    runs = watched(parts, "uno")
    assert len({(run.count(4), run.count(5)) for run in runs}) == 1
    assert runs[0].count(4) % (TURNS // 10) == 0  # NOP, RET and what calls the other: the same each


def test_interrupts_are_no_part_of_it(parts: ModelFolder) -> None:
    """The timer's come every 16,384 cycles, and the first of a run mostly behind a ``ret``."""
    runs = watched(parts, "uno")
    assert len({run.cycles for run in runs}) == 1


def test_the_command_counts_cycles_and_models_none(
    small_tflite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--board", "uno", "--count", "2", "--layers", "--json"]
    assert main(["bench", str(small_tflite), *options]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["unit"] == "cycles"
    assert document["cycle_model"] == "counted"
    assert document["count"] == document["cycles"] > 8 * document["macs"]
    assert document["weights_bytes"] >= 4 * 16
    assert document["milliseconds"] == 1000 * (document["count"] / 16_000_000)
    assert document["timed_by"] == "counted cycles"
    assert sum(layer["count"] for layer in document["layers"]) == pytest.approx(
        document["count"], abs=2
    )


def test_memory_is_the_whole_sketchs_as_build_says_it(
    small_tflite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", str(small_tflite), "--board", "uno", "--count", "1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert main(["build", str(small_tflite), "--board", "uno", "--json"]) == 0
    built = json.loads(capsys.readouterr().out)
    found = [document[f"{name}_bytes"] for name in ("flash", "static_ram", "stack")]
    assert found == [built["flash"], built["ram"], built["stack"]]
    assert document["weights_bytes"] + document["code_bytes"] < document["flash_bytes"]
    assert main(["bench", str(small_tflite), "--board", "uno", "--count", "1"]) == 0
    said = capsys.readouterr().out
    assert "modelled" not in said
    assert len(re.findall(r"│ counted cycles +│", said)) == 1
    assert re.search(r"│ time, from counted cycles at 16 MHz +│ +\d+ µs │", said)
    assert re.search(rf"│ flash +│ +{built['flash']:,} │ 32,256 │", said)
    assert re.search(rf"│ static RAM +│ +{built['ram']:,} │ +2,048 │", said)
