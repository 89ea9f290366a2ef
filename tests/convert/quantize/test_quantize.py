"""A quantized model is int8 throughout; what cannot be quantized is refused by its layer's name."""

import hashlib
import re
import resource
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.data.mnist import Mnist, load_mnist
from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.quantize.calibration import evenly
from glyphite.convert.quantize.quantize import (
    check_input,
    convert_float,
    input_shape,
    manifest_of,
    operators,
    quantize,
)
from glyphite.convert.quantize.quiet import load_tensorflow
from glyphite.convert.quantize.read_keras import load_keras
from glyphite.train.fit import unit_images
from tests.strict import require_module
from tools.kills.limits import limit

require_module("tensorflow", "ai_edge_litert")
load_tensorflow()
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402

Model = Any  # TensorFlow has no types
SEED_OPERATORS = [
    *("CONV_2D", "MAX_POOL_2D", "CONV_2D", "MAX_POOL_2D", "CONV_2D"),
    *("RESHAPE", "FULLY_CONNECTED", "FULLY_CONNECTED", "SOFTMAX"),
]


@pytest.fixture(scope="module")
def mnist() -> Mnist:
    return load_mnist()


@pytest.fixture(scope="module")
def calibration(mnist: Mnist) -> NDArray[np.float32]:
    return unit_images(evenly(mnist.train_images, 100))


@pytest.fixture(scope="module")
def seed_model(trained_seed: Path) -> Model:
    return load_keras(trained_seed / "model.keras")


@pytest.fixture(scope="module")
def seed_int8(seed_model: Model, calibration: NDArray[np.float32]) -> bytes:
    return quantize(seed_model, calibration)


def sequential(shape: tuple[int | None, ...], *inner: Model) -> Model:
    return keras.Sequential([keras.Input(shape), *inner])


def inputs_for(model: Model, count: int = 8) -> NDArray[np.float32]:
    shape = (count, *input_shape(model))
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def refusal(model: Model) -> str:
    with pytest.raises(ModelError) as caught:
        quantize(model, inputs_for(model))
    return str(caught.value)


def test_a_conversion_without_room_for_temporary_files_says_so() -> None:
    """What TensorFlow itself says is that None cannot be called."""
    model = sequential((2,), layers.Dense(2))
    with limit(resource.RLIMIT_FSIZE, 1000), pytest.raises(InputError, match=r"variable TMPDIR\.$"):
        convert_float(model)


def interpreter(content: bytes) -> Model:
    from ai_edge_litert.interpreter import Interpreter

    made = Interpreter(model_content=content)
    made.allocate_tensors()
    return made


def test_the_seed_network_is_nine_operators_without_a_dynamic_shape(seed_int8: bytes) -> None:
    assert operators(seed_int8) == SEED_OPERATORS
    assert not {"SHAPE", "STRIDED_SLICE", "PACK"} & set(operators(seed_int8))


def test_an_open_batch_would_leave_shape_strided_slice_and_pack(seed_model: Model) -> None:
    """What the wrapping prevents is real: without it the three operators are there."""
    dynamic = tf.lite.TFLiteConverter.from_keras_model(seed_model).convert()
    assert {"SHAPE", "STRIDED_SLICE", "PACK"} <= set(operators(dynamic))


def test_every_tensor_is_an_integer_and_the_ends_are_int8(seed_int8: bytes) -> None:
    made = interpreter(seed_int8)
    kinds = {detail["dtype"] for detail in made.get_tensor_details()}
    assert kinds <= {np.int8, np.int32}
    for detail, shape in (
        (made.get_input_details()[0], [1, 28, 28, 1]),
        (made.get_output_details()[0], [1, 10]),
    ):
        assert detail["dtype"] is np.int8
        assert detail["shape"].tolist() == shape
        assert detail["shape_signature"].tolist() == shape


def test_convolutions_are_quantized_per_channel(seed_int8: bytes) -> None:
    weights = [
        detail
        for detail in interpreter(seed_int8).get_tensor_details()
        if len(detail["quantization_parameters"]["scales"]) == 64
    ]
    assert len(weights) >= 4  # weights and biases of the two convolutions of 64


def test_an_int8_pixel_is_the_raw_pixel_less_128(seed_int8: bytes) -> None:
    detail = interpreter(seed_int8).get_input_details()[0]
    scale, zero_point = detail["quantization"]
    assert scale == pytest.approx(1 / 255, rel=1e-6)
    assert zero_point == -128


