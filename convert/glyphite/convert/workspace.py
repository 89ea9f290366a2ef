"""Where files lie: one folder per model below ``build/``.

Each stage reads and writes these files; no stage hands objects to the next::

    build/seed/model.keras  history.json  pictures/   train
    build/seed/model_int8.tflite  manifest.json       convert
    build/seed/compare.json  scores.npz               compare
    build/seed/c/model.c  model.h                     compile
    build/seed/tflm/                                  export --tflm
    build/seed/Glyphite-seed.zip                      export --arduino
    build/seed/<board>/firmware.elf  size.json        build
    build/seed/<board>/stream.json                    stream
    build/seed/report.json  report.html               report

A model that comes with this package, such as ``uno``, stays in the package; what is made from it
goes to ``build/`` as well. A model of the same name that was trained here is used instead.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.errors import ModelError
from glyphite.convert.shipped import MODELS

TFLITE = "model_int8.tflite"

MOST_TFLITE_BYTES = 64 << 20
"""The largest file that is read: many times the flash of any microcontroller."""


def build_root() -> Path:
    """The folder of all models: ``$GLYPHITE_BUILD``, or ``build`` in the current folder."""
    return Path(os.environ.get("GLYPHITE_BUILD", "build"))


@dataclass(frozen=True)
class ModelFolder:
    """One model's files. ``tflite`` lies elsewhere when the user named a .tflite of their own."""

    root: Path
    tflite: Path

    @property
    def name(self) -> str:
        """The model's name: that of its folder."""
        return self.root.name

    @property
    def shipped(self) -> bool:
        """Whether the model came with this package, so that nothing is written beside it."""
        return self.tflite.parent.parent == MODELS

    @property
    def keras(self) -> Path:
        """The trained float model."""
        return self.root / "model.keras"

    @property
    def history(self) -> Path:
        """Loss and accuracy by epoch."""
        return self._source / "history.json"

    @property
    def pictures(self) -> Path:
        """The folder of the plots of the training run."""
        return self.root / "pictures"

    @property
    def manifest(self) -> Path:
        """The manifest, which describes the model: see ``glyphite.convert.manifest``."""
        return self._source / "manifest.json"

    @property
    def compare(self) -> Path:
        """The figures of the last comparison."""
        return self.root / "compare.json"

    @property
    def scores(self) -> Path:
        """The scores of every runner in the last comparison."""
        return self.root / "scores.npz"

    @property
    def generated(self) -> Path:
        """The folder of the compiled C."""
        return self.root / "c"

    @property
    def tflm(self) -> Path:
        """The folder of the TensorFlow Lite Micro sketch."""
        return self.root / "tflm"

    def board(self, board: str) -> Path:
        """The folder of one board's firmware, sizes and streaming results."""
        return self.root / board

    @property
    def _source(self) -> Path:
        """The folder of the files that say how the model was made."""
        return self.tflite.parent if self.shipped else self.root


def model_folder(name: str) -> ModelFolder:
    """The folder of the model called ``name``, whether or not it exists yet.

    Raises ModelError where ``name`` is not made of letters, digits, '_', '-' and '.'.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise ModelError(
            f"{name!r} is not a model's name: letters, digits, '_', '-' and '.' are allowed."
        )
    root = build_root() / name
    return ModelFolder(root, root / TFLITE)


def find_model(text: str) -> ModelFolder:
    """The model that ``text`` names: a name below ``build/``, the name of a model that comes with
    this package, or the path of a .tflite.

    The results of a path go to ``build/<file's stem>``, or into its own folder where that already
    is the folder of a model. Raises ModelError where there is no such model, and where its .tflite
    is larger than ``MOST_TFLITE_BYTES``.
    """
    folder = _find(text)
    size = folder.tflite.stat().st_size
    if size > MOST_TFLITE_BYTES:
        raise ModelError(
            f"{folder.tflite} has {size:,} bytes, and at most {MOST_TFLITE_BYTES:,} are read. "
            "Name a model for microcontrollers."
        )
    return folder


def _find(text: str) -> ModelFolder:
    """As :func:`find_model`, for a .tflite of any size."""
    path = Path(text)
    if path.suffix == ".tflite" or path.is_file():
        if not path.is_file():
            raise ModelError(f"No such file: {path}. Name a .tflite file, or a model's name.")
        if path.name == TFLITE:
            return _folder_at(path.parent)
        return ModelFolder(build_root() / path.stem, path)
    folder = model_folder(path.name if path.is_dir() else text)
    if path.is_dir() and (path / TFLITE).is_file():
        return _folder_at(path)
    if folder.tflite.is_file():
        return folder
    if (MODELS / folder.name / TFLITE).is_file() and not folder.keras.is_file():
        return _folder_at(MODELS / folder.name)
    raise ModelError(
        f"No model called {text!r}: {folder.tflite} does not exist. "
        f"Make it with `glyphite train {folder.name}` and `glyphite convert {folder.name}`, "
        "or name the path of a .tflite file."
    )


def _folder_at(path: Path) -> ModelFolder:
    """The model in the folder ``path``."""
    shipped = path.resolve()
    if shipped.parent == MODELS:
        return ModelFolder(build_root() / shipped.name, shipped / TFLITE)
    return ModelFolder(path, path / TFLITE)
