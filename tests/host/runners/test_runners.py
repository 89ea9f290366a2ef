"""Every runner gives the scores of its backend, and says in one sentence why it cannot."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.manifest import Manifest, TensorInfo
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.runners.base import TITLES, Runner
from glyphite.host.runners.keras import KerasRunner
from glyphite.host.runners.litert import LitertRunner, litert_version, read_manifest
from glyphite.host.runners.tflm import TflmRunner, cores, infer
from tests.builders import edges
from tests.builders.models import ModelBuilder


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    return load_mnist().test_images


@pytest.fixture
def digits(seed: ModelFolder, images: NDArray[np.uint8]) -> NDArray[np.int8]:
    """The first 230 test images as the seed model's int8 inputs."""
    return Manifest.load(seed.manifest).quantize(images[:230])


def int8_runners(model: Path) -> list[Runner]:
    return [LitertRunner(model), TflmRunner(model)]


def test_int8_runners_agree_within_a_few_steps_of_rounding(
    seed: ModelFolder, digits: NDArray[np.int8]
) -> None:
    """LiteRT rounds otherwise than TFLM in places, so bytes may differ, but not by much."""
    litert, tflm = (runner.run(digits)[0] for runner in int8_runners(seed.tflite))
    assert litert.dtype == tflm.dtype == np.int8
    assert litert.shape == tflm.shape == (len(digits), 10)
    assert len(np.unique(tflm, axis=0)) > 40  # real answers, not one constant
    assert np.abs(litert.astype(int) - tflm.astype(int)).max() <= 16
    assert (litert.argmax(axis=1) == tflm.argmax(axis=1)).mean() > 0.98


def test_float_runner_sees_the_images_that_the_int8_tensors_stand_for(
    seed: ModelFolder, digits: NDArray[np.int8], images: NDArray[np.uint8]
) -> None:
    import keras

    runner = KerasRunner(seed.keras, Manifest.load(seed.manifest))
    scores = runner.run(digits)[0]
    network = keras.models.load_model(seed.keras)
    pixels = images[:230, :, :, np.newaxis].astype(np.float32) / 255
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, network(pixels, training=False).numpy(), atol=1e-5)


