"""Exports of a model: C files, a C array, an Arduino library, a TensorFlow Lite Micro sketch."""
