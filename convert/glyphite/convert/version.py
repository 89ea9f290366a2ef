"""The version of this package, as ``pyproject.toml`` defines it."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("glyphite")
except PackageNotFoundError:  # run from a clone that is not installed
    __version__ = "0+unknown"
