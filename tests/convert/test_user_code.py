"""A function of the user's own is called, and what it raises is shown without our frames."""

import sys
from pathlib import Path

import pytest

from glyphite.convert.errors import CodeError, InputError
from glyphite.convert.user_code import Named, answer_of, named

CODE = """
import helper

def load():
    return helper.VALUE

def with_a_default(count=3):
    return count

def needs(count):
    return count

def fails():
    return helper.fail()

def chained():
    try:
        helper.fail()
    except ValueError as error:
        raise KeyError("gone") from error

def ends():
    raise SystemExit(7)
"""
HELPER = """
VALUE = 7

def fail():
    raise ValueError("no such sensor")
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A file of the user's that imports another beside it."""
    (tmp_path / "helper.py").write_text(HELPER, encoding="utf-8", newline="")
    (tmp_path / "my data.py").write_text(CODE, encoding="utf-8", newline="")
    sys.modules.pop("helper", None)
    return tmp_path / "my data.py"


def test_the_log_of_tensorflow_stays_off_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    text = "import os\nos.write(2, b'a cuda of its own')\nVALUE = 7\n"
    (tmp_path / "tensorflow.py").write_text(text, encoding="utf-8", newline="")
    text = "import tensorflow\ndef load():\n    return tensorflow.VALUE\n"
    (tmp_path / "own.py").write_text(text, encoding="utf-8", newline="")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "tensorflow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "glyphite_user_own", None)
    assert answer_of(Named(tmp_path / "own.py", "load")) == 7
    assert capfd.readouterr().err == ""
    sys.modules.pop("tensorflow")


@pytest.mark.parametrize(
    ("text", "path", "function"),
    [
        ("load.py:f", "load.py", "f"),
        (r"C:\data\x.py:f", r"C:\data\x.py", "f"),
        ("C:/data/x.py:f", "C:/data/x.py", "f"),
        ("a:b/x.py:load_data", "a:b/x.py", "load_data"),
        ("x.py:", "x.py", ""),
        ("x.py:1:f", None, None),
        ("x.py", None, None),
        (r"C:\data", None, None),
        ("photos.npz", None, None),
    ],
)
def test_a_file_and_a_function_are_told_apart(
    text: str, path: str | None, function: str | None
) -> None:
    found = named(text)
    assert (None if found is None else (str(found.path), found.function)) == (
        None if path is None else (str(Path(path)), function)
    )


def test_the_function_s_answer_is_given_and_nothing_is_left_on_the_path(code: Path) -> None:
    before = list(sys.path)
    assert answer_of(Named(code, "load")) == 7
    assert answer_of(Named(code, "with_a_default")) == 3
    assert sys.path == before


def test_a_file_that_was_changed_is_read_anew(code: Path) -> None:
    assert answer_of(Named(code, "load")) == 7
    code.write_text("def load(): return 8", encoding="utf-8", newline="")
    assert answer_of(Named(code, "load")) == 8


def test_what_it_raises_is_the_user_s_traceback_alone(code: Path) -> None:
    with pytest.raises(CodeError) as caught:
        answer_of(Named(code, "fails"))
    first, *lines = str(caught.value).split("\n")
    assert first == f"{code} raised ValueError. Its own traceback:"
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "ValueError: no such sensor"
    files = [line for line in lines if line.startswith("  File ")]
    assert len(files) == 2
    assert f'"{code}", line 14, in fails' in files[0]
    assert "helper.py" in files[1]
    assert caught.value.exit_code == 2


def test_the_cause_that_it_names_is_shown_too(code: Path) -> None:
    with pytest.raises(CodeError) as caught:
        answer_of(Named(code, "chained"))
    assert "ValueError: no such sensor" in str(caught.value)
    assert str(caught.value).endswith("KeyError: 'gone'")
    assert "user_code.py" not in str(caught.value)


def test_a_mistake_of_its_grammar_is_shown_by_its_line(code: Path) -> None:
    code.write_text("x = 1\ndef load(:\n", encoding="utf-8", newline="")
    with pytest.raises(CodeError) as caught:
        answer_of(Named(code, "load"))
    assert f'File "{code}", line 2' in str(caught.value)
    assert "user_code.py" not in str(caught.value)


def test_a_file_that_ends_the_program_does_not(code: Path) -> None:
    with pytest.raises(CodeError, match=r"my data\.py ends the program: exit 7\."):
        answer_of(Named(code, "ends"))


@pytest.mark.parametrize(
    ("function", "told"),
    [
        ("lod", r"has no function 'lod'. It has load, .* for example .*my data\.py:load\.$"),
        ("", r"has no function ''\. It has load, "),
        ("helper", "has no function 'helper'"),
        ("needs", r"cannot be called without arguments: missing a required argument: 'count'\. "),
    ],
)
def test_a_function_that_cannot_be_called_is_refused(code: Path, function: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        answer_of(Named(code, function))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        answer_of(Named(tmp_path / "none.py", "load"))


def test_a_file_of_a_package_s_name_does_not_take_its_place(tmp_path: Path) -> None:
    path = tmp_path / "json.py"
    path.write_text("def load(): return 1", encoding="utf-8", newline="")
    before = sys.modules.get("json")
    assert answer_of(Named(path, "load")) == 1
    assert sys.modules.get("json") is before
