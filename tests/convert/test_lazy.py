"""A package's face gives each of its names, and says what it lacks as any module does."""

import glyphite.convert
from glyphite.convert.lazy import lazy_names


def test_a_name_is_what_its_home_has() -> None:
    from glyphite.convert.files import write_text

    assert lazy_names("glyphite.convert", {"write_text": "files"})("write_text") is write_text


def test_a_name_that_is_lacking_can_be_asked_for() -> None:
    """hasattr, dir and pickle all rest on AttributeError."""
    assert not hasattr(glyphite.convert, "nothing_of_this_name")
    assert all(hasattr(glyphite.convert, name) for name in glyphite.convert.__all__)
