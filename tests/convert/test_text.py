"""What comes from outside is shown on one line and cannot act on the terminal."""

import os
import shlex
import subprocess

import pytest

from glyphite.convert.text import MOST_OF_A_LINE, command, printable, printable_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("modèle 7 \u00fc ok", "modèle 7 \u00fc ok"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("a\u202eb\u2028c\x85", "a\\u202eb\\u2028c\\x85"),
        ("\0", "\\x00"),
        ("\ud800", "\\ud800"),
        (os.fsdecode(b"caf\xe9"), "caf\\xe9"),
        ("", ""),
    ],
)
def test_what_cannot_be_shown_is_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(text).isprintable()


def test_a_long_text_is_cut_and_says_so() -> None:
    assert printable("x" * 300) == "x" * 300
    assert printable("x" * 301) == "x" * 297 + "..."
    assert printable("\n" * 9, most=10) == "\\n\\n\\n\\..."[:10]


@pytest.mark.parametrize("word", ["plain", "two words", "$(rm -rf ~)", "it's", "-x;y"])
def test_a_command_can_be_typed_as_it_is_shown(word: str) -> None:
    assert shlex.split(command("glyphite", word)) == ["glyphite", word]


@pytest.mark.parametrize(
    "word", [b"caf\xe9.tflite", b"a\nb", "\u202e'\\\x1b[2J".encode(), b"\xc3\xa9\n"]
)
def test_a_name_that_cannot_be_shown_is_typed_by_its_bytes(word: bytes) -> None:
    typed = command("printf", "%s", os.fsdecode(word))
    assert typed.isascii()
    assert typed.isprintable()
    assert subprocess.run(["bash", "-c", typed], capture_output=True, check=True).stdout == word


def test_half_of_a_pair_which_no_file_has_in_its_name_is_typed_all_the_same() -> None:
    assert command("\ud800") == r"$'\355\240\200'"


def test_lines_stay_and_nothing_else_acts() -> None:
    assert printable_lines("a.c:1: error\n\x1b[31m  ^\r\n") == "a.c:1: error\n\\x1b[31m  ^\\r\n"
    assert len(printable_lines("x" * 60_000)) == MOST_OF_A_LINE
