"""What lies in a folder: files that were put there, not those that systems leave behind."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.data.found import PART_NAMES
from glyphite.convert.errors import DataError
from glyphite.convert.text import printable

LEFT_BY_SYSTEMS = {"thumbs.db", "desktop.ini", "__macosx", "ehthumbs.db"}
MOST_FILES = 1_000_000


@dataclass(frozen=True)
class Content:
    """The files directly in a folder, and the folders, sorted by name."""

    files: tuple[Path, ...]
    folders: tuple[Path, ...]


def content_of(folder: Path) -> Content:
    """What lies in ``folder``, without hidden names. Raises DataError where it cannot be read."""
    try:
        paths = sorted(path for path in folder.iterdir() if _is_meant(path))
        return Content(
            tuple(path for path in paths if not path.is_dir()),
            tuple(path for path in paths if path.is_dir()),
        )
    except OSError as error:
        raise DataError(f"{printable(str(folder))} cannot be read: {error.strerror}.") from error


def _is_meant(path: Path) -> bool:
    return not path.name.startswith(".") and path.name.lower() not in LEFT_BY_SYSTEMS


def files_below(folder: Path) -> list[Path]:
    """All files in ``folder`` and the folders in it, sorted; links to folders are not followed.

    Raises DataError where a folder cannot be read or there are more than a million files.
    """
    found = []
    for path in _below(folder):
        found.append(path)
        if len(found) > MOST_FILES:
            name = printable(str(folder))
            raise DataError(f"{name} holds more than {MOST_FILES:,} files. Name a folder in it.")
    return found


def _below(folder: Path) -> Iterator[Path]:
    content = content_of(folder)
    yield from content.files
    for inner in content.folders:
        if not inner.is_symlink():
            yield from _below(inner)


def require_no_wrapper(folder: Path, is_sample: Callable[[Path], bool]) -> None:
    """Make sure that the only folder in ``folder`` is a class, and not one that holds the classes.

    An archive that is unpacked often leaves such a folder, and all samples would be of one class.
    Raises DataError where it holds folders, and no sample of its own.
    """
    folders = content_of(folder).folders
    inner = content_of(folders[0]) if len(folders) == 1 else Content((), ())
    if inner.folders and not any(map(is_sample, inner.files)):
        name = printable(folders[0].name, 80)
        names = printable(", ".join(each.name for each in inner.folders[:5]), 200)
        raise DataError(
            f"{printable(str(folder))} holds one folder, {name}, with folders in it ({names}). If "
            f"these are the classes, name {printable(str(folders[0]))}; if {name} is the only "
            "class, put its files right into it."
        )


def part_folders(content: Content) -> dict[str, Path]:
    """The folders that are called as parts of a data set are, by part; empty unless all are.

    One that is not makes ``train`` and ``test`` the names of classes. Raises DataError where two
    folders are the same part.
    """
    parts: dict[str, Path] = {}
    for folder in content.folders:
        part = PART_NAMES.get(folder.name.lower())
        if part is None:
            return {}
        if part in parts:
            raise DataError(
                f"The folders {parts[part].name} and {folder.name} are the same part of a data "
                "set. Keep one of them."
            )
        parts[part] = folder
    return parts
