"""Each layer of a model converted by itself: to name the one at fault where TensorFlow does not."""

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from glyphite.convert.quantize.quiet import quiet

if TYPE_CHECKING:
    import keras


def all_layers(layer: Any) -> Iterator[Any]:  # noqa: ANN401 - Keras has no types
    """Every layer below ``layer``, those of nested models included."""
    for inner in getattr(layer, "layers", ()):
        yield inner
        yield from all_layers(inner)


def converted_alone(model: "keras.Model") -> Iterator[tuple[Any, bytes | None]]:
    """Each layer that holds no others, with its float .tflite; None where it cannot be converted.

    Layers whose inputs are not known are left out, and inputs themselves.
    """
    import keras

    for layer in all_layers(model):
        if getattr(layer, "layers", ()) or isinstance(layer, keras.layers.InputLayer):
            continue
        with suppress(AttributeError, ValueError):  # Keras, where a layer was never called
            yield layer, _converted(layer, layer.input)


def _converted(layer: Any, inputs: Any) -> bytes | None:  # noqa: ANN401 - Keras has no types
    """``inputs``: the symbolic tensors that the layer takes in its model."""
    import keras
    import tensorflow as tf

    def fixed(tensor: Any) -> Any:  # noqa: ANN401
        return keras.Input(batch_shape=(1, *tensor.shape[1:]), dtype=tensor.dtype)

    given = keras.tree.map_structure(fixed, inputs)
    try:
        with quiet():
            alone = keras.Model(given, layer(given))
            return cast(bytes, tf.lite.TFLiteConverter.from_keras_model(alone).convert())
    except Exception:  # whatever TensorFlow's many parts raise
        return None
