"""A function of the user's own may return a data set in any of the usual forms."""

from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.data.dataset import Inputs, Labels
from glyphite.convert.data.load import load
from glyphite.convert.errors import CodeError, DataError, InputError

BEGIN = """
import numpy as np
x, y = np.arange(60.0).reshape(30, 2), np.arange(30) % 3
def load():
    return """


def source(folder: Path, answer: str, begin: str = BEGIN) -> str:
    (folder / "mine.py").write_text(f"{begin}{answer}\n", encoding="utf-8", newline="")
    return f"{folder / 'mine.py'}:load"


def refused(name: str) -> str:
    with pytest.raises(DataError) as caught:
        load(name)
    return str(caught.value)


@pytest.mark.parametrize(
    ("answer", "sizes"),
    [
        ("x, y", [21, 3, 6]),
        ("[x, y]", None),
        ("x.tolist(), y.tolist()", [21, 3, 6]),
        ("(x, y), (x[:9], y[:9])", [26, 4, 9]),
        ("[[x, y], [x[:9], y[:9]]]", [26, 4, 9]),
        ("(x, y), (x[:4], y[:4]), (x[:9], y[:9])", [30, 4, 9]),
        ("{'x_train': x, 'y_train': y, 'x_test': x[:9], 'y_test': y[:9]}", [26, 4, 9]),
        ("{'x': x, 'y': y}", [21, 3, 6]),
        ("np.savez", None),
        ("'text'", None),
        ("None", None),
    ],
)
def test_every_form_that_keras_knows_is_taken_and_others_are_refused(
    tmp_path: Path, answer: str, sizes: list[int] | None
) -> None:
    name = source(tmp_path, answer)
    if sizes is None:
        assert "mine.py:load returned " in refused(name)
        return
    data = load(name)
    assert [len(part) for part in data.parts] == sizes
    assert isinstance(data.test.targets, Labels)
    assert (data.name, data.shape) == ("mine", (2,))


@pytest.mark.parametrize("answer", ["x", "(x, None)", "{'x': x, 'y': None}"])
def test_inputs_may_come_without_targets(tmp_path: Path, answer: str) -> None:
    assert load(source(tmp_path, answer)).test.targets is None


def test_the_inputs_themselves_may_be_the_targets(tmp_path: Path) -> None:
    assert isinstance(load(source(tmp_path, "x, x")).test.targets, Inputs)


def test_classes_may_be_named(tmp_path: Path) -> None:
    answer = "{'x': x, 'y': y, 'classes': ['a', 'b', 'c']}"
    assert load(source(tmp_path, answer)).classes == ("a", "b", "c")


def test_a_whole_data_set_may_be_returned(tmp_path: Path) -> None:
    imports = "from glyphite.convert.data.dataset import DataSet, Kind, Labels, Part"
    begin = f"{imports}\n{BEGIN}"
    parts = "train=p, validation=None, test=p"
    answer = f"DataSet('mine', 'Mine', Kind.VECTOR, {parts}, classes=('a', 'b', 'c'))"
    begin = begin.replace("def load", "p = Part((x,), Labels(y))\ndef load")
    data = load(source(tmp_path, answer, begin))
    assert (data.title, len(data.train)) == ("Mine", 30)
    short = answer.replace("('a', 'b', 'c')", "('a',)")
    assert "has the label 2 and the names of 1 classes" in refused(source(tmp_path, short, begin))
    begin = begin.replace("Labels(y)", "Labels(y[:-1])")
    assert "has 30 inputs and 29 targets" in refused(source(tmp_path, answer, begin))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("x, y[:-1]", "has 30 inputs and 29 targets"),
        ("x.astype(str), y", "hold strings ('0.0'), and numbers are needed"),
        ("x.astype(object), y", "hold Python objects"),
        ("x * 1j, y", "hold complex numbers"),
        ("([[1], [2, 3]], [0, 1])", "cannot be made one array"),
        ("np.where(x == 7, np.nan, x), y", "1 of 30 samples of "),
        ("np.where(x == 7, np.inf, x), y", "not finite (NaN or infinite): number 3 (from 0). Mend"),
        ("x, np.where(y == 2, np.nan, y)", "10 of 30 values that are not finite (NaN or infinite)"),
        ("{}", "holds no array"),
        ("{'x': x, 'z': y}", "'z' is none that is known"),
    ],
)
def test_arrays_that_make_no_samples_are_refused(tmp_path: Path, answer: str, told: str) -> None:
    assert told in refused(source(tmp_path, answer))


@pytest.mark.parametrize("kind", ["bool", "float16", ">i2", "int64", "uint8"])
def test_every_type_of_number_is_taken(tmp_path: Path, kind: str) -> None:
    data = load(source(tmp_path, f"x.astype('{kind}'), y"))
    wanted = {"bool": np.uint8, "float16": np.float32, ">i2": np.int16}.get(kind, kind)
    assert data.test.inputs.dtype == wanted


def test_what_it_raises_is_told_by_its_own_traceback(tmp_path: Path) -> None:
    with pytest.raises(CodeError, match=r"ZeroDivisionError: division by zero$"):
        load(source(tmp_path, "1 / 0"))
    with pytest.raises(InputError, match="has no function 'lode'"):
        load(source(tmp_path, "1").replace(":load", ":lode"))