def test_the_same_model_and_data_give_the_same_bytes_and_nothing_is_said(
    seed_model: Model,
    calibration: NDArray[np.float32],
    seed_int8: bytes,
    capfd: pytest.CaptureFixture[str],
) -> None:
    capfd.readouterr()
    assert quantize(seed_model, calibration) == seed_int8
    assert capfd.readouterr() == ("", "")


def test_the_int8_model_answers_as_the_float_model(
    seed_model: Model, seed_int8: bytes, mnist: Mnist
) -> None:
    images = mnist.test_images[:1000]
    made = interpreter(seed_int8)
    place, answer = made.get_input_details()[0]["index"], made.get_output_details()[0]["index"]
    answers = []
    for image in (images.astype(np.int16) - 128).astype(np.int8):
        made.set_tensor(place, image[np.newaxis, ..., np.newaxis])
        made.invoke()
        answers.append(int(made.get_tensor(answer).argmax()))
    expected = np.asarray(seed_model(unit_images(images), training=False)).argmax(axis=1)
    assert np.count_nonzero(np.array(answers) != expected) <= 5


def test_the_manifest_says_what_the_tflite_is(seed_int8: bytes) -> None:
    manifest = manifest_of(seed_int8, "seed")
    made = interpreter(seed_int8)
    for info, detail in (
        (manifest.input, made.get_input_details()[0]),
        (manifest.output, made.get_output_details()[0]),
    ):
        assert info.shape == tuple(detail["shape"])
        assert info.dtype == "int8"
        assert (info.scale, info.zero_point) == detail["quantization"]
    assert manifest.sha256 == hashlib.sha256(seed_int8).hexdigest()
    assert manifest.labels == tuple("0123456789")
    assert manifest.tools["tensorflow"] == tf.__version__
    assert set(manifest.tools) == {"glyphite", "tensorflow", "keras", "numpy"}


def test_the_float_model_is_converted_as_it_is(seed_model: Model) -> None:
    content = convert_float(seed_model)
    assert operators(content) == SEED_OPERATORS
    assert len(content) > 4 * seed_model.count_params()


def residual() -> Model:
    start = keras.Input((32, 32, 3))
    first = layers.Conv2D(8, 3, padding="same", use_bias=False)(start)
    first = layers.ReLU()(layers.BatchNormalization()(first))
    second = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(first))
    joined = layers.ReLU()(layers.Add()([first, second]))
    return keras.Model(start, layers.Dense(10)(layers.GlobalAveragePooling2D()(joined)))


def keywords() -> Model:
    return sequential(
        (49, 10, 1),
        layers.Conv2D(8, (10, 4), strides=2, padding="same"),
        layers.DepthwiseConv2D(3, padding="same", activation="relu"),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dense(12, activation="softmax"),
    )


def person() -> Model:
    return sequential(
        (96, 96, 3),
        layers.Conv2D(8, 3, strides=2, padding="same"),
        layers.SeparableConv2D(16, 3, activation="relu6"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(2, activation="softmax"),
    )


def autoencoder() -> Model:
    return sequential((640,), layers.Dense(16, activation="relu"), layers.Dense(640))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (residual, ["CONV_2D", "CONV_2D", "ADD", "MEAN", "FULLY_CONNECTED"]),
        (
            keywords,
            [
                *("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D"),
                *("RESHAPE", "FULLY_CONNECTED", "SOFTMAX"),
            ],
        ),
        (person, ["CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D", "MEAN", "FULLY_CONNECTED", "SOFTMAX"]),
        (autoencoder, ["FULLY_CONNECTED", "FULLY_CONNECTED"]),
    ],
)
def test_models_of_other_shapes_are_quantized(
    make: Callable[[], Model], expected: list[str]
) -> None:
    model = make()
    content = quantize(model, inputs_for(model))
    assert operators(content) == expected
    assert manifest_of(content, "other").input.shape == (1, *input_shape(model))


def test_a_recurrent_layer_is_refused_by_name_where_the_calibrator_would_crash() -> None:
    model = sequential((6, 4), layers.LSTM(3, name="memory"), layers.Dense(2))
    assert refusal(model) == (
        "Cannot quantize layer 'memory' (LSTM): it needs a loop or a branch, and only plain "
        "operators can be quantized. Replace it, by a convolution over time for instance."
    )


def test_layers_that_would_stay_in_float_are_all_named_with_their_operators() -> None:
    model = sequential(
        (6, 6, 6, 1),
        layers.Conv3D(2, 2, name="volume"),
        layers.Conv3D(2, 2, name="volume_1"),
        layers.Flatten(),
        layers.Dense(4),
        layers.LayerNormalization(name="normal"),
    )
    assert refusal(model) == (
        "Cannot quantize layer 'volume' (Conv3D): CONV_3D; layer 'volume_1' (Conv3D): CONV_3D; "
        "layer 'normal' (LayerNormalization): NEG: the operator after each colon has no int8 form. "
        "Replace these layers."
    )


