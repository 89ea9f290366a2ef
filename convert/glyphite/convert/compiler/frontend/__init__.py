"""A .tflite's bytes to a graph that is held against all that the compiler relies on."""
