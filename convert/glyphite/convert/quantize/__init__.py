"""From a trained Keras model to an int8 .tflite; the one room here that imports TensorFlow."""
