"""Verify finds the byte that differs, on inputs that nobody drew."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.errors import CheckFailedError, InputError
from glyphite.convert.export.standalone import compile_folder
from glyphite.convert.manifest import TensorInfo
from glyphite.convert.progress import Progress, ignore_progress
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from glyphite.host.device.build import build
from glyphite.host.measure.first_difference import Difference, Trace, trace
from glyphite.host.measure.verify import (
    GroupFigures,
    as_floats,
    blame,
    check,
    compare_groups,
    extreme_inputs,
    random_inputs,
    read_inputs,
)
from glyphite.host.runners.base import Outputs, Tensors
from glyphite.host.runners.tflm import all_tensors, infer
from tests.builders.edges import network
from tests.builders.models import conv_and_pool

Flash = Callable[..., ModelFolder]


class Negated:
    """A runner whose scores are the input's, or their complements in the last images."""

    name = "board"

    def __init__(self, wrong: int) -> None:
        self.wrong = wrong

    def run(self, *inputs: Tensors, progress: Progress = ignore_progress) -> Outputs:
        progress(len(inputs[0]))
        scores = inputs[0].copy()
        if self.wrong:
            scores[-self.wrong :] = ~scores[-self.wrong :]
        return (scores,)


class TestInputs:
    """What the boards are tried with."""

    def test_random_inputs_use_every_byte_and_are_repeatable(self) -> None:
        inputs = random_inputs((28, 28, 1), 20)
        assert inputs.shape == (20, 28, 28, 1)
        assert inputs.dtype == np.int8
        assert len(np.unique(inputs)) == 256
        np.testing.assert_array_equal(inputs, random_inputs((28, 28, 1), 20))
        assert (inputs != random_inputs((28, 28, 1), 20, seed=2)).any()

    @pytest.mark.parametrize("shape", [(28, 28, 1), (49, 10, 1), (640,), (1,)])
    def test_extreme_inputs_are_of_the_models_shape(self, shape: tuple[int, ...]) -> None:
        inputs = extreme_inputs(shape)
        assert inputs.shape[1:] == shape
        assert inputs.dtype == np.int8

    def test_extreme_inputs_hold_the_ends_boards_and_single_pixels(self) -> None:
        images = [image.reshape(4, 4) for image in extreme_inputs((4, 4, 1))]
        assert any((image == -128).all() for image in images)
        assert any((image == 127).all() for image in images)
        checkerboard = np.where(np.indices((4, 4)).sum(axis=0) % 2 == 0, 127, -128)
        assert any((image == checkerboard).all() for image in images)
        assert any(
            (image == checkerboard[:2, :2].repeat(2, 0).repeat(2, 1)).all() for image in images
        )
        for place in ((0, 0), (2, 0), (3, 3)):
            single = np.full((4, 4), -128)
            single[place] = 127
            assert any((image == single).all() for image in images), place

    def test_given_inputs_are_read_as_they_are(self, tmp_path: Path) -> None:
        given = random_inputs((4, 4, 1), 3)
        np.save(tmp_path / "given.npy", given)
        np.testing.assert_array_equal(read_inputs(tmp_path / "given.npy", (4, 4, 1)), given)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (np.zeros((2, 4, 4, 1), np.uint8), r"holds uint8 of shape \(2, 4, 4, 1\), and int8 of"),
            (
                np.zeros((4, 4, 1), np.int8),
                r"int8 of shape \(4, 4, 1\), and int8 of shape \('n', 4",
            ),
            (np.zeros((0, 4, 4, 1), np.int8), "holds no inputs"),
        ],
    )
    def test_given_inputs_of_another_kind_are_refused(
        self, tmp_path: Path, content: Tensors, message: str
    ) -> None:
        np.save(tmp_path / "given.npy", content)
        with pytest.raises(InputError, match=message):
            read_inputs(tmp_path / "given.npy", (4, 4, 1))

    @pytest.mark.parametrize("content", [b"", b"pixels", b"\x93NUMPY\x03\x04"])
    def test_a_file_that_is_no_npy_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "given.npy").write_bytes(content)
        with pytest.raises(InputError, match=r"given\.npy is not a \.npy file"):
            read_inputs(tmp_path / "given.npy", (4, 4, 1))

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="No such file"):
            read_inputs(tmp_path / "given.npy", (4, 4, 1))


