"""The folders of data that come with this package: in the installed package, or in the clone."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_CLONE = _PACKAGE.parents[1]


def _folder(name: str) -> Path:
    installed = _PACKAGE / name
    return installed if installed.is_dir() else _CLONE / name


FIRMWARE = _folder("firmware")
"""The C side: boards, library, ports, emulators."""

EXAMPLES = _folder("examples")
"""Projects to begin with, one folder each: data, network, README and limits for CI."""

MODELS = _folder("models")
"""Trained models, one folder each: model.keras, model_int8.tflite, manifest.json, history.json."""
