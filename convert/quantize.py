"""A Keras model to a fully quantized .tflite: int8 weights, activations, input and output.

The one file of this package that imports TensorFlow.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convert.quiet import load_tensorflow, quiet

if TYPE_CHECKING:
    import keras


def quantize(model: "keras.Model", calibration: NDArray[np.float32]) -> bytes:
    """Quantize ``model`` with the ranges that ``calibration`` (n, *input shape) drives it through.

    The model is wrapped into one of a fixed batch of 1: with an open batch, Flatten becomes SHAPE,
    STRIDED_SLICE and PACK, three operators that small engines lack.
    """
    load_tensorflow()
    import keras
    import tensorflow as tf

    inputs = keras.Input(batch_shape=(1, *model.input_shape[1:]))
    fixed = keras.Model(inputs, model(inputs, training=False))
    converter = tf.lite.TFLiteConverter.from_keras_model(fixed)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[np.newaxis]] for image in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    with quiet():
        content: bytes = converter.convert()
    return content
