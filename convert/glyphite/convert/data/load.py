"""The one way in for a data set: what a person names, and the source that it is."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from glyphite.convert.data.arrays import from_npy, from_npy_folder, from_npz
from glyphite.convert.data.check import absent_classes, require_sound, sound
from glyphite.convert.data.csv_file import ENDINGS
from glyphite.convert.data.dataset import DataSet, Part
from glyphite.convert.data.folders import Content, content_of, files_below, part_folders
from glyphite.convert.data.found import PART_NAMES, TEST, TRAIN, VALIDATION, WHOLE, Found
from glyphite.convert.data.function import from_function
from glyphite.convert.data.idx import from_idx, is_idx
from glyphite.convert.data.names import NAMES
from glyphite.convert.data.options import Kind, Options
from glyphite.convert.data.pictures import from_pictures, is_picture
from glyphite.convert.data.recordings import from_recordings, is_csv
from glyphite.convert.data.split import split_of
from glyphite.convert.data.table import from_tables
from glyphite.convert.errors import DataError
from glyphite.convert.text import printable
from glyphite.convert.user_code import named

ALLOWED = (
    f"a name ({', '.join(NAMES)}), a .npz, .npy or .csv file, a folder of pictures with a folder "
    "for each class, of IDX files or of CSV recordings, or FILE.py:FUNCTION"
)
MOST_COMPARED = 10_000
"""Names in a folder that one which is not there is compared with."""
SMALLEST_PICTURE = 8
"""Pixels of a side: smaller arrays of bytes are taken for readings."""

PACKED = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")


def load(source: str, options: Options | None = None) -> DataSet:
    """The data set that ``source`` names: any of ``ALLOWED``.

    Raises DataError where there is none, it is of two kinds at once, or what it holds does not make
    samples; CodeError where it is the user's own function and raises; InputError where a file
    cannot be read or is damaged.
    """
    options = Options() if options is None else options
    found = _found(source, options)
    notes: list[str] = []
    if isinstance(found, DataSet):
        data = _of_sound_parts(found, options, notes)
    else:
        title, notes = found.title or printable(source), list(found.notes)
        parts = {
            name: _sound(part, title, name, options, notes) for name, part in found.parts.items()
        }
        data = _assembled(dataclasses.replace(found, parts=parts), source, title, options)
    require_sound(data)
    return dataclasses.replace(data, notes=(*data.notes, *notes, *absent_classes(data)))


def _sound(part: Part, title: str, name: str, options: Options, notes: list[str]) -> Part:
    what = title if name == WHOLE else f"the {name} part of {title}"
    part, note = sound(part, what, options.on_bad)
    notes += [note] if note else []
    return part


def _of_sound_parts(data: DataSet, options: Options, notes: list[str]) -> DataSet:
    """A data set that the user's own function has made."""
    train, test = (
        _sound(part, data.title, name, options, notes)
        for name, part in ((TRAIN, data.train), (TEST, data.test))
    )
    validation = data.validation
    if validation is not None:
        validation = _sound(validation, data.title, VALIDATION, options, notes)
    return dataclasses.replace(data, train=train, validation=validation, test=test)


def require_there(source: str) -> None:
    """Make sure that there is what ``source`` names, before long work; it is not read.

    Raises DataError where there is not.
    """
    function = named(source)
    path = Path(source) if function is None else function.path
    if source.lower() not in NAMES and not _exists(path):
        raise DataError(_absent(source, path))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _assembled(found: Found, source: str, title: str, options: Options) -> DataSet:
    split = split_of(found, options)
    kind = options.kind or found.kind or _kind(split.test if len(split.test) else split.train)
    return DataSet(
        name=found.name or _name(source),
        title=title,
        kind=kind,
        train=split.train,
        validation=split.validation,
        test=split.test,
        classes=found.classes if split.test.labels is not None else (),
        split=split.sentence,
        split_is_made=split.is_made,
    )


def _name(source: str) -> str:
    function = named(source)
    if function is not None:
        return function.path.stem
    path = Path(source)
    return (path.stem if path.is_file() else path.resolve().name) or "data"


def _kind(part: Part) -> Kind:
    """By shape and values: pictures are bytes, or floats within 0..255 that are no readings."""
    values = part.tensors[0]
    shape = values.shape[1:]
    sides = shape[:-1] if len(shape) == 3 and shape[2] in (1, 3, 4) else shape
    if len(sides) == 2 and min(sides) >= SMALLEST_PICTURE and len(values):
        is_grid = len(shape) == 3 or values.dtype.kind == "u"
        if is_grid and values.dtype.itemsize != 2 and values.min() >= 0 and values.max() <= 255:
            return Kind.PICTURE
    return Kind.VECTOR if len(shape) <= 1 else Kind.WINDOW


