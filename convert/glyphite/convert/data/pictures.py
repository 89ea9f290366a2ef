"""A folder of pictures with a folder for each class, as Keras reads it; parts may lie above."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from glyphite.convert.data import picture_file
from glyphite.convert.data.bad import MOST_NAMED, Bad, listed
from glyphite.convert.data.dataset import Labels, Part
from glyphite.convert.data.folders import (
    content_of,
    files_below,
    part_folders,
    require_no_wrapper,
)
from glyphite.convert.data.found import WHOLE, Found
from glyphite.convert.data.options import Kind, Options
from glyphite.convert.errors import DataError, ImageError
from glyphite.convert.files import MOST_BYTES
from glyphite.convert.text import printable

CHANNELS = (1, 3, 4)
REPORTED = 1000
"""A line of progress for so many pictures."""

Size = tuple[int, int, int]


@dataclass(frozen=True)
class _Picture:
    path: Path
    label: str
    """The name of its class; "" where there are no folders of classes."""
    part: str
    size: Size
    """Height, width and channels, as the file has them."""


def from_pictures(folder: Path, options: Options) -> Found:
    """The pictures of a folder.

    They are scaled to the shape of the options; without one, they must have one size. Raises
    DataError where sizes differ, a file is no picture and may not be left out, or they take more
    than a gigabyte; InputError where a file cannot be read.
    """
    notes: list[str] = []
    named, classes = _paths(folder, notes)
    pictures = _looked_at(folder, named, options, notes)
    size = _size(pictures, options, folder)
    kept, pixels = _decoded(folder, pictures, size, options, notes)
    return Found(_parts(kept, pixels, classes, folder), Kind.PICTURE, classes, tuple(notes))


def _paths(folder: Path, notes: list[str]) -> tuple[list[tuple[Path, str, str]], tuple[str, ...]]:
    """Path, class and part of each picture, and all classes in the order of their names."""
    parts = part_folders(content_of(folder))
    if not parts:
        require_no_wrapper(folder, is_picture)
        parts = {WHOLE: folder}
    found: list[tuple[Path, str, str]] = []
    passed: list[Path] = []
    classes: set[str] = set()
    for part, above in parts.items():
        inner = content_of(above)
        classes |= {printable(each.name, 80) for each in inner.folders}
        for path in inner.files if not inner.folders else ():
            found.append((path, "", part))
        passed += inner.files if inner.folders else ()
        for each in inner.folders:
            found += [(path, printable(each.name, 80), part) for path in files_below(each)]
    _require_classes(folder, [each for each in found if is_picture(each[0])])
    others = [path for path, *_ in found if not is_picture(path)]
    if passed or others:
        left = [*passed, *others]
        shown = listed(
            [printable(str(p.relative_to(folder))) for p in left[:MOST_NAMED]], len(left)
        )
        first, last = (
            ("file is no picture", "was") if len(left) == 1 else ("files are no pictures", "were")
        )
        notes.append(f"{len(left):,} {first} of a class and {last} left out: {shown}.")
    names = tuple(sorted(classes))
    if names and all(name.isdecimal() for name in names) and names != tuple(sorted(names, key=int)):
        notes.append(
            f"Classes are in the order of their names as texts, as Keras has it: "
            f"{', '.join(names[:12])}."
        )
    return [each for each in found if is_picture(each[0])], names


def _require_classes(folder: Path, found: list[tuple[Path, str, str]]) -> None:
    """DataError where a part has folders of classes and another has none, so no labels."""
    without = next((path for path, label, _ in found if not label), None)
    of_class = next((path for path, label, _ in found if label), None)
    if without is not None and of_class is not None:
        first, second = (printable(p.relative_to(folder).as_posix()) for p in (without, of_class))
        raise DataError(
            f"In {printable(str(folder))}, {first} lies in no folder of a class, and {second} "
            "does. Put it and the others beside it into folders of their classes, or take them out."
        )


def is_picture(path: Path) -> bool:
    """Whether a file has the ending of a picture's name."""
    return path.suffix.lower() in picture_file.ENDINGS


def _looked_at(
    folder: Path, named: Iterable[tuple[Path, str, str]], options: Options, notes: list[str]
) -> list[_Picture]:
    """The pictures whose headers can be read."""
    found, bad = [], _bad(folder, options)
    for path, label, part in named:
        try:
            found.append(_Picture(path, label, part, picture_file.look(path)))
        except ImageError as error:
            bad.add(_told(path, folder, error))
    bad.end(len(found), notes)
    return found


