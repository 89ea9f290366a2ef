"""A .tflite that someone has only as text: the array of a C program, as ``xxd -i`` makes it.

The bytes become a file below ``build/.arrays``, in a folder that is named by their SHA-256.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from glyphite.convert.errors import ModelError
from glyphite.convert.files import read_bytes
from glyphite.convert.hold import write_shared
from glyphite.convert.text import command, printable

IDENTIFIER = b"TFL3"
"""Bytes 4 to 7 of a .tflite."""
SUFFIXES = (".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".ino")
"""Of files that hold C."""
MOST_SHOWN = 40
"""Characters of what is no byte."""

_COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_VALUES = re.compile(r"\{([^{}]*)\}")
_HEAD = re.compile(r"\b([A-Za-z_]\w*)\s*\[[^\]]*\][^=;{}]*=\s*\Z")
_HEAD_CHARACTERS = 400
"""Before an array's values, where its name stands."""
_BYTE = re.compile(r"-?(?:0[xX][0-9a-fA-F]{1,2}|0|[1-9][0-9]{0,2})[uU]?")
_CAST = re.compile(r"\(\s*\w+(?:\s+\w+)*\s*\)")
"""As before the values of an int8_t array: (int8_t)0x8c, (signed char)-116."""
_LINES_OF_XXD = re.compile(rb"[0-9a-fA-F]{6,8}: ")
_DIGITS_ALONE = re.compile(
    rb"\s*(?:[0-9a-fA-F]{2}\s*){4}54\s*46\s*4[cC]\s*33[0-9a-fA-F\s]*\Z"  # TFL3
)
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
"""What a packed file begins with -> the program that unpacks it to stdout by -dc."""
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{5}FRGTDM[A-Za-z0-9+/]")
"""Of a .tflite's first bytes, of which 4 to 7 are TFL3."""
_BASE64_ALONE = re.compile(rb"\s*[A-Za-z0-9+/]{5}FRGTDM[A-Za-z0-9+/=\s]*\Z")
_OTHER_LINES = re.compile(rb"[0-9a-fA-F]{6,8} ")


def tflite_of_text(path: Path, folder: Path) -> Path:
    """``path``, or where that is C with a .tflite in an array, a file in ``folder`` of its bytes.

    The values alone, as ``xxd -i`` makes them of what it reads from a pipe, are taken, too.

    Raises ModelError where it is a hex dump, base64 or packed, or C without one such array, with
    several, or with what is no byte; InputError where it cannot be read or the file cannot be
    written.
    """
    content = read_bytes(path)
    if content[4:8] == IDENTIFIER:
        return path
    _refuse_packed(path, content)
    if b"\0" in content:
        return path
    _refuse_dump(path, content)
    _refuse_base64(path, content)
    text = _COMMENT.sub(" ", content.decode(errors="replace"))
    arrays = {path.stem: text} if "{" not in text and _begins(text) else dict(_arrays(text))
    if not arrays and path.suffix.lower() not in SUFFIXES:
        return path
    if len(arrays) != 1:
        raise ModelError(f"{_shown(path)} has {_found(list(arrays))}")
    ((name, values),) = arrays.items()
    whole = _bytes(path, name, values, text)
    made = folder / hashlib.sha256(whole).hexdigest()[:16] / f"{path.stem}.tflite"
    if not made.is_file():
        write_shared(made, whole)
    return made


def _refuse_dump(path: Path, content: bytes) -> None:
    """Raise ModelError where ``content`` is a hex dump, with what turns it back."""
    said = f"{_shown(path)} is the hex dump of a file"
    options = ["-r"] if _LINES_OF_XXD.match(content) else ["-r", "-p"]
    if options == ["-r"] or _DIGITS_ALONE.match(content):
        back = command("xxd", *options, path, path.with_name(f"{path.stem}_whole.tflite"))
        raise ModelError(f"{said}. Turn it back with `{back}`.")
    if _OTHER_LINES.match(content):  # od and hexdump: pairs may be swapped, equal lines left out
        raise ModelError(
            f"{said}, and not as xxd makes it, which alone can be turned back for certain. Name "
            "the file itself, or what `xxd -i` says of it."
        )


