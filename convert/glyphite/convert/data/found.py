"""What a source has found, before it is split and checked."""

from collections.abc import Mapping
from dataclasses import dataclass

from glyphite.convert.data.dataset import Part
from glyphite.convert.data.options import Kind

TRAIN, VALIDATION, TEST = "train", "validation", "test"
WHOLE = "whole"
"""The part of a source that has but one."""

PART_NAMES = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("val", "valid", "validation", "dev"), VALIDATION),
    **dict.fromkeys(("test", "testing", "t10k"), TEST),
}
"""What people call a part -> what it is, in lower case."""


@dataclass(frozen=True)
class Found:
    """The parts that a source has by name: WHOLE alone, or some of TRAIN, VALIDATION, TEST."""

    parts: Mapping[str, Part]
    kind: Kind | None = None
    """None: to be told by shape and values."""
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    split: str = ""
    """The sentence, where the source itself has made the parts; else empty."""
    split_is_made: bool = False
    name: str = ""
    title: str = ""
    """Where the source knows better names than its path."""
