"""From a trained Keras model to an int8 .tflite: the only part of this package that needs
TensorFlow."""
