"""What is not the document that is expected is refused in one sentence, which names the place."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypedDict

import pytest
from msgspec import Meta

from glyphite.convert.documents import (
    MOST_JSON_BYTES,
    MOST_TOML_BYTES,
    read_json,
    read_toml,
    to_json,
)
from glyphite.convert.errors import InputError, ModelError

MEND = "Make it anew."
Share = Annotated[float, Meta(ge=0, le=1)]


class Part(TypedDict):
    bytes: int


@dataclass(frozen=True)
class Tensor:
    scale: Annotated[float, Meta(gt=0)]
    shape: tuple[Annotated[int, Meta(ge=1)], ...] = ()


@dataclass(frozen=True)
class Record:
    name: str
    input: Tensor
    accuracy: dict[str, Share] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    output: Tensor | None = None


GOOD = {
    "name": "é",
    "input": {"scale": 1, "shape": [1, 2]},
    "accuracy": {"c": 1.0},
    "parts": [{"bytes": 3}],
    "output": None,
}


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        read_json(path, Record, MEND, ModelError)
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert said.endswith(f". {MEND}")
    assert "\n" not in said
    return said.removeprefix(f"{path}: ").removesuffix(f". {MEND}")


def test_a_document_comes_back_as_its_type(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(to_json(GOOD))
    read = read_json(path, Record, MEND)
    assert read == Record("é", Tensor(1.0, (1, 2)), {"c": 1.0}, [{"bytes": 3}], None)
    assert isinstance(read.input.scale, float)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"colour": 1},
            "unknown key '$.colour'. Allowed here: name, input, accuracy, parts, output",
        ),
        (
            {"input": {"scale": 1, "zero": 0}},
            "unknown key '$.input.zero'. Allowed here: scale, shape",
        ),
        (
            {"output": {"scale": 1, "zero": 0}},
            "unknown key '$.output.zero'. Allowed here: scale, shape",
        ),
        (
            {"parts": [{"bytes": 1}, {"bytes": 1, "x": 2}]},
            "unknown key '$.parts[1].x'. Allowed here: bytes",
        ),
        ({"input": {}}, "the key '$.input.scale' is missing"),
        ({"parts": [{}]}, "the key '$.parts[0].bytes' is missing"),
        ({"name": 3}, "'$.name' is 3, and a string is needed"),
        ({"name": None}, "'$.name' is None, and a string is needed"),
        ({"input": []}, "'$.input' is [], and an object is needed"),
        ({"output": "no"}, "'$.output' is 'no', and an object or null is needed"),
        ({"input": {"scale": "1"}}, "'$.input.scale' is '1', and a number is needed"),
        ({"input": {"scale": True}}, "'$.input.scale' is True, and a number is needed"),
        ({"input": {"scale": 0}}, "'$.input.scale' is 0, and a number > 0.0 is needed"),
        (
            {"input": {"scale": 1, "shape": [1, 0]}},
            "'$.input.shape[1]' is 0, and a whole number >= 1 is needed",
        ),
        (
            {"input": {"scale": 1, "shape": [1.5]}},
            "'$.input.shape[0]' is 1.5, and a whole number is needed",
        ),
        (
            {"accuracy": {"c": 7.0}},
            "'$.accuracy[...]' is beyond its limits, and a number <= 1.0 is needed",
        ),
        (
            {"accuracy": {"c": "high"}},
            "'$.accuracy[...]' is of the type str, and a number is needed",
        ),
        (
            {"parts": [{"bytes": 1 << 63}]},
            "'$.parts[0].bytes' is a whole number that does not fit 64 bits",
        ),
        ({"name": "\ud800"}, "'$.name' has a character that UTF-8 does not have"),
        ({"\ud800": 1}, "'$' has a character that UTF-8 does not have"),
    ],
    ids=str,
)
def test_a_value_that_is_not_allowed_is_named(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps(GOOD | change))
    assert refusal(path) == said


DAMAGED = {
    "empty": (b"", "the file is empty"),
    "blank": (b" \n", "the file is empty"),
    "cut": (
        b'{"name": "a",',
        "it is not JSON, or was cut short (line 1, column 14: Expecting property name enclosed in "
        "double quotes)",
    ),
    "no_object": (b"[1]", "'$' is [1], and an object is needed"),
    "twice": (b'{"name": "a", "name": "b"}', "the key 'name' is there twice"),
    "nan": (b'{"input": {"scale": NaN}}', "NaN is not a number that JSON has"),
    "infinity": (b'{"input": {"scale": -Infinity}}', "-Infinity is not a number that JSON has"),
    "huge_float": (
        b'{"input": {"scale": 1e999}}',
        "'$.input.scale' is inf, and a finite number is needed",
    ),
    "huge_int": (
        b'{"parts": ' + b"9" * 5000 + b"}",
        "it has a whole number of too many digits",
    ),
    "deep": (b"[" * 100_000, "its values lie within each other too deeply"),
    "deep_object": (b'{"a":' * 100_000, "its values lie within each other too deeply"),
    "bom": (
        b"\xef\xbb\xbf{}",
        "it begins with a byte order mark, and plain UTF-8 is needed",
    ),
    "utf16": (
        '{"name": "a"}'.encode("utf-16"),
        "it begins with a byte order mark, and plain UTF-8 is needed",
    ),
    "latin1": (b'{\n"name": "\xe9"}', "line 2 is not UTF-8"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    content, said = DAMAGED[name]
    path = tmp_path / "record.json"
    path.write_bytes(content)
    assert refusal(path) == said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = nan", "'a' is nan, and a finite number is needed"),
        (b"a = [{b = inf}]", "'a[0].b' is inf, and a finite number is needed"),
        (b"a = 1\na = 2", "it cannot be read as TOML: Cannot overwrite a value (at end of docume"),
        (b"a = " + b"[" * 30_000, "its values lie within each other too deeply"),
        (b"a = 99999999999999999999", "'a' is a whole number that does not fit 64 bits"),
        (b"a = 2026-13-40", "it cannot be read as TOML: "),
        (b"\xef\xbb\xbfa = 1", "it begins with a byte order mark"),
        (b"", "the file is empty"),
    ],
)
def test_toml_is_read_as_strictly(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "board.toml"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_toml(path, dict, MEND)
    assert str(caught.value).startswith(f"{path}: {said}")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def loop(path: Path) -> None:
    path.symlink_to(path)


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (pipe, "is a pipe or a device, and a file is needed"),
        (device, "is a pipe or a device, and a file is needed"),
        (loop, "cannot be read: Too many levels of symbolic links"),
        (Path.mkdir, "is a folder, and a file is needed"),
        (huge, "has 1,099,511,627,776 bytes, and at most"),
        (lambda path: None, "No such file"),
    ],
    ids=["pipe", "device", "loop", "folder", "huge", "nothing"],
)
def test_what_is_no_file_of_an_honest_size_is_not_read(
    tmp_path: Path, make: object, said: str
) -> None:
    assert callable(make)
    path = tmp_path / "record"
    make(path)
    for read in (read_json, read_toml):
        with pytest.raises(InputError, match=said) as caught:
            read(path, dict, MEND)
        is_mended = read is read_json and said.endswith("and a file is needed")
        assert str(caught.value).endswith(MEND) == is_mended


def test_json_may_be_larger_than_toml() -> None:
    assert MOST_TOML_BYTES < MOST_JSON_BYTES


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_no_number_is_written_that_json_does_not_have(number: float) -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        to_json({"loss": [number]})
