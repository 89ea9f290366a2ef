"""From a Keras model to C: quantize, read, check, rewrite, plan memory, emit.

The bottom package: it imports neither ``train`` nor ``host``.
"""
