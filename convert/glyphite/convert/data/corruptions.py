"""The corruptions that fit a data set: of pictures, or of readings and other numbers."""

from glyphite.convert.data import corrupt_pictures, corrupt_readings
from glyphite.convert.data.corrupt_pictures import Pictures
from glyphite.convert.data.corrupt_readings import Readings
from glyphite.convert.data.corruption import Array, Corruption
from glyphite.convert.data.options import Kind


def layout_of(raw: Array, kind: Kind) -> Pictures | Readings:
    """How raw samples (n, *shape) lie, and what is usual for them.

    Pictures that are a row of numbers are taken for square ones; where they cannot be, each is a
    reading, as are those of a data set of no pictures.
    """
    pictures = Pictures.of(raw) if kind is Kind.PICTURE else None
    return Readings.of(raw) if pictures is None else pictures


def corruptions_of(layout: Pictures | Readings) -> list[Corruption]:
    """All corruptions of such samples, those of one name side by side, the weakest first."""
    if isinstance(layout, Pictures):
        return corrupt_pictures.corruptions(layout)
    return corrupt_readings.corruptions(layout)
