"""Firmware that speaks MLPerf Tiny's protocol: of which task it is, and where it is built."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.errors import GlyphiteError
from glyphite.convert.manifest import TensorInfo
from glyphite.convert.shipped import FIRMWARE
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from glyphite.host.device.build import FOR_MLPERF, LIBRARY, native_command
from glyphite.host.device.mlperf import BENCHMARKS, Input, Task, task_of
from glyphite.host.device.transport.firmware_files import find_firmware

Tools = Callable[..., None]
Out = pytest.CaptureFixture[str]


def edge(*shape: int, dtype: str = "int8") -> TensorInfo:
    return TensorInfo((1, *shape), dtype, 0.1, 0)


IMAGE, SCORES, FEATURES = edge(32, 32, 3), edge(10), edge(640)


@pytest.mark.parametrize(
    ("task", "name", "benchmark", "source", "sink"),
    [
        (Task("ic01", Input.PIXELS, 3072), "resnet", "ic01", IMAGE, SCORES),
        (Task("vww01", Input.PIXELS, 3072), "vww01", None, IMAGE, SCORES),
        (Task("kws01", Input.TENSOR, 490), "kws01", "kws01", edge(49, 10, 1), edge(12)),
        (Task("ad01", Input.FLOATS, 2560), "toycar", "ad01", FEATURES, FEATURES),
        (Task("uno", Input.TENSOR, 3072), "uno", None, IMAGE, SCORES),
        (Task("floats", Input.TENSOR, 24), "floats", None, edge(6, dtype="float32"), SCORES),
        (Task("_1_2_m_ller", Input.TENSOR, 640), "é1]2 müller", None, FEATURES, SCORES),
        (Task("my-sww2", Input.TENSOR, 640), "sww2", None, FEATURES, SCORES),
        (Task("x" * 31, Input.TENSOR, 640), "x" * 99, None, FEATURES, SCORES),
    ],
)  # fmt: skip
def test_a_task_is_that_of_a_benchmark_or_of_the_model_s_own(
    task: Task, name: str, benchmark: str | None, source: TensorInfo, sink: TensorInfo
) -> None:
    """An id of its own is ASCII, fits a board's text, and is none of a streaming test."""
    assert task_of(name, source, sink, benchmark) == task


@pytest.mark.parametrize(
    ("benchmark", "source", "sink", "said"),
    [
        ("ic02", IMAGE, SCORES, "--benchmark ic02 is not known. There are: ad01, ic01, kws01, "
         "vww01. Leave it out for a model of your own."),
        ("ic01", edge(4, dtype="float32"), SCORES, "net takes float32 inputs, and ic01 is of "
         "pixels less 128 as int8. Convert the model with int8 inputs, or leave --benchmark out."),
        ("ad01", IMAGE, SCORES, "net takes int8 inputs of shape (32, 32, 3) and gives int8 outputs "
         "of shape (10,), and ad01 is of models that give their input back. Choose another "
         "--benchmark, or leave it out."),
    ],
)  # fmt: skip
def test_a_model_that_is_none_for_a_benchmark_is_refused(
    benchmark: str, source: TensorInfo, sink: TensorInfo, said: str
) -> None:
    with pytest.raises(GlyphiteError) as caught:
        task_of("net", source, sink, benchmark)
    assert str(caught.value) == said


def test_the_kinds_of_input_are_those_of_the_header() -> None:
    header = (LIBRARY / "glyphite_mlperf.h").read_text()
    assert all(f"    GLYPHITE_MLPERF_{kind}" in header for kind in Input)
    assert set(BENCHMARKS) == {"ad01", "ic01", "kws01", "vww01"}


def test_usual_firmware_has_nothing_of_it(tiny: ModelFolder, tmp_path: Path) -> None:
    names = {Path(word).name for word in native_command(tiny, load_board("native"), tmp_path)}
    assert names >= {"main.c", "glyphite_application.c"}
    assert not names & {"mlperf.c", *FOR_MLPERF}
    assert all((LIBRARY / name).is_file() for name in FOR_MLPERF)
    assert (FIRMWARE / "ports" / "mlperf.c").is_file()


def test_it_is_built_beside_the_usual_firmware_and_never_in_its_place(
    build_folder: Path, capsys: Out, require_tool: Tools
) -> None:
    require_tool("cc")
    assert main(["build", "uno", "--board", "native"]) == 0
    usual = find_firmware("native").path
    before = usual.read_bytes()
    capsys.readouterr()
    assert main(["build", "uno", "--board", "native", "--protocol", "mlperf"]) == 0
    said = capsys.readouterr().out
    image = build_folder / "uno" / "mlperf" / "native" / "speed" / "firmware.elf"
    assert "uno on native, MLPerf Tiny's uno" in said
    assert str(image) in said and "glyphite mlperf uno --port" in said
    assert image.is_file() and image.read_bytes() != before
    assert find_firmware("native").path == usual and usual.read_bytes() == before
    assert main(["build", "uno", "--board", "native", "--protocol", "mlperf", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["protocol"], document["benchmark"]) == ("mlperf", "uno")
    assert main(["report", "uno", "--json"]) == 0
    assert "mlperf" not in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["build", "emulate"])
def test_a_benchmark_without_the_protocol_is_refused(verb: str, capsys: Out) -> None:
    assert main([verb, "uno", "--board", "native", "--benchmark", "ic01"]) == 2
    assert capsys.readouterr().err == (
        f"glyphite {verb}: --benchmark goes with --protocol mlperf. Add it, or leave both.\n"
    )


def test_a_board_without_room_for_it_is_told_of(capsys: Out, require_tool: Tools) -> None:
    require_tool("avr-gcc", "arduino-builder")
    assert main(["build", "uno", "--board", "uno", "--protocol", "mlperf"]) == 1
    assert "The model 'uno' does not fit on 'uno': it needs " in capsys.readouterr().err
