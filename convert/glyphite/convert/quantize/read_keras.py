"""A model of Keras out of its file, once :mod:`.keras_file` has looked at that."""

import re
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.files import read_bytes, temporary_files_in, temporary_folder
from glyphite.convert.quantize import keras_file
from glyphite.convert.quantize.alone import all_layers
from glyphite.convert.quantize.quiet import load_tensorflow, quiet
from glyphite.convert.text import printable

if TYPE_CHECKING:
    import keras

FLOAT32 = "float32"
FLOAT_BYTES = 4
"""Of a weight in Keras, whatever its layer's type: the converter works with floats."""


def load_keras(path: Path) -> "keras.Model":
    """The model in a ``.keras`` or ``.h5`` file, as :func:`read_keras` gives it.

    Raises what that raises.
    """
    return read_keras(path)[0]


def read_keras(path: Path) -> tuple["keras.Model", tuple[str, ...]]:
    """The model in a ``.keras`` or ``.h5`` file, and a sentence on what was taken otherwise.

    Its layers compute in float32, whatever they were trained in: the weights stay as they are.

    Raises ModelError where the file is not one, has layers that Keras does not define, more weights
    than are read or some that are not finite, or cannot be loaded by Keras; InputError where it
    cannot be read; ToolError where TensorFlow is not installed.
    """
    load_tensorflow()
    description = keras_file.check(path)
    try:
        with quiet():
            _check_size(_weight_bytes(description), path)
            model, notes = _in_float32(_loaded(path))
    except InputError:
        raise
    except Exception as error:  # Keras raises whatever its layers raise
        raise ModelError(
            f"{path}: Keras cannot make its network anew ({_reason(error)}). Save the model anew "
            "with `model.save('NAME.keras')`."
        ) from error
    _check_weights(model, path)
    return model, notes


def _loaded(path: Path) -> "keras.Model":
    """What Keras makes of the file, whose name may end otherwise than its content says."""
    import keras

    content = read_bytes(path, keras_file.MOST_BYTES)
    suffix = ".h5" if keras_file.is_h5(content) else ".keras"
    if path.suffix == suffix:
        return keras.saving.load_model(path, compile=False)
    with temporary_folder() as folder, temporary_files_in(folder):
        named = folder / f"model{suffix}"
        named.write_bytes(content)
        return keras.saving.load_model(named, compile=False)


def _in_float32(model: "keras.Model") -> tuple["keras.Model", tuple[str, ...]]:
    """``model``, made anew where its layers compute in another precision, which is then said."""
    import keras

    others = {layer.dtype_policy.name for layer in all_layers(model)} - {FLOAT32}
    if not others:
        return model, ()
    description = _replaced(keras.saving.serialize_keras_object(model), others)
    made = keras.saving.deserialize_keras_object(description)
    made.set_weights(model.get_weights())
    named = ", ".join(sorted(others))
    return made, (
        f"Layers of {model.name!r} compute in {named}; they are taken in float32 with the same "
        "weights, as int8 is made from that.",
    )


def _replaced(node: Any, names: set[str]) -> Any:  # noqa: ANN401 - JSON
    """A description in which each text of ``names`` is float32."""
    if isinstance(node, dict):
        return {key: _replaced(value, names) for key, value in node.items()}
    if isinstance(node, list):
        return [_replaced(value, names) for value in node]
    return FLOAT32 if isinstance(node, str) and node in names else node


def _weight_bytes(description: dict[str, Any]) -> int:
    """The bytes of all weights of the layers described, which take no memory here.

    Keras makes them at random before it looks whether the file has them: a number in the
    description can ask for more than the machine has. 0 where they cannot be told: a layer may make
    its weights in a way of its own, and what is wrong with a description is said as it is loaded.
    """
    import keras

    uncompiled = {key: value for key, value in description.items() if key != "compile_config"}
    try:
        with keras.StatelessScope(initialize_variables=False):
            layers = _made_of(uncompiled)
        return sum(FLOAT_BYTES * prod(weights.shape) for weights in layers.variables)
    except Exception:  # Keras raises whatever its layers raise
        return 0
    finally:
        keras.utils.clear_session()  # else the next scope of Keras's own makes the weights


def _made_of(description: dict[str, Any]) -> "keras.Model":
    import keras

    if "module" in description:
        return keras.saving.deserialize_keras_object(description)
    from keras.src.legacy.saving import saving_utils  # of an .h5: Keras has no public function

    return saving_utils.model_from_config(description)


def _check_size(size: int, path: Path) -> None:
    if size > keras_file.MOST_BYTES:
        raise ModelError(
            f"The layers of {path} have {size:,} bytes of weights, and at most "
            f"{keras_file.MOST_BYTES:,} are loaded. Make its layers smaller: no microcontroller "
            "has room for them."
        )


def _reason(error: BaseException) -> str:
    """What Keras stumbled over: the first sentence, as advice to authors of layers may follow.

    Each object that is made anew wraps the error of the one within it.
    """
    wrapped = r"could not be deserialized properly|^Error when deserializing class"
    while error.__context__ is not None and re.search(wrapped, str(error)):
        error = error.__context__
    sentence = re.split(r"\.?\n|\. ", str(error).strip(), maxsplit=1)[0].rstrip(".:")
    return printable(sentence if " " in sentence else f"{type(error).__name__}: {sentence}")


def _check_weights(model: "keras.Model", path: Path) -> None:
    """ModelError, which names the layer, where a weight is not finite: its answers are not."""
    for layer in all_layers(model):
        if all(np.isfinite(values).all() for values in layer.get_weights()):
            continue
        if not getattr(layer, "layers", ()):  # else one of those within it is named
            raise ModelError(
                f"The weights of layer {layer.name!r} ({type(layer).__name__}) in {path} are not "
                "all finite: its training has diverged. Train the model anew, in smaller steps."
            )