def _found(source: str, options: Options) -> Found | DataSet:
    if source.lower() in NAMES:
        return NAMES[source.lower()](options)
    function = named(source)
    if function is not None:
        return from_function(function, options)
    require_there(source)
    path = Path(source)
    return _in_folder(path, options) if path.is_dir() else _in_file(path, options)


def _absent(source: str, path: Path) -> str:
    """The sentence for what is not there: the nearest names, or all that there can be."""
    try:
        there = [each.name for each in islice(path.parent.iterdir(), MOST_COMPARED)]
    except (OSError, ValueError):
        there = []
    near = [str(path.parent / name) for name in get_close_matches(path.name, there, 3)]
    near += get_close_matches(source.lower(), NAMES, 1)
    name = printable(source, 200)
    if near:
        return printable(f"No such data set: {name}. Is it {' or '.join(near)}?", 600)
    return f"No such data set: {name}. Name {ALLOWED}."


def _in_file(path: Path, options: Options) -> Found:
    ending, name = path.suffix.lower(), printable(str(path))
    if ending == ".npz":
        return from_npz(path, options)
    if ending == ".npy":
        return from_npy(path, options)
    if ending in ENDINGS or (ending == ".txt" and path.name.lower() != "labels.txt"):
        if options.window is not None:
            return from_recordings(path, options)
        return from_tables({WHOLE: path}, options)
    if is_idx(path):
        raise DataError(f"{name} is one IDX file of several. Name its folder: {path.parent}.")
    if ending in PACKED:
        raise DataError(f"{name} is packed. Unpack it, and name the file or folder that comes out.")
    if ending == ".py":
        raise DataError(f"{name} is Python. Name the function in it too: {path}:load.")
    if is_picture(path):
        raise DataError(f"{name} is one picture. Name a folder with a folder for each class.")
    raise DataError(f"{name} is no kind of file that is known. Name {ALLOWED}.")


@dataclass(frozen=True)
class _Claim:
    """A source that finds something of its own in a folder."""

    what: str
    files: list[Path]
    read: Callable[[Path, list[Path], Options], Found]


def _in_folder(folder: Path, options: Options) -> Found:
    name = printable(str(folder))
    claims = [claim for claim in _claims(folder) if claim.files]
    if not claims:
        raise DataError(_without(folder))
    if len(claims) > 1:
        both = " and ".join(f"{claim.what} ({_shown(claim, folder)})" for claim in claims)
        raise DataError(f"{name} holds {both}. Name a folder of one kind, or the file itself.")
    return claims[0].read(folder, claims[0].files, options)


def _claims(folder: Path) -> list[_Claim]:
    here = content_of(folder)
    below = files_below(folder)
    npz = [path for path in here.files if path.suffix.lower() == ".npz"]
    npy = [path for path in here.files if path.suffix.lower() == ".npy"]
    idx = [path for path in here.files if is_idx(path)]
    tables = [path for path in below if is_csv(path)]
    pictures = [path for path in below if is_picture(path)]
    return [
        _Claim("a .npz file", npz, _only_npz),
        _Claim(".npy files", npy, from_npy_folder),
        _Claim("IDX files", idx, from_idx),
        _Claim("CSV files", tables, _tables),
        _Claim("pictures", pictures, lambda where, _, options: from_pictures(where, options)),
    ]


def _shown(claim: _Claim, folder: Path) -> str:
    first = printable(str(claim.files[0].relative_to(folder)), 80)
    more = len(claim.files) - 1
    return f"{first} and {more:,} more" if more else first


def _without(folder: Path) -> str:
    """The sentence for a folder in which no source finds anything."""
    name, there = printable(str(folder)), content_of(folder)
    names = [path.name for path in (*there.folders, *there.files)]
    if not names:
        return f"{name} is empty. Name {ALLOWED}."
    listed = printable(", ".join(names[:5]), 200)
    if there.folders and not files_below(folder):
        return f"{name} has folders ({listed}) and no files in them. Name {ALLOWED}."
    return f"{name} holds nothing that is known ({listed}). Name {ALLOWED}."


def _only_npz(folder: Path, files: list[Path], options: Options) -> Found:
    if len(files) > 1:
        raise DataError(
            f"{printable(str(folder))} holds {len(files)} .npz files. Name one, for example "
            f"{printable(str(files[0]))}."
        )
    return from_npz(files[0], options)


def _tables(folder: Path, files: list[Path], options: Options) -> Found:
    """Rows as samples where a file is called as a part is (``train.csv``), else recordings."""
    parts = _part_files(content_of(folder))
    if parts and options.window is None:
        return from_tables(parts, options)
    if len(files) == 1 and options.window is None and not part_folders(content_of(folder)):
        return from_tables({WHOLE: files[0]}, options)
    return from_recordings(folder, options)


def _part_files(content: Content) -> Mapping[str, Path]:
    """The files by part; empty unless all are called as parts are."""
    found = {PART_NAMES.get(path.stem.lower(), ""): path for path in content.files if is_csv(path)}
    return {} if "" in found or content.folders else found
