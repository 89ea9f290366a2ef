"""The compiler: a .tflite's bytes in, C out. It knows no board, no folder and no TensorFlow."""