def test_of_two_layers_of_like_names_the_right_one_is_named() -> None:
    model = sequential(
        (8, 8, 4),
        layers.Conv2D(4, 3, name="step"),
        layers.GroupNormalization(2, name="step_1"),
        layers.Conv2D(4, 3, name="step_2"),
        layers.Flatten(),
    )
    said = refusal(model)
    assert "layer 'step_1' (GroupNormalization)" in said
    assert "Conv2D" not in said


def test_a_layer_in_a_nested_model_is_named() -> None:
    inner = keras.Sequential([layers.Conv3D(2, 2, name="deep")], name="inner")
    assert "layer 'deep' (Conv3D): CONV_3D" in refusal(sequential((4, 4, 4, 1), inner))


def test_an_activation_without_int8_form_names_its_layer() -> None:
    model = sequential((4,), layers.Dense(4, activation="selu", name="hidden"), layers.Dense(2))
    assert "layer 'hidden' (Dense): GREATER" in refusal(model)


def test_an_operation_unknown_to_tflite_names_layer_and_operation() -> None:
    model = sequential(
        (4,), layers.Dense(4), layers.Lambda(tf.math.erfinv, name="odd"), layers.Dense(2)
    )
    assert refusal(model) == (
        "Cannot quantize layer 'odd' (Lambda): TensorFlow Lite has no operator Erfinv. "
        "Replace the layer."
    )


def test_a_layer_is_named_that_no_tensor_is_named_after() -> None:
    cut = layers.Discretization([0.1, 0.2], name="cut")
    said = refusal(sequential((4,), layers.Dense(4), cut))
    assert said.startswith("Cannot quantize layer 'cut' (Discretization): BUCKETIZE")


def test_a_layer_at_which_the_quantizer_fails_is_named() -> None:
    def spectrum(x: tf.Tensor) -> tf.Tensor:
        return tf.math.real(tf.signal.fft(tf.cast(x, tf.complex64)))

    model = sequential((8,), layers.Dense(8), layers.Lambda(spectrum, name="fourier"))
    said = refusal(model)
    assert said.startswith(
        "Cannot quantize layer 'fourier' (Lambda): TensorFlow Lite fails at it ("
    )
    assert said.endswith("). Replace the layer.")


def test_a_model_that_computes_nothing_is_refused() -> None:
    model = keras.Sequential([keras.Input((4,)), layers.Flatten()], name="idle")
    assert refusal(model) == "The model 'idle' computes nothing that could be quantized."


def test_an_open_size_is_refused_by_the_input_layers_name() -> None:
    start = keras.Input((None, 28, 1), name="picture")
    model = keras.Model(start, layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(start)))
    with pytest.raises(ModelError) as caught:
        check_input(model)
    assert str(caught.value) == (
        "The input layer 'picture' has the shape (None, None, 28, 1): every size but the first, "
        "the batch, must be fixed. Build the model with a keras.Input of a fixed shape."
    )


def test_an_integer_input_is_refused_by_the_input_layers_name() -> None:
    start = keras.Input((4,), dtype="int32", name="words")
    model = keras.Model(start, layers.Embedding(9, 2)(start))
    with pytest.raises(ModelError, match="input layer 'words' takes int32, and only float32 can"):
        check_input(model)


def test_two_inputs_or_outputs_are_refused() -> None:
    first, second = keras.Input((4,)), keras.Input((4,))
    model = keras.Model([first, second], layers.Add()([first, second]), name="pair")
    with pytest.raises(ModelError, match="'pair' has 2 inputs and 1 outputs; one of each is supp"):
        check_input(model)


def test_a_model_without_input_shape_is_refused() -> None:
    with pytest.raises(ModelError, match="The model 'vague' has no input shape"):
        check_input(keras.Sequential([layers.Dense(2)], name="vague"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (np.zeros((5, 3)), "calibration data have the shape (5, 3), and the model 'dense' takes"),
        (np.zeros((0, 4)), "takes (n, 4) with n of at least 1"),
        (np.full((5, 4), np.nan), "hold values that are not finite"),
        (np.full((5, 4), 0.5), "hold nothing but 0.5, which says nothing"),
    ],
)
def test_calibration_data_that_cannot_serve_are_refused(
    data: NDArray[np.float64], said: str
) -> None:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2)], name="dense")
    with pytest.raises(ModelError) as caught:
        quantize(model, data.astype(np.float32))
    assert said in str(caught.value)


