"""A trained model is taken from every usual file; what cannot be taken names the way out."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.errors import ModelError
from glyphite.convert.quantize.float_model import FloatModel, open_model
from glyphite.convert.quantize.float_tflite import dead_tensor
from glyphite.convert.quantize.quantize import convert_float, operators
from glyphite.convert.quantize.quiet import load_tensorflow, quiet
from glyphite.convert.workspace import find_model
from glyphite.host.cli import main
from glyphite.host.runners.litert import LitertRunner
from tests.builders.oracle import assert_same_bytes
from tests.strict import require_module

require_module("tensorflow", "ai_edge_litert", "ai_edge_quantizer")
load_tensorflow()
import h5py  # noqa: E402
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from ai_edge_litert.interpreter import Interpreter  # noqa: E402
from keras import layers  # noqa: E402

Model = Any  # TensorFlow has no types
Floats = NDArray[np.float32]
SHAPE = (8, 8, 1)


def network(dtype: str = "float32", bias: float = 0.0) -> Model:
    """A small CNN of 3 classes; at a bias of -9 its first layer is dead."""
    keras.utils.set_random_seed(3)
    start = keras.initializers.Constant(bias)
    inner = [
        layers.Conv2D(4, 3, activation="relu", name="first", dtype=dtype, bias_initializer=start),
        layers.Flatten(dtype=dtype),
        layers.Dense(3, activation="softmax", name="last", dtype=dtype),
    ]
    return keras.Sequential([keras.Input(SHAPE), *inner], name="net")


@pytest.fixture(scope="module")
def model() -> Model:
    return network()


@pytest.fixture(scope="module")
def files(model: Model, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same model in every form."""
    folder = tmp_path_factory.mktemp("forms")
    made = {
        **{"keras": folder / "net.keras", "h5": folder / "old.h5"},
        **{"saved": folder / "exported", "tflite": folder / "float.tflite"},
    }
    with quiet():
        model.save(made["keras"])
        model.save(made["h5"])
        model.export(made["saved"])
    made["tflite"].write_bytes(convert_float(model))
    return made


@pytest.fixture(scope="module")
def inputs() -> Floats:
    return np.random.default_rng(1).random((40, *SHAPE), dtype=np.float32)


FORMS = {"keras": "model.keras", "h5": "model.keras"}
FORMS |= dict.fromkeys(("saved", "tflite"), "model_float.tflite")


@pytest.mark.parametrize("form", FORMS)
def test_each_form_gives_the_same_answers_and_an_int8_model_that_the_compiler_takes(
    form: str, files: dict[str, Path], inputs: Floats, model: Model
) -> None:
    opened: FloatModel = open_model(files[form])
    assert (opened.shape, opened.file, opened.notes) == (SHAPE, FORMS[form], ())
    expected = model(inputs, training=False).numpy()
    np.testing.assert_allclose(opened.answers(inputs), expected, atol=1e-5)
    content = opened.quantized(inputs)
    assert operators(content) == ["CONV_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"]
    tensors = np.random.default_rng(2).integers(-128, 128, (10, *SHAPE)).astype(np.int8)
    extreme = np.stack([np.full(SHAPE, value, np.int8) for value in (-128, 0, 127)])
    scores = assert_same_bytes(content, np.concatenate([tensors, extreme]))
    assert len(np.unique(scores)) > 3


def test_a_range_that_one_sample_alone_reaches_is_not_cut_off(
    files: dict[str, Path], inputs: Floats
) -> None:
    samples = np.concatenate([inputs[:1] * 10, inputs])
    content = open_model(files["tflite"]).quantized(samples)
    interpreter = Interpreter(model_content=content)
    scale, _ = interpreter.get_input_details()[0]["quantization"]
    assert scale == pytest.approx(samples.max() / 255, rel=0.01)


def test_the_verbs_take_each_form_and_keep_the_float_model_of_the_last(
    files: dict[str, Path], tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(5).random((20, *SHAPE), dtype=np.float32))
    words = ["--data", str(tmp_path / "x.npy")]
    for named in (str(files["saved"]), "net", str(files["h5"])):  # the second: what is kept
        assert main(["convert", named, "--name", "net", *words]) == 0
        folder, is_keras = find_model("net"), named.endswith(".h5")
        assert folder.keras.is_file() == is_keras != folder.float_tflite.is_file()
        assert main(["compile", "net"]) == 0


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
def test_a_model_of_another_precision_is_taken_in_float32(policy: str, tmp_path: Path) -> None:
    path = tmp_path / "mixed.keras"
    made = network(policy)
    made.save(path)
    opened = open_model(path)
    assert opened.notes == (
        f"Layers of 'net' compute in {policy}; they are taken in float32 with the same weights, "
        "as int8 is made from that.",
    )
    inputs = np.random.default_rng(1).random((5, *SHAPE), dtype=np.float32)
    expected = made(inputs, training=False).numpy()
    np.testing.assert_allclose(opened.answers(inputs), expected, atol=0.01)
    assert "CONV_2D" in operators(opened.quantized(inputs))


