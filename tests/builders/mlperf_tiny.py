"""The four networks of MLPerf Tiny, as their published shapes, untrained yet not degenerate.

Weights are random. Batch norms take their means and variances from random images, so that every
layer has a spread of values, as in a trained network; the scales follow from these.
"""

import hashlib
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.files import write_bytes
from glyphite.convert.quantize.quantize import quantize
from glyphite.convert.quantize.quiet import load_tensorflow
from tests.strict import require_module

if TYPE_CHECKING:
    import keras

from tests.paths import PROJECT

SOURCES = ("tests/builders/mlperf_tiny.py", "convert/glyphite/convert/quantize/quantize.py")
SEED = 7
SETTLING = 8
"""Batches that the batch norms see."""
CALIBRATION = 16
"""Inputs that the ranges are taken from."""

Tensor = Any
"""A symbolic tensor of Keras, which has no types."""


def kept(name: str) -> Path:
    """The .tflite of a network of NETWORKS, made by the first test that wants it.

    It lies in ``build/tests`` under a hash of the sources that make it.
    """
    require_module("tensorflow")
    digest = hashlib.sha256(version("tensorflow").encode())
    for source in SOURCES:
        digest.update((PROJECT / source).read_bytes())
    path = PROJECT / "build" / "tests" / digest.hexdigest()[:16] / f"{name}.tflite"
    if not path.is_file():
        write_bytes(path, tflite(name))
    return path


def tflite(name: str) -> bytes:
    """The int8 .tflite of a network of NETWORKS."""
    load_tensorflow()
    import keras

    keras.utils.set_random_seed(SEED)
    model = NETWORKS[name]()
    _spread_biases(model)
    rng = np.random.default_rng(SEED)
    for _ in range(SETTLING):
        model(inputs(model, rng, 32), training=True)
    return quantize(model, inputs(model, rng, CALIBRATION), b"")  # known to convert


def inputs(model: "keras.Model", rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    """Random images with broad shades, not mere noise, which averages would level."""
    shape = model.inputs[0].shape[1:]
    shade = rng.normal(0, 1, (count, *(1 for _ in shape[:-1]), shape[-1]))
    return (shade + rng.normal(0, 1, (count, *shape))).astype(np.float32)


def _spread_biases(model: "keras.Model") -> None:
    """Random offsets where a new network has zeros, as training would leave them."""
    rng = np.random.default_rng(SEED)
    for weight in model.trainable_weights:
        if weight.name in ("bias", "beta"):
            weight.assign(rng.normal(0, 0.3, weight.shape))


def resnet_8() -> "keras.Model":
    """Image classification: ResNet-8 on 32x32x3."""
    from keras import Input, Model, layers

    image = Input((32, 32, 3))
    x = _normal(layers.Conv2D(16, 3, padding="same")(image))
    x = _residual(x, 16, 1)
    x = _residual(x, 32, 2)
    x = _residual(x, 64, 2)
    x = layers.Flatten()(layers.AveragePooling2D(8)(x))
    return Model(image, layers.Dense(10, activation="softmax")(x))


def _residual(x: Tensor, channels: int, stride: int) -> Tensor:
    from keras import layers

    y = _normal(layers.Conv2D(channels, 3, stride, padding="same")(x))
    y = layers.BatchNormalization()(layers.Conv2D(channels, 3, padding="same")(y))
    if stride > 1:
        x = layers.Conv2D(channels, 1, stride, padding="same")(x)
    return layers.ReLU()(layers.Add()([x, y]))


def ds_cnn() -> "keras.Model":
    """Keyword spotting: DS-CNN on 49x10."""
    from keras import Input, Model, layers

    image = Input((49, 10, 1))
    x = _normal(layers.Conv2D(64, (10, 4), 2, padding="same")(image))
    for _ in range(4):
        x = _normal(layers.DepthwiseConv2D(3, padding="same")(x))
        x = _normal(layers.Conv2D(64, 1, padding="same")(x))
    x = layers.Flatten()(layers.AveragePooling2D((25, 5))(x))
    return Model(image, layers.Dense(12, activation="softmax")(x))


def mobilenet() -> "keras.Model":
    """Visual wake words: MobileNet v1 of width 0.25 on 96x96x3."""
    from keras import Input, Model, layers

    image = Input((96, 96, 3))
    x = _normal(layers.Conv2D(8, 3, 2, padding="same")(image))
    for channels, stride in [
        (16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (128, 1), (128, 1),
        (128, 1), (128, 1), (256, 2), (256, 1),
    ]:  # fmt: skip
        x = _normal(layers.DepthwiseConv2D(3, stride, padding="same")(x))
        x = _normal(layers.Conv2D(channels, 1, padding="same")(x))
    x = layers.Flatten()(layers.AveragePooling2D(3)(x))
    return Model(image, layers.Dense(2, activation="softmax")(x))


def autoencoder() -> "keras.Model":
    """Anomaly detection: a dense autoencoder of 640, 4 x 128, 8, 4 x 128, 640."""
    from keras import Input, Model, layers

    x = features = Input((640,))
    for width in (128, 128, 128, 128, 8, 128, 128, 128, 128):
        x = _normal(layers.Dense(width)(x))
    return Model(features, layers.Dense(640)(x))


def _normal(x: Tensor) -> Tensor:
    from keras import layers

    return layers.ReLU()(layers.BatchNormalization(momentum=0.5)(x))


NETWORKS: Mapping[str, Callable[[], "keras.Model"]] = {
    "resnet_8": resnet_8,
    "ds_cnn": ds_cnn,
    "mobilenet": mobilenet,
    "autoencoder": autoencoder,
}