def test_tflm_gives_the_same_bytes_in_one_process_and_in_many(
    seed: ModelFolder, digits: NDArray[np.int8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glyphite.host.runners.tflm.cores", lambda: 2)
    shared = TflmRunner(seed.tflite).run(digits)[0]
    alone = infer(seed.tflite.read_bytes(), digits)
    np.testing.assert_array_equal(shared, alone)


def test_progress_adds_up_to_the_number_of_images(
    seed: ModelFolder, digits: NDArray[np.int8]
) -> None:
    for runner in int8_runners(seed.tflite):
        steps: list[int] = []
        runner.run(digits, progress=steps.append)
        assert sum(steps) == len(digits)
        assert len(steps) > 1
        assert runner.name in TITLES


def test_cores_counts_what_this_process_may_use() -> None:
    counted = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
    counted += "from glyphite.host.runners.tflm import cores; print(cores())"
    printed = subprocess.run(
        [sys.executable, "-c", counted], capture_output=True, text=True, check=True
    ).stdout
    assert printed == "1\n"
    assert cores() >= 1


@pytest.mark.parametrize("runner_class", [LitertRunner, TflmRunner])
def test_a_model_that_does_not_exist_is_named(
    runner_class: type[LitertRunner | TflmRunner], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"No such file: .*absent\.tflite"):
        runner_class(tmp_path / "absent.tflite").run(np.zeros((1, 2), np.int8))


def test_litert_refuses_what_is_not_a_tflite(tmp_path: Path) -> None:
    path = tmp_path / "notes.tflite"
    path.write_bytes(b"hello world")
    with pytest.raises(ModelError, match=r"is not a \.tflite file: bytes 4 to 7 are b'o wo'"):
        LitertRunner(path).run(np.zeros((1, 2), np.int8))


def test_litert_refuses_a_truncated_tflite(seed: ModelFolder, tmp_path: Path) -> None:
    path = tmp_path / "cut.tflite"
    path.write_bytes(seed.tflite.read_bytes()[:5000])
    with pytest.raises(ModelError, match="damaged or cut short"):
        LitertRunner(path).run(np.zeros((1, 28, 28, 1), np.int8))


def test_tflm_refuses_a_truncated_tflite(seed: ModelFolder) -> None:
    with pytest.raises(ModelError, match="TensorFlow Lite Micro cannot load the model"):
        infer(seed.tflite.read_bytes()[:5000], np.zeros((1, 28, 28, 1), np.int8))


def test_litert_takes_what_the_model_takes(tmp_path: Path) -> None:
    path = tmp_path / "edges.tflite"
    path.write_bytes(edges.quantize((1, 4), 0.5, 3))
    floats = np.array([[-1, 0, 0.6, 99]], np.float32)
    assert LitertRunner(path).run(floats)[0].tolist() == [[1, 3, 4, 127]]
    with pytest.raises(ModelError, match="Give one float32 array of that shape"):
        LitertRunner(path).run(np.zeros((1, 4), np.int8))
    path.write_bytes(edges.dequantize((1, 4), 0.5, 3))
    int8 = np.array([[1, 3, 4, 127]], np.int8)
    assert LitertRunner(path).run(int8)[0].tolist() == [[-1, 0, 0.5, 62]]


def test_floats_have_the_scale_of_the_int8_behind_them(tmp_path: Path) -> None:
    path = tmp_path / "edges.tflite"
    path.write_bytes(edges.network())
    manifest = read_manifest(find_model(str(path)))
    first, last = (float(np.float32(scale)) for scale in (0.05, 0.06))
    assert manifest.input == TensorInfo((1, 5, 1, 3), "float32", first, 7)
    assert manifest.output == TensorInfo((1, 2, 1, 3), "float32", last, -9)


def test_litert_refuses_a_batch_of_several_images(tmp_path: Path) -> None:
    model = ModelBuilder()
    first, last = model.tensor((2, 4), 0.1), model.tensor((2, 4), 0.1)
    model.operator("RELU", [first], [last])
    path = tmp_path / "two.tflite"
    path.write_bytes(model.build([first], [last]))
    with pytest.raises(ModelError, match=r"of shape \(2, 4\), and a batch of 1 in front is needed"):
        LitertRunner(path).run(np.zeros((1, 4), np.int8))


@pytest.mark.parametrize(
    ("runner_class", "message"),
    [
        (LitertRunner, r"shape \(28, 28\), and the model takes \(28, 28, 1\)"),
        (TflmRunner, "Got 3 but expected 4"),
    ],
)
def test_inputs_of_another_shape_are_refused(
    seed: ModelFolder, runner_class: type[LitertRunner | TflmRunner], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        runner_class(seed.tflite).run(np.zeros((2, 28, 28), np.int8))


def test_a_keras_file_that_is_none_is_refused(seed: ModelFolder) -> None:
    seed.keras.write_bytes(b"not a zip")
    runner = KerasRunner(seed.keras, Manifest.load(seed.manifest))
    with pytest.raises(ModelError, match=r"model\.keras is not a \.keras file"):
        runner.run(np.zeros((1, 28, 28, 1), np.int8))


@pytest.mark.parametrize(
    ("blocked", "code", "sentence"),
    [
        (
            ["tflite_micro"],
            "from glyphite.host.runners.tflm import infer; infer(b'', [])",
            "tflite-micro is not installed",
        ),
        (
            ["ai_edge_litert", "tflite_runtime"],
            "from glyphite.host.runners.litert import litert_version; litert_version()",
            "No LiteRT is installed",
        ),
        (
            ["tensorflow"],
            "from pathlib import Path; from glyphite.host.runners.keras import KerasRunner;"
            "KerasRunner(Path('x'), None).run(None)",
            "pip install 'glyphite[train]'",
        ),
    ],
)
def test_an_absent_package_is_named_with_the_way_to_get_it(
    blocked: list[str], code: str, sentence: str
) -> None:
    block = f"import sys; sys.modules.update(dict.fromkeys({blocked!r}));"
    caught = f"{block}\nfrom glyphite.convert.errors import ToolError\ntry:\n    {code}\n"
    caught += "except ToolError as error:\n    print(error)"
    printed = subprocess.run(
        [sys.executable, "-c", caught], capture_output=True, text=True, check=True
    ).stdout
    assert sentence in printed


def test_litert_says_which_package_and_version_it_is() -> None:
    assert litert_version().startswith("ai-edge-litert 2.")


def test_answers_that_are_not_finite_are_no_answers(seed: ModelFolder) -> None:
    """Of ten NaN the largest would be class 0, and a tenth of MNIST would count as right."""
    manifest = Manifest.load(seed.manifest)
    beyond = dataclasses.replace(manifest.input, scale=3e38)
    runner = KerasRunner(seed.keras, dataclasses.replace(manifest, input=beyond))
    with pytest.raises(ModelError, match=r"answers 2 of 2 inputs with values that are not finite"):
        runner.run(np.full((2, 28, 28, 1), 127, np.int8))


class TestReadManifest:
    """What is known of a model, also of a foreign one."""

    def test_is_the_models_own_where_there_is_one(self, seed: ModelFolder) -> None:
        assert read_manifest(seed) == Manifest.load(seed.manifest)

    def test_of_a_foreign_model_is_what_the_file_says(
        self, seed: ModelFolder, tmp_path: Path
    ) -> None:
        foreign = tmp_path / "foreign.tflite"
        foreign.write_bytes(seed.tflite.read_bytes())
        own, read = Manifest.load(seed.manifest), read_manifest(find_model(str(foreign)))
        assert read.name == "foreign"
        assert read.labels == own.labels
        assert (read.sha256, read.input, read.output) == (own.sha256, own.input, own.output)

    def test_refuses_a_manifest_of_another_model(self, seed: ModelFolder) -> None:
        damaged = bytearray(seed.tflite.read_bytes())
        damaged[-1] ^= 1
        seed.tflite.write_bytes(damaged)
        with pytest.raises(ModelError, match=r"is not the model that .*manifest\.json describes"):
            read_manifest(seed)

    @pytest.mark.parametrize("field", ["input", "output"])
    @pytest.mark.parametrize(
        "change",
        [{"scale": 0.5}, {"zero_point": 0}, {"shape": (1, 2, 5)}, {"dtype": "float32"}],
        ids=str,
    )
    def test_refuses_what_the_tflite_does_not_say(
        self, seed: ModelFolder, field: str, change: dict[str, object]
    ) -> None:
        """Written by the product's own code, so that the checksum fits."""
        own = Manifest.load(seed.manifest)
        changed = dataclasses.replace(getattr(own, field), **change)
        labels = tuple("0123456789")
        dataclasses.replace(own, **{field: changed, "labels": labels}).save(seed.manifest)
        with pytest.raises(ModelError, match=rf"describes another {field} .*glyphite convert seed"):
            read_manifest(seed)
