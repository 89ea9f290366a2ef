"""Mutations of what a JSON or TOML document holds: types, keys, numbers, depth, letters."""

import json
import tomllib
from collections.abc import Callable
from typing import Any

from tests.hostile.way import Rng, one_of


class Pairs(list[tuple[str, Any]]):
    """An object, whose keys may be there twice."""


class Raw(str):
    """A value as it is written, whether or not the language has it."""

    __slots__ = ()


TEXTS = ("", "\0", "\x1b[2J", "\u202e", "\n", "\x7f", "..", "/etc/passwd", "0" * 64, "\u00e9",
         "int8",
         "\U0001f600", "x" * 5000, "%s{}$(id)`id`", "float32", "inf")  # fmt: skip
NUMBERS = ("-0", "0", "-1", "1", "2", "0.5", "-0.5", "127", "128", "-129", "255", "4294967296",
           "5.0",
           "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1e308", "1e999",
           "1e-400", "4.9e-324", "9" * 5000)  # fmt: skip
ODD_JSON = (*NUMBERS, "NaN", "-Infinity", "null", "true", "[]", "{}", '"\\ud800"',
            "[" * 3000 + "]" * 3000,
            '{"a":' * 400 + "1" + "}" * 400, "[" * 100_000, "", "\x00", "01", "1.",
            "'a'")  # fmt: skip
ODD_TOML = (*NUMBERS, "nan", "-inf", "true", "[]", "{}", '"\\ud800"', "[" * 300 + "]" * 300,
            "0xFFFFFFFFFFFFFFFFF",
            "1979-05-27T07:32:00Z", "1979-02-30", "07:32:00", '"""a\nb"""', "{a = {b = 1}}", "",
            "01",
            "1_000", "'a'", "{a = " * 300 + "1" + "}" * 300)  # fmt: skip


def json_tree(content: str) -> Any:  # noqa: ANN401 - any JSON
    """A JSON document as a tree."""
    return json.loads(content, object_pairs_hook=Pairs)


def toml_tree(content: str) -> Any:  # noqa: ANN401 - any TOML
    """A TOML document as a tree."""
    return json_tree(json.dumps(tomllib.loads(content)))


def json_text(node: Any) -> str:  # noqa: ANN401
    """A tree as JSON."""
    if isinstance(node, Raw):
        return str(node)
    if isinstance(node, Pairs):
        return "{" + ", ".join(f"{json.dumps(key)}: {json_text(one)}" for key, one in node) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(json_text(one) for one in node) + "]"
    return json.dumps(node)


def toml_text(tree: Any) -> str:  # noqa: ANN401
    """A tree as TOML: single values first, then the tables."""
    if not isinstance(tree, Pairs):
        return _toml_value(tree)
    lines = [f"{_key(key)} = {_toml_value(one)}" for key, one in tree if not isinstance(one, Pairs)]
    for key, table in tree:
        if isinstance(table, Pairs):
            lines.append(f"[{_key(key)}]")
            lines += [f"{_key(inner)} = {_toml_value(one)}" for inner, one in table]
    return "\n".join(lines) + "\n"


def _key(key: str) -> str:
    return key if key.isidentifier() and key.isascii() else json.dumps(key)


def _toml_value(node: Any) -> str:  # noqa: ANN401
    if isinstance(node, Pairs):
        return "{" + ", ".join(f"{_key(key)} = {_toml_value(one)}" for key, one in node) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(_toml_value(one) for one in node) + "]"
    return json_text(node)


def mutate(tree: Any, odd: tuple[str, ...], rng: Rng) -> Any:  # noqa: ANN401
    """``tree`` with one to three changes; it is changed in place where it can be."""
    for _ in range(one_of(rng, (1, 1, 1, 2, 3))):
        places = list(_places(tree))
        if not places or rng.random() < 0.01:
            return Raw(one_of(rng, odd))
        holder, index = one_of(rng, places)
        one_of(rng, CHANGES)(holder, index, odd, rng)
    return tree