def _refuse_packed(path: Path, content: bytes) -> None:
    """Raise ModelError where ``content`` is packed, with what unpacks it."""
    program = next((name for magic, name in _PACKED.items() if content.startswith(magic)), None)
    if program is not None:
        back = f"{command(program, '-dc', path)} > {command(_whole(path))}"
        raise ModelError(f"{_shown(path)} is packed by {program}. Unpack it with `{back}`.")
    held = _first_in_zip(content)
    if held:
        back = command("python3", "-m", "zipfile", "-e", path, path.with_name(f"{path.stem}_files"))
        raise ModelError(f"{_shown(path)} is a zip with {held} in it. Unpack it with `{back}`.")


def _first_in_zip(content: bytes) -> str:
    """The first .tflite that a zip lists; "" where it lists none, or is none."""
    if not content.startswith(b"PK\x03\x04"):
        return ""
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):  # whoever reads it says so
        return ""
    return next((printable(name) for name in names if name.endswith(".tflite")), "")


def _refuse_base64(path: Path, content: bytes) -> None:
    """Raise ModelError where ``content`` has a .tflite as base64, with what turns it back."""
    if _BASE64_ALONE.match(content):
        back = f"{command('python3', '-m', 'base64', '-d', path)} > {command(_whole(path))}"
        raise ModelError(f"{_shown(path)} is a .tflite as base64. Turn it back with `{back}`.")
    if _BASE64.search(content):
        raise ModelError(
            f"{_shown(path)} has a .tflite as base64 in it. Put those characters alone, without "
            "quotes, into a file, and name that."
        )


def _whole(path: Path) -> Path:
    return path.with_name(f"{path.stem.removesuffix('.tflite')}_whole.tflite")


def _arrays(text: str) -> Iterator[tuple[str, str]]:
    """Name and values of each array that begins as a .tflite does; one pass over the text."""
    for values in _VALUES.finditer(text):
        if _begins(values[1]):
            before = text[max(0, values.start() - _HEAD_CHARACTERS) : values.start()]
            if head := _HEAD.search(before):
                yield head[1], values[1]


def _shown(path: Path) -> str:
    return printable(str(path))


def _found(names: list[str]) -> str:
    if names:
        return (
            f"several models: {', '.join(names)}. Leave one of these arrays in a file, and name it."
        )
    return (
        "no array that is a .tflite, whose bytes 4 to 7 are 'TFL3'. Name the file that has its "
        "bytes: often a .cc or .h beside it."
    )


def _begins(values: str) -> bool:
    """Whether an array's elements begin as a .tflite does."""
    first = [value.strip() for value in values.split(",", 8)[:8]]
    return len(first) == 8 and bytes(_value(value) or 0 for value in first[4:]) == IDENTIFIER


def _value(text: str) -> int | None:
    """The byte that an element is, one of int8_t or of uint8_t; None where it is none."""
    text = _CAST.sub("", text, count=1).strip()
    number = int(text.rstrip("uU"), 0) if _BYTE.fullmatch(text) else 256
    return number % 256 if -128 <= number < 256 else None


def _bytes(path: Path, name: str, values: str, text: str) -> bytes:
    elements = [value.strip() for value in values.split(",")]
    if not elements[-1]:  # a comma behind the last one
        elements.pop()
    found = [_value(element) for element in elements]
    if None in found:
        at = found.index(None)
        raise ModelError(
            f"{_shown(path)}: element {at} of {name} is {printable(repr(elements[at]), MOST_SHOWN)}"
            ", and a byte (0x00 to 0xff, or -128 to 255) is needed. Copy the array again."
        )
    told = re.search(rf"\b{name}_(?:len|size)\s*=\s*([0-9]{{1,9}})\s*;", text)
    if told and int(told[1]) != len(found):
        raise ModelError(
            f"{_shown(path)}: {name} has {len(found):,} bytes, and {told[0].split()[0]} says "
            f"{int(told[1]):,}. Copy the array again."
        )
    return bytes(value or 0 for value in found)
