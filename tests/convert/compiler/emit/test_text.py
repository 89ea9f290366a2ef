"""A text from outside in generated C: it stays inside its comment or its string, whatever it is."""

import ast

import pytest

from glyphite.convert.compiler.emit.text import c_comment, c_literal


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("an Arduino Uno (R3), 2 KiB", "an Arduino Uno (R3), 2 KiB"),
        ("see https://a.b/c?d", "see https://a.b/c?d"),
        ("*/ int x; /*", "* / int x; / *"),
        ("/*/", "/ * /"),
        ("two\nlines", "two\\nlines"),
        ("a backslash\\", "a backslash_"),
        ("two\\\\", "two\\_"),
        ("??/", "? ?/"),
        ("???/", "? ? ?/"),
        ("\u202ereversed", "\\u202ereversed"),
        ("x" * 60_000, "x" * 297 + "..."),
    ],
)
def test_a_comment_neither_ends_nor_goes_on(text: str, comment: str) -> None:
    assert c_comment(text) == comment


@pytest.mark.parametrize("text", ["armv7e-m", 'a"b\\c', "??/", "two\nlines", "é\0", "\udce9"])
def test_a_literal_has_the_bytes_of_the_text(text: str) -> None:
    """Python reads octal escapes of three digits as C does."""
    literal = c_literal(text)
    assert literal.isascii()
    assert "?" not in literal
    assert ast.literal_eval(f"b{literal}") == text.encode("utf-8", "backslashreplace")
