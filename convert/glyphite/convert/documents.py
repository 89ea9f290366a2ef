"""The one way in for JSON and TOML: a document is read as the type that says what it holds.

The type is a dataclass, a TypedDict or a dict, with ``msgspec.Meta`` for the limits of numbers. A
key that the type does not have, one that is missing or there twice, a value of another type or
beyond its limits, and a number that is not finite are each refused with the place in the file.
"""

import json
import math
import os
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import quote_from_bytes, unquote_to_bytes

import msgspec
from msgspec import Meta, inspect

from glyphite.convert.errors import InputError
from glyphite.convert.files import read_bytes
from glyphite.convert.text import printable

Document = TypeVar("Document")

Date = Annotated[str, Meta(pattern=r"^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d\+00:00\Z")]
"""When something was measured, as :func:`now` writes it: in UTC, to the second."""

MOST_JSON_BYTES = 16 << 20
"""Of one file: many times the largest record that a verb writes."""
MOST_TOML_BYTES = 1 << 16
"""Of one file: fifty times the largest board file."""
MOST_SHOWN = 100
"""Characters of a value that is quoted in a message."""

_NAMES = {
    "int": "a whole number",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "array": "a list",
    "null": "null",
}
_ENOUGH = 1 << 63
"""Whole numbers from here on do not fit 64 bits."""


class _FlawError(Exception):
    """What is wrong with a document, in words that go behind the name of its file."""


@dataclass(frozen=True)
class _Format:
    """What JSON and TOML differ in."""

    most: int
    """The most bytes of a file that are read."""
    parse: Callable[[str], Any]
    unsaid: str
    """What begins each place and is not shown: TOML has no sign for the whole document."""
    table: str
    """What an object is called."""
    is_made: bool
    """Whether verbs write it: then what mends it does so whatever lies in its place."""

    def shown(self, where: str) -> str:
        """A place such as ``$.parts[0].bytes``, for a message."""
        return printable(repr(where.removeprefix(self.unsaid)), MOST_SHOWN)

    def kinds(self, names: str) -> str:
        """Types as msgspec calls them, for a message."""
        words = _NAMES | {"object": self.table}
        return " or ".join(words.get(name, name) for name in names.split(" | "))


def read_json(
    path: Path, kind: type[Document], mend: str, refusal: type[InputError] = InputError
) -> Document:
    """The JSON document in ``path`` as a ``kind``.

    ``mend`` is the sentence that says how the file is made right. Raises ``refusal``, an
    InputError, where the document is not a ``kind``, and InputError where it cannot be read.
    """
    return _read(
        path, _Format(MOST_JSON_BYTES, _json, "", "an object", is_made=True), kind, mend, refusal
    )


def read_toml(
    path: Path, kind: type[Document], mend: str, refusal: type[InputError] = InputError
) -> Document:
    """The TOML document in ``path`` as a ``kind``, as :func:`read_json` reads JSON.

    Raises ``refusal``, an InputError, where the document is not a ``kind``, and InputError where it
    cannot be read.
    """
    return _read(
        path, _Format(MOST_TOML_BYTES, _toml, "$.", "a table", is_made=False), kind, mend, refusal
    )


def quoted_path(path: Path) -> str:
    """A path for a document: names are bytes, and those that are no plain letters become %-escapes,
    as JSON has no sign for all of them."""
    return quote_from_bytes(os.fsencode(path), safe="/\\: ")


def unquoted_path(text: str) -> Path:
    """The path that :func:`quoted_path` wrote."""
    return Path(os.fsdecode(unquote_to_bytes(text)))


def now() -> str:
    """This moment as a ``Date``."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def to_json(document: object) -> str:
    """``document`` as JSON text of several lines, with a line's end at its end.

    Raises ValueError where it holds a number that is not finite, which is not JSON, and TypeError
    where it is not made of dicts, lists, strings, numbers, True, False and None.
    """
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _read(
    path: Path, form: _Format, kind: type[Document], mend: str, refusal: type[InputError]
) -> Document:
    content = read_bytes(path, form.most, mend if form.is_made else "")
    try:
        return _convert(form.parse(_text(content)), kind, form)
    except _FlawError as flaw:
        raise refusal(f"{printable(str(path))}: {flaw}. {mend}") from flaw
    except RecursionError as error:
        name = printable(str(path))
        raise refusal(f"{name}: its values lie within each other too deeply. {mend}") from error


def _text(content: bytes) -> str:
    if not content.strip():
        raise _FlawError("the file is empty")
    if content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise _FlawError("it begins with a byte order mark, and plain UTF-8 is needed")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _FlawError(f"line {line} is not UTF-8") from error


def _json(text: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        raise _FlawError(f"it is not JSON, or was cut short ({at}: {error.msg})") from error
    except ValueError as error:  # a number of thousands of digits
        raise _FlawError("it has a whole number of too many digits") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """What a JSON object holds; which of two values of one key is meant, nobody can say."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise _FlawError(f"the key {printable(repr(twice), MOST_SHOWN)} is there twice")
    return found


