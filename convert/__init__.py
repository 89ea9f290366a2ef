"""From a Keras model to C: quantize, read, check, rewrite, plan, emit.

The bottom package: it imports neither ``train`` nor ``host``.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("glyphite")
except PackageNotFoundError:  # run from a clone that is not installed
    __version__ = "0+unknown"