def _bad(folder: Path, options: Options) -> Bad:
    return Bad("pictures", printable(str(folder)), options.on_bad)


def _told(path: Path, folder: Path, error: ImageError) -> str:
    return f"{printable(path.relative_to(folder).as_posix())} ({error})"


def _size(pictures: list[_Picture], options: Options, folder: Path) -> Size:
    """Height, width and channels of all samples."""
    channels = max((picture.size[2] for picture in pictures), default=1)
    if options.shape is not None:
        return _asked(options.shape, channels)
    sizes = Counter(picture.size[:2] for picture in pictures)
    if len(sizes) > 1:
        height, width = sizes.most_common(1)[0][0]
        first = {picture.size[:2]: picture.path for picture in reversed(pictures)}
        shown = [
            f"{w}x{h} ({count:,}: {printable(first[h, w].relative_to(folder).as_posix())})"
            for (h, w), count in sizes.most_common(MOST_NAMED)
        ]
        raise DataError(
            f"The pictures of {printable(str(folder))} have {len(sizes):,} sizes, width x height: "
            f"{listed(shown, len(sizes))}. Name the model's height, width and channels, to which "
            f"all are scaled: Options(shape=({height}, {width}, {channels})), say."
        )
    height, width = next(iter(sizes), (0, 0))
    return height, width, channels


def _asked(shape: tuple[int, ...], channels: int) -> Size:
    if len(shape) == 2:
        return shape[0], shape[1], 1
    if len(shape) != 3 or shape[2] not in CHANNELS or min(shape) < 1:
        raise DataError(
            f"Pictures cannot be given the shape {'x'.join(map(str, shape))}: height, width and 1 "
            f"(grey), 3 (colours) or 4 (with opacity) channels are allowed, 96x96x{channels}, say. "
            "Take a model whose input has such a shape."
        )
    return shape[0], shape[1], shape[2]


def _decoded(
    folder: Path, pictures: list[_Picture], size: Size, options: Options, notes: list[str]
) -> tuple[list[_Picture], picture_file.Pixels]:
    """The pictures that can be decoded, and their pixels (n, height, width, channels)."""
    if len(pictures) * prod(size) > MOST_BYTES:
        raise DataError(
            f"{len(pictures):,} pictures of {'x'.join(map(str, size))} take "
            f"{len(pictures) * prod(size):,} bytes, and at most {MOST_BYTES:,} are read. "
            "Take a model of smaller pictures, or fewer of them."
        )
    pixels, good = np.empty((len(pictures), *size), np.uint8), np.zeros(len(pictures), np.bool_)
    bad = _bad(folder, options)
    for place, picture in enumerate(pictures):
        try:
            pixels[place] = picture_file.decode(picture.path, size)
            good[place] = True
        except ImageError as error:
            bad.add(_told(picture.path, folder, error))
        if (place + 1) % REPORTED == 0:
            options.report(f"Read {place + 1:,} of {len(pictures):,} pictures")
    bad.end(int(good.sum()), notes)
    kept = [picture for picture, is_good in zip(pictures, good, strict=True) if is_good]
    scaled = sum(picture.size[:2] != size[:2] for picture in kept)
    if scaled:
        are = "picture was" if scaled == 1 else "pictures were"
        notes.append(f"{scaled:,} {are} scaled to {size[1]}x{size[0]} pixels.")
    return kept, pixels if good.all() else pixels[good]


def _parts(
    pictures: list[_Picture], pixels: picture_file.Pixels, classes: tuple[str, ...], folder: Path
) -> dict[str, Part]:
    numbers = {name: number for number, name in enumerate(classes)}
    parts = {}
    for part in dict.fromkeys(picture.part for picture in pictures):
        places = [place for place, picture in enumerate(pictures) if picture.part == part]
        own = [pictures[place] for place in places]
        labels = np.array([numbers.get(picture.label, 0) for picture in own], np.int64)
        origins = tuple(picture.path.relative_to(folder).as_posix() for picture in own)
        targets = Labels(labels) if classes else None
        whole = len(places) == len(pictures)
        parts[part] = Part((pixels if whole else pixels[places],), targets, origins)
    return parts