def _constant(text: str) -> float:
    raise _FlawError(f"{text} is not a number that JSON has")


def _toml(text: str) -> Any:  # noqa: ANN401 - any TOML
    try:
        return tomllib.loads(text)
    except ValueError as error:  # among them TOMLDecodeError, and a date that does not exist
        raise _FlawError(f"it cannot be read as TOML: {printable(str(error))}") from error


def _convert(content: Any, kind: type[Document], form: _Format) -> Document:  # noqa: ANN401
    for where, value in _values(content, "$"):
        _check_value(form.shown(where), value)
    for where, key, allowed in _unknown(_type_info(kind), content, "$"):  # type: ignore[arg-type]
        place = form.shown(f"{where}.{key}")
        raise _FlawError(f"unknown key {place}. Allowed here: {', '.join(allowed)}")
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise _FlawError(_sentence(str(error), content, form)) from error


@cache
def _type_info(kind: type) -> inspect.Type:
    """Kept, as it takes longer than reading a board's file does."""
    return inspect.type_info(kind)


def _values(value: Any, where: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    """Every value in a document that holds no others, and every key, with its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield where, key
            yield from _values(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _values(inner, f"{where}[{index}]")
    else:
        yield where, value


def _check_value(shown: str, value: object) -> None:
    """Refuse what JSON's and TOML's readers let pass, and no computation or file can take."""
    if isinstance(value, float) and not math.isfinite(value):
        raise _FlawError(f"{shown} is {value}, and a finite number is needed")
    if isinstance(value, int) and not -_ENOUGH <= value < _ENOUGH:
        raise _FlawError(f"{shown} is a whole number that does not fit 64 bits")
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise _FlawError(f"{shown} has a character that UTF-8 does not have") from error


def _unknown(kind: inspect.Type, value: object, where: str) -> Iterator[tuple[str, str, list[str]]]:
    """Place, name and allowed names of each key that ``kind`` does not have; msgspec skips them."""
    if isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from _unknown(one, value, where)
    elif isinstance(kind, inspect.DataclassType | inspect.TypedDictType):
        fields = {field.encode_name: field.type for field in kind.fields}
        for key, inner in value.items() if isinstance(value, dict) else ():
            if key not in fields:
                yield where, key, list(fields)
            else:
                yield from _unknown(fields[key], inner, f"{where}.{key}")
    elif isinstance(kind, inspect.DictType) and isinstance(value, dict):
        for key, inner in value.items():
            yield from _unknown(kind.value_type, inner, f"{where}.{key}")
    elif isinstance(kind, inspect.ListType | inspect.VarTupleType) and isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unknown(kind.item_type, inner, f"{where}[{index}]")


def _sentence(message: str, content: object, form: _Format) -> str:
    """What msgspec says of a value, in this project's words."""
    said, _, where = message.partition(" - at `")
    where = where.rstrip("`") or "$"
    if missing := re.search(r"missing required field `(.*)`", said):
        return f"the key {form.shown(f'{where}.{missing[1]}')} is missing"
    found = re.fullmatch(r"Expected (.+?)(?:, got `(\w+)`)?", said)
    if found is None:
        return f"{form.shown(where)}: {printable(said)}"
    needed = re.sub(r"`([^`]*)`", lambda name: form.kinds(name[1]), found[1])
    needed = needed.replace("matching regex", "of the pattern")
    return f"{form.shown(where)} is {_at(where, content, found[2])}, and {needed} is needed"


def _at(where: str, content: Any, otherwise: str | None) -> str:  # noqa: ANN401
    """The value at a place, for a message."""
    try:
        for key, index in re.findall(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]", where):
            content = content[key or int(index)]
    except (KeyError, IndexError, TypeError, ValueError):  # [...] stands for any key of a dict
        return f"of the type {otherwise}" if otherwise else "beyond its limits"
    return printable(repr(content), MOST_SHOWN)
