"""``glyphite inspect`` tells people and scripts the same, and draws what it tells."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glyphite.convert.export.standalone import compile_folder
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from tests.builders.models import conv_and_pool
from tests.strict import require_module


@pytest.fixture
def small(build_folder: Path) -> ModelFolder:
    model, last = conv_and_pool(np.random.default_rng(8))
    folder = ModelFolder(build_folder / "small", build_folder / "small" / "model_int8.tflite")
    folder.root.mkdir(parents=True)
    folder.tflite.write_bytes(model.build([0], [last]))
    return folder


def test_a_person_sees_layers_numbers_passes_and_a_bar_a_layer(
    small: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", "small"]) == 0
    out = capsys.readouterr().out
    assert "conv_2d_max_pool_2d_0 │ 1x3x3x6 │ 3,528 │" in out
    assert "int8, 6 scales to 0.01" in out
    assert (
        "operator 0 (CONV_2D) + operator 1 (MAX_POOL_2D) -> operator 0 (CONV_2D+MAX_POOL_2D)"
        in " ".join(out.split())
    )
    arena = compile_folder(small).arena_bytes
    assert f"memory: {arena:,} bytes" in out
    assert f"conv_2d_max_pool_2d_0  {'█' * 26}" in out
    assert not small.generated.exists()


def test_a_script_gets_all_of_it(small: ModelFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(small.tflite), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    compiled = compile_folder(small)
    assert document["sha256"] == compiled.sha256
    assert document["input"]["shape"] == [1, 9, 8, 2]
    assert document["output"]["dtype"] == "int8"
    assert document["macs"] == sum(layer["macs"] for layer in document["layers"]) == compiled.macs
    assert document["memory"]["arena_bytes"] == compiled.arena_bytes
    assert 0 < document["memory"]["by_layer"][0]["bytes"] <= compiled.arena_bytes
    assert [rewrite["name"] for rewrite in document["passes"]].count("fuse_conv_max_pool") == 1


def test_a_person_sees_each_layers_kernel_for_a_board_and_the_verdicts_that_chose_it(
    small: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", "small", "--board", "cortex-m4", "--optimize", "size"]) == 0
    out = capsys.readouterr().out
    assert "kernels for cortex-m4, armv7e-m, --optimize size" in out
    assert "│ kernel dsp_conv_2d_max_pool_2d" in out
    assert "  pools are 2x2 " in out
    assert "│ yes   │ pools of 2x2" in out
    assert main(["inspect", "small"]) == 0
    portable = capsys.readouterr().out
    assert "kernels for any processor" in portable
    assert "  sums fit 32 bits " in portable


def test_a_script_gets_the_verdicts_as_data(
    small: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", "small", "--board", "cortex-m33", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["architecture"], document["goal"]) == ("armv8-m.main", "speed")
    (layer,) = document["layers"]
    assert layer["kernel"] == "dsp_conv_2d_max_pool_2d"
    verdicts = {proof["name"]: proof for proof in layer["proofs"]}
    assert verdicts["pools are 2x2"]["holds"] is True
    assert verdicts["Winograd is exact"]["holds"] is False
    assert verdicts["Winograd is exact"]["detail"].startswith("filters of 3x3")


def test_a_goal_that_there_is_not_lists_those_that_are(
    small: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["inspect", "small", "--optimize", "fast"])
    assert ended.value.code == 2
    assert "'fast' is not a goal. There are: speed, size, ram." in capsys.readouterr().err


def test_a_board_that_there_is_not_is_one_sentence(
    small: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", "small", "--board", "cortex-m99"]) == 2
    assert "No board called 'cortex-m99'" in capsys.readouterr().err


def colours(path: Path) -> int:
    """How many of the picture's pixels are neither grey nor white."""
    pixels = np.asarray(Image.open(path).convert("RGB"), int)
    return int((np.ptp(pixels, axis=2) > 60).sum())


def test_the_picture_shows_rectangles(small: ModelFolder, tmp_path: Path) -> None:
    require_module("matplotlib")
    path = tmp_path / "pictures" / "memory.png"
    assert main(["inspect", "small", "--picture", str(path)]) == 0
    assert Image.open(path).width >= 1000
    assert colours(path) > 100_000


def test_a_picture_can_be_scaled_and_names_its_model(small: ModelFolder, tmp_path: Path) -> None:
    require_module("matplotlib")
    path = tmp_path / "memory.svg"
    assert main(["inspect", "small", "--picture", str(path)]) == 0
    assert path.read_text().startswith("<?xml")


def test_without_matplotlib_the_way_out_is_named(
    small: ModelFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    path = tmp_path / "memory.png"
    assert main(["inspect", "small", "--picture", str(path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        "glyphite inspect: The package matplotlib is not installed, and pictures need it. "
        "Install it with `pip install 'glyphite[train]'`.\n"
    )
    assert not path.exists()


def test_what_is_no_pictures_name_is_refused_before_anything_is_printed(
    small: ModelFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "memory.txt"
    assert main(["inspect", "small", "--picture", str(path)]) == 2
    printed = capsys.readouterr()
    assert printed.err == (
        f"glyphite inspect: {path} is not a picture's name. Let it end in one of "
        ".png, .svg, .pdf.\n"
    )
    assert printed.out == ""
    assert not path.exists()


def test_a_picture_where_none_can_be_written_is_a_sentence(
    small: ModelFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_module("matplotlib")
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "memory.png"
    assert main(["inspect", "small", "--picture", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"glyphite inspect: {path} cannot be written: ")
    assert error.count("\n") == 1


def test_a_model_that_cannot_be_compiled_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(b"not a model")
    assert main(["inspect", str(path)]) == 2
    assert "This is not a .tflite" in capsys.readouterr().err
