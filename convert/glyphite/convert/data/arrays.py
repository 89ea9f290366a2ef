"""Arrays by Keras's names: of a .npz, of .npy files side by side, or of a function's answer."""

import re
from collections.abc import Mapping
from pathlib import Path

from glyphite.convert.arrays import array_in, read_npz
from glyphite.convert.data.dataset import Array, Part
from glyphite.convert.data.found import PART_NAMES, TEST, TRAIN, VALIDATION, WHOLE, Found
from glyphite.convert.data.options import Options
from glyphite.convert.data.targets import numeric, targets_of
from glyphite.convert.errors import DataError
from glyphite.convert.files import read_bytes
from glyphite.convert.text import printable

INPUTS, TARGETS = "inputs", "targets"
ROLES = {
    **dict.fromkeys(("x", "inputs", "input", "data", "images", "features", "samples"), INPUTS),
    **dict.fromkeys(("y", "targets", "target", "labels", "label"), TARGETS),
}
"""What people call an array -> what it is, in lower case."""
NAMES = (
    "x_train, y_train, x_test, y_test (and x_val, y_val), or x and y; inputs and labels, "
    "images and labels, and the like are understood too"
)
CLASS_NAMES = "labels.txt"
"""Beside arrays: the name of a class a line, that of class 0 first."""


def from_npz(path: Path, options: Options) -> Found:
    """The arrays of a .npz file.

    Raises DataError where their names or numbers do not fit each other, InputError where it cannot
    be read or holds anything but arrays of numbers.
    """
    return _named(
        found_in(read_npz(path, finite=False), printable(str(path)), options), path.parent
    )


def from_npy(path: Path, options: Options) -> Found:
    """The inputs of a .npy file, with the targets of a `labels.npy` beside it where there is one.

    Raises DataError where they do not fit, InputError where one cannot be read.
    """
    arrays = {INPUTS: _npy(path)}
    labels = path.parent / "labels.npy"
    if labels.is_file() and not labels.samefile(path):
        arrays[TARGETS] = _npy(labels)
    return _named(found_in(arrays, printable(str(path)), options), path.parent)


def from_npy_folder(folder: Path, files: list[Path], options: Options) -> Found:
    """The .npy files of a folder, whose names without the ending are those of the arrays.

    Raises DataError where names or numbers do not fit, InputError where one cannot be read.
    """
    arrays = {path.stem: _npy(path) for path in files}
    inputs = [name for name in arrays if _role(name) is None]
    if len(inputs) == 1 and not any((_role(name) or "")[0] == INPUTS for name in arrays):
        arrays[INPUTS] = arrays.pop(inputs[0])
    return _named(found_in(arrays, printable(str(folder)), options), folder)


def _npy(path: Path) -> Array:
    """The array of a .npy file, or the only one of a .npz that was given its ending."""
    return array_in(read_bytes(path), printable(str(path)), finite=False)


def _named(found: Found, folder: Path) -> Found:
    """With the names of classes, where a file beside the arrays has them."""
    names = folder / CLASS_NAMES
    if not names.is_file():
        return found
    lines = read_bytes(names, 1 << 20).decode("utf-8-sig", "replace").splitlines()
    classes = tuple(printable(line.strip(), 80) for line in lines if line.strip())
    return Found(found.parts, found.kind, classes, found.notes)


def _role(name: str) -> tuple[str, str] | None:
    """What an array is, inputs or targets, and of which part; None where its name says nothing."""
    words = [word for word in re.split(r"[_\-. ]+", name.lower()) if word]
    roles = [ROLES[word] for word in words if word in ROLES]
    parts = [PART_NAMES[word] for word in words if word in PART_NAMES]
    if len(roles) != 1 or len(roles) + len(parts) != len(words) or len(parts) > 1:
        return None
    return roles[0], parts[0] if parts else WHOLE


def found_in(arrays: Mapping[str, object], what: str, options: Options) -> Found:
    """The parts that arrays make by their names; ``what`` names their source in messages.

    A single array of any name is inputs without targets. Raises DataError where a name is not
    known, is there twice, or targets lack inputs.
    """
    sorted_out = _sorted_out(arrays, what)
    names = [name for name in (WHOLE, TRAIN, VALIDATION, TEST) if name in sorted_out]
    if WHOLE in names and len(names) > 1:
        raise DataError(
            f"{what} has arrays of all samples and arrays of parts: {_listed(arrays)}. Name them "
            f"{NAMES}."
        )
    parts, notes = {}, []
    for name in names:
        own = sorted_out[name]
        if INPUTS not in own:
            raise DataError(f"{what} has targets and no inputs: {_listed(arrays)}. Use {NAMES}.")
        part, note = part_of(own[INPUTS][1], own.get(TARGETS, ("", None))[1], what, options)
        parts[name] = part
        notes += [note] if note else []
    return Found(parts, notes=tuple(dict.fromkeys(notes)))


def _sorted_out(
    arrays: Mapping[str, object], what: str
) -> dict[str, dict[str, tuple[str, object]]]:
    """Part -> role -> name and array."""
    if not arrays:
        raise DataError(f"{what} holds no array. Save {NAMES}.")
    found: dict[str, dict[str, tuple[str, object]]] = {}
    for name, array in arrays.items():
        role = _role(name) or ((INPUTS, WHOLE) if len(arrays) == 1 else None)
        if role is None:
            raise DataError(
                f"{what} has the arrays {_listed(arrays)}, and {printable(repr(name), 40)} is none "
                f"that is known. Name them {NAMES}."
            )
        own = found.setdefault(role[1], {})
        if role[0] in own:
            raise DataError(
                f"{what} has two arrays of {role[0]}, {printable(own[role[0]][0], 40)} and "
                f"{printable(name, 40)}. Keep one of them."
            )
        own[role[0]] = name, array
    return found


def _listed(arrays: Mapping[str, object]) -> str:
    return printable(", ".join(arrays), 200)


def part_of(x: object, y: object, what: str, options: Options) -> tuple[Part, str]:
    """Inputs and targets (None where there are none) as a part, and a note on the targets or "".

    Inputs (n,) of one number each become (n, 1). Raises DataError where one is no array of
    numbers, or there is not one target for each input.
    """
    inputs = numeric(x, f"The inputs of {what}")
    if inputs.ndim == 0:
        raise DataError(f"The inputs of {what} are one number. Give an array (n, ...) of samples.")
    if y is None:
        return Part((inputs.reshape(-1, 1) if inputs.ndim == 1 else inputs,)), ""
    values = inputs if y is x else numeric(y, f"The targets of {what}")
    if values.ndim == 0 or len(values) != len(inputs):
        raise DataError(
            f"{what} has {len(inputs):,} inputs and "
            f"{len(values) if values.ndim else 1:,} targets. "
            "Give one target for each input, in the same order."
        )
    targets, note = targets_of(values, inputs, f"The array of targets of {what}", options.numbers)
    return Part((inputs.reshape(-1, 1) if inputs.ndim == 1 else inputs,), targets), note
