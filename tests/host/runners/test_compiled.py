"""The runner of the generated C, and the verb that writes it."""

import json
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.errors import ModelError, ToolError
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from glyphite.host.runners.base import TITLES
from glyphite.host.runners.compiled import CompiledRunner
from glyphite.host.runners.tflm import TflmRunner
from tests.builders.calls import calls_of


def images(count: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.int8]]":
    """Random input tensors."""
    return np.random.default_rng(count).integers(-128, 128, (count, 28, 28, 1)).astype(np.int8)


def test_the_generated_c_answers_as_tflm_does(seed: ModelFolder) -> None:
    runner = CompiledRunner(seed.tflite)
    assert runner.name in TITLES
    tensors = images(60)
    expected = TflmRunner(seed.tflite).run(tensors)[0]
    assert np.array_equal(runner.run(tensors)[0], expected)


def test_a_model_is_compiled_once_for_preparing_and_running(
    seed: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    compilations = calls_of(monkeypatch, "glyphite.host.runners.compiled.compile_model")
    seed.tflite.write_bytes(seed.tflite.read_bytes() + bytes(16))  # so that no other test knew it
    runner = CompiledRunner(seed.tflite)
    assert runner.prepare().name == seed.tflite.stem
    runner.run(images(1))
    assert len(compilations) == 1


def test_progress_is_told_of_every_image(seed: ModelFolder) -> None:
    told: list[int] = []
    scores = CompiledRunner(seed.tflite).run(images(230), progress=told.append)[0]
    assert scores.shape == (230, 10)
    assert sum(told) == 230
    assert len(told) > 1


def test_another_model_in_the_same_file_is_not_answered_by_the_old_one(
    seed: ModelFolder,
) -> None:
    """What is kept from one run to the next is of the same bytes."""
    runner, tensors = CompiledRunner(seed.tflite), images(5)
    before = runner.run(tensors)[0]
    content = bytearray(seed.tflite.read_bytes())
    weights = max(_buffers(bytes(content)), key=len)
    at = content.index(weights)
    content[at : at + len(weights)] = bytes(len(weights))
    seed.tflite.write_bytes(content)
    after = runner.run(tensors)[0]
    assert not np.array_equal(before, after)
    assert np.array_equal(after, TflmRunner(seed.tflite).run(tensors)[0])


def _buffers(content: bytes) -> list[bytes]:
    from glyphite.convert.compiler.frontend.tflite import read

    return [tensor.data.tobytes() for tensor in read(content).tensors if tensor.data is not None]


def test_images_of_another_shape_are_refused(seed: ModelFolder) -> None:
    with pytest.raises(ModelError, match=r"shape \(28, 28\), and the model takes \(28, 28, 1\)"):
        CompiledRunner(seed.tflite).run(images(1)[..., 0])


def test_a_machine_without_a_c_compiler_is_told_what_to_install(
    seed: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(ToolError, match="CC names, is not on the PATH"):
        CompiledRunner(seed.tflite).run(images(1))


def test_a_c_compiler_that_fails_is_named_with_what_it_said(
    seed: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "false")
    with pytest.raises(ToolError, match=r"false -std=c99 .*` failed: exit code 1\. All "):
        CompiledRunner(seed.tflite).run(images(1))


def test_compile_writes_two_files_and_prints_the_layers(
    seed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", "seed"]) == 0
    said = capsys.readouterr().out
    assert sorted(path.name for path in seed.generated.iterdir()) == ["model.c", "model.h"]
    for expected in ("conv_2d_max_pool_2d_0", "1x13x13x32", "2,794,240", "arena: 3,112 bytes"):
        assert expected in said


def test_compile_can_print_json(seed: ModelFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "seed", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["arena_bytes"] == 3112
    assert document["macs"] == 2794240
    assert sum(layer["macs"] for layer in document["layers"]) == document["macs"]
    assert [Path(file).name for file in document["files"]] == ["model.h", "model.c"]
    assert all(Path(file).is_file() for file in document["files"])


def test_compile_can_make_c_whose_input_streams(
    seed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", "seed", "--stream-input", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["arena_bytes"], document["state_bytes"]) == (3056, 10)
    assert "model_take_row" in (seed.variant("c", "stream-input") / "model.h").read_text()


def test_a_foreign_tflite_needs_no_manifest(
    seed: ModelFolder, build_folder: Path, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign net.tflite"
    foreign.write_bytes(seed.tflite.read_bytes())
    assert main(["compile", str(foreign)]) == 0
    text = (build_folder / "foreign_net" / "c" / "model.h").read_text()
    assert '#define MODEL_NAME "foreign_net"' in text


@pytest.mark.parametrize("content", [b"not a model at all", b"\x1c\x00\x00\x00TFL3\x00\x00"])
def test_a_bad_file_is_one_sentence_and_writes_nothing(
    content: bytes, tmp_path: Path, build_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.tflite"
    path.write_bytes(content)
    assert main(["compile", str(path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("glyphite compile: The") or said.err.startswith(
        "glyphite compile: This is not a .tflite"
    )
    assert "Traceback" not in said.err
    assert not build_folder.exists()


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "no/such.tflite"]) == 2
    assert "No such file: no/such.tflite" in capsys.readouterr().err