class TestFloats:
    """Float inputs lie around the values that the model's QUANTIZE makes of them."""

    def test_they_cover_every_value_and_all_that_lies_between(self) -> None:
        groups = {"random": random_inputs((5, 1, 3), 300), "own": np.ones((1, 5, 1, 3), np.float32)}
        source = TensorInfo((1, 5, 1, 3), "float32", float(np.float32(0.05)), 7)
        found = as_floats(groups, source)
        assert found["own"] is groups["own"]
        assert found["random"].dtype == np.float32
        levels = found["random"].astype(np.float64) / np.float32(0.05) + 7
        beside = levels - groups["random"]
        assert -1.001 < beside.min() < -0.99 < 0.99 < beside.max() < 1.001
        assert len(np.unique(np.round(levels))) >= 256
        assert len(np.unique(found["random"])) > 2000


class TestGroups:
    """Each kind of input is counted for itself."""

    GROUPS = {"random": random_inputs((5,), 7), "extreme": extreme_inputs((5,))}  # noqa: RUF012

    def test_equal_runners_differ_nowhere(self) -> None:
        compared = compare_groups(self.GROUPS, Negated(0), Negated(0), ignore_progress)
        figures = compared.figures
        assert compared.wrong is None
        assert [group["inputs"] for group in figures] == ["random", "extreme"]
        assert [group["images"] for group in figures] == [7, len(self.GROUPS["extreme"])]
        assert not any(group["bytes_differ"] for group in figures)
        check(figures, "native")

    def test_one_image_that_differs_is_found_in_its_group(self) -> None:
        compared = compare_groups(self.GROUPS, Negated(1), Negated(0), ignore_progress)
        figures = compared.figures
        assert compared.wrong is not None
        tensor, answer, expected = compared.wrong
        np.testing.assert_array_equal(tensor, self.GROUPS["extreme"][-1])
        np.testing.assert_array_equal(answer, ~expected)
        assert figures[0]["images_differ"] == 0
        assert figures[1]["images_differ"] == 1
        assert figures[1]["bytes_differ"] == 5
        with pytest.raises(CheckFailedError, match=r"native differs .* on 1 extreme inputs"):
            check(figures, "native")

    def test_of_several_inputs_that_differ_the_first_is_traced(self) -> None:
        wrong = compare_groups(self.GROUPS, Negated(3), Negated(0), ignore_progress).wrong
        assert wrong is not None
        np.testing.assert_array_equal(wrong[0], self.GROUPS["extreme"][-3])

    def test_progress_counts_both_runners(self) -> None:
        steps: list[int] = []
        compare_groups(self.GROUPS, Negated(0), Negated(0), steps.append)
        assert sum(steps) == 2 * sum(len(group) for group in self.GROUPS.values())

    def test_the_message_names_every_group_that_differs(self) -> None:
        group = GroupFigures(
            inputs="random", images=9, images_differ=2, bytes_differ=3, largest_difference=4
        )
        other = group | {"inputs": "given", "images_differ": 1, "largest_difference": 7}
        message = r"on 2 random, 1 given inputs \(by at most 7\)"
        with pytest.raises(CheckFailedError, match=message):
            check([group, other], "native")


class TestCause:
    """What is said of the first input that differs."""

    def test_is_not_sought_in_c_for_an_avr(self, build_folder: Path) -> None:
        """Its kernels are assembly."""
        model, last = conv_and_pool(np.random.default_rng(0))
        folder = ModelFolder(build_folder, build_folder / "small.tflite")
        build_folder.mkdir()
        folder.tflite.write_bytes(model.build([0], [last]))
        compile_folder(folder, "avr5").write(folder.generated)
        assert trace(folder, random_inputs((9, 8, 2), 1)[0]) is None

    def test_has_a_word_more_where_the_board_answers_otherwise_than_its_c(self) -> None:
        found = Difference("conv_2d_4", "operator 4 (CONV_2D)", (0,), 1, 2, 3, 576)
        traced, expected = Trace(np.array([1, 2], np.int8), found), np.array([7, 7], np.int8)
        assert blame(traced, traced.output, expected) == found.text
        assert blame(traced, traced.output + 1, expected) == (
            f"{found.text} The board's answer is yet another one: its image is older, or wrong."
        )