def test_a_saved_lambda_is_refused_by_name_and_its_code_never_runs(tmp_path: Path) -> None:
    model = sequential((4,), layers.Lambda(lambda values: values * 2, name="twice"))
    model.save(tmp_path / "m.keras")
    with pytest.raises(ModelError) as caught:
        load_keras(tmp_path / "m.keras")
    assert str(caught.value) == (
        f"Layer 'twice' of the type Lambda in {tmp_path / 'm.keras'} is code that is not Keras's "
        "own, and cannot be loaded. Replace it by layers of Keras and save the model anew."
    )


class Doubling(layers.Layer):  # type: ignore[misc]
    """A layer whose code is here and not in the file."""

    def call(self, values: Model) -> Model:
        return values * 2


@pytest.mark.parametrize("wrap", [lambda layer: layer, lambda layer: keras.Sequential([layer])])
def test_a_saved_custom_layer_is_refused_by_name(
    wrap: Callable[[Model], Model], tmp_path: Path
) -> None:
    sequential((4,), wrap(Doubling(name="mine")), layers.Dense(2)).save(tmp_path / "m.keras")
    with pytest.raises(ModelError, match="Layer 'mine' of the type Doubling in"):
        load_keras(tmp_path / "m.keras")


def test_a_file_that_is_no_keras_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    with pytest.raises(ModelError, match=r"No such file: .*m\.keras\. Name a \.keras file"):
        load_keras(path)
    path.write_bytes(b"not a zip")
    with pytest.raises(ModelError, match=r"is not a \.keras file .*File is not a zip file"):
        load_keras(path)


def test_a_damaged_keras_model_is_refused(seed_model: Model, tmp_path: Path) -> None:
    seed_model.save(tmp_path / "m.keras")
    content = bytearray((tmp_path / "m.keras").read_bytes())
    weights = content.index(b"\x89HDF")
    content[weights : weights + 64] = bytes(64)
    (tmp_path / "m.keras").write_bytes(content)
    with pytest.raises(ModelError, match=r"m\.keras is not a \.keras file .*Bad CRC-32"):
        load_keras(tmp_path / "m.keras")


def test_a_layer_that_asks_for_gigabytes_gets_none(tmp_path: Path) -> None:
    """The file has the weights of the layer as it was; Keras would make the new ones first."""
    sequential((4,), layers.Dense(3)).save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["config.json"] = files["config.json"].replace(b'"units": 3', b'"units": 1000000000')
    with zipfile.ZipFile(tmp_path / "huge.keras", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with pytest.raises(ModelError, match=r"have 20,000,000,\d+ bytes .* at most 268,435,456"):
        load_keras(tmp_path / "huge.keras")
    load_keras(tmp_path / "m.keras")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"units": 3', b'"units": -3', "Received an invalid value for `units`.*"),
        (b'"name": "mine"', b'"name": 5', ".*`name`.*"),
        (b'"name": "mine"', b'"name": "a/b"', ".*`name`.*"),
        (b'"batch_shape": [null, 4]', b'"batch_shape": "abc"', ".*"),
        (b'"class_name": "Dense"', b'"class_name": "TFSMLayer"', "Requested .* SavedModel"),
    ],
)
def test_what_keras_stumbles_over_is_told_without_its_advice_to_authors(
    tmp_path: Path, old: bytes, new: bytes, reason: str
) -> None:
    sequential((4,), layers.Dense(3, name="mine")).save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert old in files["config.json"]
    files["config.json"] = files["config.json"].replace(old, new)
    with zipfile.ZipFile(tmp_path / "odd.keras", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    told = rf"odd\.keras: Keras cannot make its network anew \({reason}\)\. Save the model anew wi"
    with pytest.raises(ModelError, match=told) as caught:
        load_keras(tmp_path / "odd.keras")
    assert not re.search("deserializ(ed|ing)|safe_mode|Please|config=", str(caught.value))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("wrap", [lambda *inner: inner, lambda *inner: [keras.Sequential(inner)]])
def test_weights_that_are_not_finite_are_refused_by_their_layers_name(
    tmp_path: Path, value: float, wrap: Callable[..., Any]
) -> None:
    """One of them makes every answer NaN, and the largest of several NaN would be class 0."""
    last = layers.Dense(3, name="last")
    model = sequential((4,), *wrap(layers.Dense(5, name="first"), last))
    last.set_weights([np.ones((5, 3)), np.array([0, value, 0])])
    model.save(tmp_path / "m.keras")
    with pytest.raises(
        ModelError, match=r"^The weights of layer 'last' \(Dense\) in .*m\.keras are"
    ):
        load_keras(tmp_path / "m.keras")