def _places(node: Any) -> "list[tuple[list[Any], int]]":  # noqa: ANN401
    """Each list or object with each index into it, at any depth."""
    found: list[tuple[list[Any], int]] = []
    if isinstance(node, list):
        for index, one in enumerate(node):
            found.append((node, index))
            found += _places(one[1] if isinstance(node, Pairs) else one)
    return found


def _put(holder: list[Any], index: int, value: Any) -> None:  # noqa: ANN401
    holder[index] = (holder[index][0], value) if isinstance(holder, Pairs) else value


def _value(holder: list[Any], index: int) -> Any:  # noqa: ANN401
    return holder[index][1] if isinstance(holder, Pairs) else holder[index]


def _replace(holder: list[Any], index: int, odd: tuple[str, ...], rng: Rng) -> None:
    put = Raw(one_of(rng, odd)) if rng.random() < 0.6 else one_of(rng, TEXTS)
    _put(holder, index, put)


def _nudge(holder: list[Any], index: int, odd: tuple[str, ...], rng: Rng) -> None:
    """Another number, text or truth that is near."""
    value = _value(holder, index)
    if isinstance(value, str):
        at = int(rng.integers(len(value) + 1))
        _put(holder, index, value[:at] + one_of(rng, TEXTS) + value[at + 1 :])
    elif isinstance(value, int | float):
        near = (
            value + 1,
            value - 1,
            -value,
            value * 2,
            value / 2,
            float(value),
            str(value),
            [value],
        )
        _put(holder, index, one_of(rng, near))
    else:
        _put(holder, index, [value])


def _delete(holder: list[Any], index: int, odd: tuple[str, ...], rng: Rng) -> None:
    del holder[index]


def _double(holder: list[Any], index: int, odd: tuple[str, ...], rng: Rng) -> None:
    holder.insert(int(rng.integers(len(holder) + 1)), holder[index])


def _rename(holder: list[Any], index: int, odd: tuple[str, ...], rng: Rng) -> None:
    if isinstance(holder, Pairs):
        key, value = holder[index]
        holder[index] = (one_of(rng, (*TEXTS, key.upper(), key + " ", key[:-1])), value)


def _add(holder: list[Any], index: int, odd: tuple[str, ...], rng: Rng) -> None:
    value = Raw(one_of(rng, odd))
    holder.insert(index, (one_of(rng, TEXTS), value) if isinstance(holder, Pairs) else value)


def _swap(holder: list[Any], index: int, odd: tuple[str, ...], rng: Rng) -> None:
    other = int(rng.integers(len(holder)))
    one, two = _value(holder, index), _value(holder, other)
    _put(holder, index, two)
    _put(holder, other, one)


def _change_type(holder: list[Any], index: int, odd: tuple[str, ...], rng: Rng) -> None:
    value = _value(holder, index)
    _put(holder, index, one_of(rng, ([], Pairs(), Pairs([("a", value)]), [value, value], "", 0)))


CHANGES: tuple[Callable[[list[Any], int, tuple[str, ...], Rng], None], ...] = (
    _replace, _replace, _replace, _nudge, _nudge, _delete, _double, _rename, _add, _swap,
    _change_type,
)  # fmt: skip


def same(said: Any, read: Any) -> bool:  # noqa: ANN401
    """Whether ``read`` is what a document says; 5 may be read as 5.0, and defaults are added."""
    if isinstance(said, dict):
        return isinstance(read, dict) and all(
            key in read and same(one, read[key]) for key, one in said.items()
        )
    if isinstance(said, list):
        return (
            isinstance(read, list | tuple)
            and len(said) == len(read)
            and all(same(one, other) for one, other in zip(said, read, strict=True))
        )
    if type(said) is int and type(read) is float:
        return float(said) == read  # beyond 2^53 that is the nearest one
    alike = type(said) is type(read) or (type(said) is float and type(read) is int)
    return alike and bool(said == read)