class TestCommand:
    """``glyphite verify``."""

    def test_finds_no_byte_that_differs_on_a_board(
        self, native: ModelFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        np.save(tmp_path / "own.npy", random_inputs((28, 28, 1), 3, seed=9))
        options = ["--board", "native", "--count", "30", "--inputs", str(tmp_path / "own.npy")]
        assert main(["verify", native.name, *options, "--json"]) == 0
        groups = json.loads(capsys.readouterr().out)["groups"]
        assert [group["inputs"] for group in groups] == ["random", "extreme", "given"]
        assert [group["images"] for group in groups][::2] == [30, 3]
        assert all(group["bytes_differ"] == 0 for group in groups)

    @pytest.mark.usefixtures("native")
    def test_prints_a_table_for_people(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["verify", "seed", "--board", "native", "--count", "5"]) == 0
        printed = capsys.readouterr().out
        assert "seed: native against TFLM" in printed
        assert "extreme" in printed

    def test_exits_with_1_where_the_boards_c_is_wrong(
        self, flash: Flash, capsys: pytest.CaptureFixture[str]
    ) -> None:
        flash("native", tampered=True)
        assert main(["verify", "seed", "--board", "native", "--count", "5"]) == 1
        error = capsys.readouterr().err
        assert "native differs from TensorFlow Lite Micro on 5 random, 16 extreme inputs" in error

    def test_takes_a_foreign_tflite(
        self,
        seed: ModelFolder,
        tmp_path: Path,
        require_tool: Callable[..., None],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """It has no manifest, and its firmware is that of its own folder below build/."""
        require_tool("cc")
        foreign = tmp_path / "foreign.tflite"
        shutil.copy(seed.tflite, foreign)
        command = ["verify", str(foreign), "--board", "native", "--count", "5"]
        assert main(command) == 0
        said = capsys.readouterr()
        assert "There is no firmware of foreign for native yet: it is built." in said.err
        assert "foreign: native against TFLM" in said.out

    def test_takes_floats_in_and_out_byte_for_byte(
        self, tmp_path: Path, require_tool: Callable[..., None], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Floats travel as their bytes; given inputs are floats then, too."""
        require_tool("cc")
        (tmp_path / "float.tflite").write_bytes(network())
        name = str(tmp_path / "float.tflite")
        given = np.random.default_rng(0).normal(0, 3, (4, 5, 1, 3)).astype(np.float32)
        np.save(tmp_path / "own.npy", given)
        assert main(["compile", name]) == 0
        assert main(["build", name, "--board", "native"]) == 0
        capsys.readouterr()
        options = ["--board", "native", "--count", "40", "--inputs", str(tmp_path / "own.npy")]
        assert main(["verify", name, *options, "--json"]) == 0
        groups = json.loads(capsys.readouterr().out)["groups"]
        assert [group["images"] for group in groups][::2] == [40, 4]
        assert all(group["bytes_differ"] == 0 for group in groups)

    def test_refuses_given_bytes_for_a_model_of_floats(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "float.tflite").write_bytes(network())
        np.save(tmp_path / "own.npy", np.zeros((1, 5, 1, 3), np.int8))
        given = ["--inputs", str(tmp_path / "own.npy")]
        command = ["verify", str(tmp_path / "float.tflite"), "--board", "native", *given]
        assert main(command) == 2
        assert "holds int8 of shape (1, 5, 1, 3), and float32 of shape" in capsys.readouterr().err


def break_weights(folder: ModelFolder, layer: str) -> None:
    """Change the weights of one layer in the generated C."""
    path = folder.generated / "model.c"
    pattern = rf"({layer}_weights\[\d+\] = \{{\n)([^}}]*)"
    text, count = re.subn(
        pattern,
        lambda found: found[1] + re.sub(r"-?\d+", lambda w: str(-(int(w[0]) // 2)), found[2]),
        path.read_text(),
    )
    assert count == 1
    path.write_text(text)


class TestFirstDifferingLayer:
    """Where bytes differ, the layer that is wrong is named, not only those behind it."""

    LAYERS = ("conv_2d_max_pool_2d_0", "conv_2d_max_pool_2d_2", "conv_2d_4", "fully_connected_6",
              "fully_connected_7")  # fmt: skip

    @pytest.mark.parametrize("layer", LAYERS)
    def test_is_the_one_whose_weights_were_changed(self, seed: ModelFolder, layer: str) -> None:
        compile_folder(seed).write(seed.generated)
        break_weights(seed, layer)
        tensor = random_inputs((28, 28, 1), 1)[0]
        traced = trace(seed, tensor)
        assert traced is not None
        assert traced.difference is not None
        assert traced.difference.layer == layer
        expected = infer(seed.tflite.read_bytes(), tensor[np.newaxis])[0]
        assert (traced.output != expected).any()

    def test_is_found_by_its_very_last_element(self, seed: ModelFolder) -> None:
        """The bias of the last class alone: nine of the last layer's ten outputs are right."""
        compile_folder(seed).write(seed.generated)
        path = seed.generated / "model.c"
        bias = re.compile(r"(fully_connected_7_bias\[10\] = \{[^}]*?)-?\d+,\s*\}")
        text, count = bias.subn(r"\g<1>30000,\n}", path.read_text())
        assert count == 1
        path.write_text(text)
        traced = trace(seed, random_inputs((28, 28, 1), 1)[0])
        assert traced is not None
        assert traced.difference is not None
        found = traced.difference
        assert (found.layer, found.place, found.differing) == ("fully_connected_7", (0, 9), 1)

    def test_is_none_where_the_c_is_right(self, seed: ModelFolder) -> None:
        compile_folder(seed).write(seed.generated)
        for tensor in random_inputs((28, 28, 1), 3):
            traced = trace(seed, tensor)
            assert traced is not None
            assert traced.difference is None
            expected = infer(seed.tflite.read_bytes(), tensor[np.newaxis])[0]
            np.testing.assert_array_equal(traced.output, expected)

    def test_is_told_with_its_place_and_both_values(self, seed: ModelFolder) -> None:
        compile_folder(seed).write(seed.generated)
        break_weights(seed, "conv_2d_4")
        tensor = random_inputs((28, 28, 1), 1)[0]
        traced = trace(seed, tensor)
        assert traced is not None
        found = traced.difference
        assert found is not None
        kept = all_tensors(seed.tflite.read_bytes(), tensor, [16])[16]
        assert kept[found.place] == found.expected != found.found
        assert 0 < found.differing <= found.elements == 576
        assert found.text == (
            f"The first layer that differs is conv_2d_4 (operator 4 (CONV_2D)): {found.differing} "
            f"of 576 elements, the first at {list(found.place)}, where the C has {found.found} and "
            f"TFLM {found.expected}."
        )

    def test_cannot_be_told_where_memory_is_laid_out_otherwise(self, seed: ModelFolder) -> None:
        compile_folder(seed).write(seed.generated)
        path = seed.generated / "model.c"
        path.write_text(re.sub(r"AT_CONV_2D_4 = \d+", "AT_CONV_2D_4 = 4", path.read_text()))
        assert trace(seed, random_inputs((28, 28, 1), 1)[0]) is None

    @pytest.mark.parametrize("board", ["native", "cortex-m3"])
    def test_stands_in_what_the_command_says(
        self,
        seed: ModelFolder,
        board: str,
        require_tool: Callable[..., None],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        require_tool("cc", "arm-none-eabi-gcc", "qemu-system-arm")
        compile_folder(seed).write(seed.generated)
        break_weights(seed, "conv_2d_max_pool_2d_2")
        build(seed, load_board(board))
        assert main(["verify", "seed", "--board", board, "--count", "2", "--json"]) == 1
        printed = capsys.readouterr()
        layer = json.loads(printed.out)["first_differing_layer"]
        assert layer["layer"] == "conv_2d_max_pool_2d_2"
        assert "The first layer that differs is conv_2d_max_pool_2d_2 (operator 2" in printed.err
        assert printed.err.count("\n") == 1

    def test_an_image_older_than_the_c_is_not_blamed_on_a_layer(
        self,
        seed: ModelFolder,
        require_tool: Callable[..., None],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        require_tool("cc")
        compile_folder(seed).write(seed.generated)
        break_weights(seed, "conv_2d_4")
        build(seed, load_board("native"))
        compile_folder(seed).write(seed.generated)
        assert main(["verify", "seed", "--board", "native", "--count", "2"]) == 1
        assert "No layer differs when the same C runs on this PC: the board's image is older" in (
            capsys.readouterr().err
        )


@pytest.mark.parametrize("seed", ["-1", "²", "", "1e9", "9" * 5000])
def test_a_seed_that_no_generator_takes_is_a_wrong_call(
    seed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["verify", "seed", "--board", "native", f"--seed={seed}"])
    assert "is not a seed: 0 to 2^64 is." in capsys.readouterr().err