def rewritten(path: Path, name: str, content: bytes) -> Path:
    """``path``, a zip, with another content for the file ``name`` in it."""
    with zipfile.ZipFile(path) as archive:
        files = {one: archive.read(one) for one in archive.namelist()} | {name: content}
    made = path.with_name(f"other-{path.name}")
    with zipfile.ZipFile(made, "w") as archive:
        for one, inner in files.items():
            archive.writestr(one, inner)
    return made


def test_a_keras_file_of_keras_2_is_told_to_be_saved_as_h5(files: dict[str, Path]) -> None:
    path = rewritten(files["keras"], "metadata.json", b'{"keras_version": "2.15.0"}')
    with pytest.raises(ModelError) as caught:
        open_model(path)
    assert str(caught.value) == (
        f"{path} was saved by Keras 2.15.0, whose .keras files Keras 3 cannot read. Load it there "
        "and save it as .h5 (`model.save('other-net.h5')`), then convert that."
    )


def with_config(path: Path, change: dict[str, str], place: Path) -> Path:
    """A copy of an .h5 file whose description has each text of ``change`` replaced."""
    place.write_bytes(path.read_bytes())
    with h5py.File(place, "r+") as file:
        text = str(file.attrs["model_config"])
        for old, new in change.items():
            assert old in text
            text = text.replace(old, new)
        file.attrs["model_config"] = text
    return place


@pytest.mark.parametrize("kind", ["Lambda", "TFOpLambda", "Mine"])
def test_code_in_an_h5_file_is_refused_before_it_runs(
    kind: str, files: dict[str, Path], tmp_path: Path
) -> None:
    change = {'"class_name": "Flatten"': f'"class_name": "{kind}"'}
    path = with_config(files["h5"], change, tmp_path / "code.h5")
    with pytest.raises(ModelError, match=f"of the type {kind} in .*code that is not Keras's own"):
        open_model(path)


def test_an_h5_file_that_asks_for_gigabytes_gets_none(
    files: dict[str, Path], tmp_path: Path
) -> None:
    path = with_config(files["h5"], {'"units": 3': '"units": 900000000'}, tmp_path / "huge.h5")
    with pytest.raises(ModelError, match="bytes of weights, and at most 268,435,456 are loaded"):
        open_model(path)


def test_an_h5_file_of_weights_alone_says_so(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "net.weights.h5"
    model.save_weights(path)
    with pytest.raises(ModelError, match=r"is not a \.h5 file \(it has weights alone"):
        open_model(path)


def test_a_savedmodel_that_reads_files_is_not_loaded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("1.0")

    class Reading(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec((None, 4), tf.float32)])  # type: ignore[untyped-decorator]
        def __call__(self, one: Model) -> Model:
            return one + tf.strings.to_number(tf.io.read_file(str(secret)))

    with quiet():
        tf.saved_model.save(Reading(), str(tmp_path / "reading"))
    with pytest.raises(ModelError, match=r"reads files or runs Python \(ReadFile\)"):
        open_model(tmp_path / "reading")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no signature"),
        (b"\xff\xff\xff", r"saved_model\.pb is damaged"),
    ],
)
def test_a_folder_that_is_no_whole_savedmodel_is_refused(
    content: bytes, said: str, tmp_path: Path
) -> None:
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(ModelError, match=f"{said}|cannot be loaded as a SavedModel"):
        open_model(tmp_path)


def test_a_folder_without_a_model_names_what_is_taken(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is a folder without saved_model\.pb .* Name a \.keras,"):
        open_model(tmp_path)


def test_an_int8_tflite_is_no_float_model(
    files: dict[str, Path], inputs: Floats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "done.tflite"
    path.write_bytes(open_model(files["keras"]).quantized(inputs))
    assert main(["convert", str(path)]) == 2
    told = capsys.readouterr().err
    assert "is quantized already" in told
    assert f"`glyphite compile {path}`" in told
    assert main(["compile", str(path)]) == 0


def test_a_dead_layer_is_named(
    tmp_path: Path, inputs: Floats, model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its scale is near 1e-8, which LiteRT's XNNPACK does not take: it runs without."""
    dead = network(bias=-9.0)
    dead.save(tmp_path / "dead.keras")
    np.save(tmp_path / "x.npy", inputs)
    words = ["--data", str(tmp_path / "x.npy")]
    assert main(["convert", str(tmp_path / "dead.keras"), *words]) == 0
    told = capsys.readouterr().err
    assert "Layer 'first' (Conv2D) gives nothing but 0 for 32 calibration samples" in told
    assert dead_tensor(convert_float(model), inputs) is None
    runner = LitertRunner(find_model("dead").tflite)
    (scores,) = runner.run(np.zeros((2, *SHAPE), np.int8))
    assert scores.shape == (2, 3)
    assert "without its delegate XNNPACK, which refuses this model" in runner.remark


def test_calibration_samples_that_are_all_equal_are_doubted(
    files: dict[str, Path], inputs: Floats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", np.repeat(inputs[:1], 9, axis=0))
    words = ["--data", str(tmp_path / "x.npy"), "--json"]
    assert main(["convert", str(files["keras"]), *words]) == 0
    captured = capsys.readouterr()
    assert "All calibration samples are equal (7 of 7" in captured.err
    assert json.loads(captured.out)["int8_bytes"] > 0
