"""Where the float model lies that a user names, and the folder of what is made of it."""

from pathlib import Path

from glyphite.convert.errors import ModelError
from glyphite.convert.manifest import sha256_of
from glyphite.convert.names import safe_name
from glyphite.convert.quantize import saved_model
from glyphite.convert.quantize.float_model import FORMS
from glyphite.convert.shipped import MODELS
from glyphite.convert.workspace import SHA_DIGITS, TFLITE, ModelFolder, is_file, model_folder
from glyphite.train.networks.networks import NETWORKS

SUFFIXES = (".keras", ".h5", ".hdf5", ".tflite")


def float_source(text: str) -> tuple[ModelFolder, Path]:
    """The folder where the results go by default, and the float model.

    Raises ModelError where there is none.
    """
    path = Path(text)
    if (own := ModelFolder(path, path / TFLITE)).float_model.is_file():
        return own, own.float_model
    if is_file(path / saved_model.FILE):
        return _folder_of(path), path
    if path.suffix in SUFFIXES or is_file(path):
        if not is_file(path):
            raise ModelError(f"No such file: {path}. Name {FORMS}, or a model's name.")
        own = ModelFolder(path.parent, path.parent / TFLITE)
        return (own if path in (own.keras, own.float_tflite) else _folder_of(path)), path
    folder = model_folder(text)
    if not folder.float_model.is_file() and is_file(shipped := MODELS / text / folder.keras.name):
        return folder, shipped
    if not folder.float_model.is_file():
        raise ModelError(
            f"No model called {text!r}: {folder.keras} does not exist. Make one with "
            f"`glyphite train` ({', '.join(sorted(NETWORKS))}), or name the path of {FORMS}."
        )
    return folder, folder.float_model


def _folder_of(source: Path) -> ModelFolder:
    """The folder for a model of the user's own: not that of another, trained here."""
    folder = model_folder(safe_name(source.stem))
    if not folder.history.is_file() or not folder.keras.is_file():
        return folder
    digest = sha256_of(source / saved_model.FILE if source.is_dir() else source)
    if sha256_of(folder.keras) != digest:
        return model_folder(f"{folder.name}-{digest[:SHA_DIGITS]}")
    return folder
