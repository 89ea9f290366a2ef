"""CSV in which a row is a sample, as spreadsheets, pandas and archives of data write it."""

from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.data.csv_file import Sheet
from glyphite.convert.data.dataset import Labels, Numbers
from glyphite.convert.data.load import load
from glyphite.convert.data.options import Kind, OnBad, Options, Shares
from glyphite.convert.errors import DataError

SHARES = Shares(0, 0, 1)
ALL = Options(shares=SHARES)
IRIS = "5.1,3.5,Iris-setosa\n6.4,3.2,Iris-versicolor\n5.0,3.4,Iris-setosa\n"


def table(folder: Path, text: str, name: str = "t.csv", encoding: str = "utf-8") -> str:
    (folder / name).write_text(text, encoding=encoding, newline="")
    return str(folder / name)


def refused(source: str, options: Options | None = None) -> str:
    with pytest.raises(DataError) as caught:
        load(source, options)
    return str(caught.value)


def test_texts_in_the_last_column_are_classes_in_their_order(tmp_path: Path) -> None:
    data = load(table(tmp_path, IRIS), ALL)
    assert data.classes == ("Iris-setosa", "Iris-versicolor")
    assert (data.kind, data.shape) == (Kind.VECTOR, (2,))
    place = data.test.origins.index("t.csv, line 2")
    assert data.test.inputs[place].tolist() == [np.float32(6.4), np.float32(3.2)]
    assert data.test.labels is not None
    assert data.test.labels[place] == 1
    assert data.notes[0] == "The target is the column '3'."


@pytest.mark.parametrize(
    "text",
    [
        "label,a,b\n0,5,6\n1,7,8\n",
        "a,label,b\n5,0,6\n7,1,8\n",
        "a,b,y\n5,6,0\n7,8,1\n",
        "\ufeffa,b,Class\r\n5,6,0\r\n7,8,1\r\n",
        "a;b;target\n5;6;0\n7;8;1\n",
        "a\tb\ttarget\n5\t6\t0\n7\t8\t1\n",
        "5 6 0\n7 8 1\n",
        "# a, b, label\n5, 6, 0\n# later\n7, 8, 1\n\n\n",
        ",a,b,y\n0,5,6,0\n1,7,8,1\n",
        "0,1,label\n5,6,0\n7,8,1\n",
        '"a","b","y"\n"5","6","0"\n"7","8","1"\n',
    ],
)
def test_names_delimiters_and_the_column_of_labels_are_found(tmp_path: Path, text: str) -> None:
    data = load(table(tmp_path, text), ALL)
    order = np.argsort(data.test.inputs[:, 0])
    assert data.test.inputs[order].tolist() == [[5, 6], [7, 8]]
    assert isinstance(data.test.targets, Labels)
    assert data.test.targets.values[order].tolist() == [0, 1]


def test_commas_as_decimal_points_are_read_where_semicolons_part(tmp_path: Path) -> None:
    data = load(table(tmp_path, "a;b;c\n1,5;2;x\n2,25;3;y\n"), ALL)
    assert sorted(data.test.inputs[:, 0].tolist()) == [1.5, 2.25]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_a_file_that_is_not_utf_8_is_read(tmp_path: Path, encoding: str) -> None:
    data = load(table(tmp_path, "a,Größe\n1,klein\n2,groß\n", encoding=encoding), ALL)
    assert data.classes == ("groß", "klein")


def test_the_target_is_named_by_whoever_knows(tmp_path: Path) -> None:
    source = table(tmp_path, "room,heat,label\n1,20.5,3\n2,21.5,4\n")
    heat = load(source, Options(label=("heat",), shares=SHARES))
    assert isinstance(heat.test.targets, Numbers)
    assert sorted(heat.test.targets.values[:, 0].tolist()) == [20.5, 21.5]
    both = load(source, Options(label=("heat", "room"), numbers=True, shares=SHARES))
    assert isinstance(both.test.targets, Numbers)
    assert both.test.targets.values.shape == (2, 2)
    none = load(source, Options(label=("none",), shares=SHARES))
    assert (none.test.targets, none.shape) == (None, (3,))
    assert refused(source, Options(label=("hat",))).endswith("Its columns are room, heat, label.")


def test_whole_numbers_are_labels_unless_they_are_to_be_met(tmp_path: Path) -> None:
    source = table(tmp_path, "a,age\n1,30\n2,40\n3,50\n")
    assert load(source, ALL).class_count == 51
    targets = load(source, Options(numbers=True, shares=SHARES)).test.targets
    assert isinstance(targets, Numbers)
    assert sorted(targets.values[:, 0].tolist()) == [30, 40, 50]


def test_a_row_is_laid_out_as_the_shape_says(tmp_path: Path) -> None:
    rows = "\n".join(f"{row % 2}," + ",".join(["7"] * 784) for row in range(4))
    names = "label," + ",".join(f"pixel{place}" for place in range(784))
    source = table(tmp_path, f"{names}\n{rows}\n")
    data = load(source, Options(shape=(28, 28, 1), shares=SHARES))
    assert (data.shape, data.kind) == ((28, 28, 1), Kind.PICTURE)
    assert data.test.inputs.dtype == np.uint8
    assert load(source, ALL).test.inputs.dtype == np.float32
    assert "has 784 columns of inputs, and the model's 28x28x3 needs 2,352" in refused(
        source, Options(shape=(28, 28, 3))
    )


def test_numbers_that_float32_cannot_hold_stay_exact(tmp_path: Path) -> None:
    data = load(table(tmp_path, "a,y\n16777217,0\n2,1\n"), ALL)
    assert sorted(data.test.inputs[:, 0].tolist()) == [2, 16777217]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("1,2", "line 4 (2 columns, and the others have 3)"),
        ("1,2,x,4", "line 4 (4 columns, and the others have 3)"),
        ("1,,x", "line 4 (column 'b' is empty)"),
        ("1,2,", "line 4 (the target 'y' is empty)"),
        ("1,abc,x", "line 4 (column 'b' holds 'abc', and a number is needed)"),
        ("1,1_000,x", "line 4 (column 'b' holds '1_000', and a number is needed)"),
        ("nan,2,x", "line 4 (column 'a' holds nan, which is not finite)"),
        ("1,1e39,x", "line 4 (column 'b' holds 1e+39, and float32 ends at 3.40282e+38)"),
        ("1,-inf,x", "line 4 (column 'b' holds -inf, which is not finite)"),
    ],
)
def test_a_damaged_row_is_named_by_file_and_line_or_left_out(
    tmp_path: Path, row: str, told: str
) -> None:
    source = table(tmp_path, f"a,b,y\n1,2,x\n3,4,z\n{row}\n5,6,x\n")
    message = refused(source)
    assert message.startswith(f"1 of 4 rows of {source} cannot be read: {told}.")
    assert message.endswith("or say --on-bad leave-out.")
    data = load(source, Options(on_bad=OnBad.LEAVE_OUT, shares=SHARES))
    assert len(data.test) == 3
    assert any(f"{told}: left out." in note for note in data.notes)


@pytest.mark.parametrize(
    "text",
    [
        "a,b,y\n1,2,x\n3,4,z\n",
        'a,b,y\n1,2,"x"\n3,4,z\n',
        "a,b,y\n1,2,x\n,,\n3,4,z\n",
        "a,b,y\n1,2,x\n#9,9,x\n3,4,z\n",
        "a;b;y\n1;2;x\n3;4;z\n",
        "1,2,x\n3,4,z\n",
        "a b y\n1  2 x\n3 4 z\n",
    ],
)
def test_numpy_s_reader_and_ours_find_the_same(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = table(tmp_path, text)
    first = load(source, ALL)
    monkeypatch.setattr(Sheet, "block", lambda *_: None)
    second = load(source, ALL)
    assert first.sha256 == second.sha256
    assert sorted(first.test.inputs.tolist()) == [[1, 2], [3, 4]]
    assert first.test.origins == second.test.origins


def test_many_damaged_rows_are_counted(tmp_path: Path) -> None:
    source = table(tmp_path, "a,b,y\n1,2,x\n" + "1,?,x\n" * 9)
    assert refused(source).startswith(f"9 of 10 rows of {source} cannot be read: line 3 (")
    assert "and 6 more" in refused(source)


def test_a_column_of_texts_among_the_inputs_is_named(tmp_path: Path) -> None:
    message = refused(table(tmp_path, "sex,age,y\nm,30,0\nf,31,1\n"), Options(label=("y",)))
    assert "column 'sex' holds 'm', and a number is needed" in message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no rows"),
        ("\n\n", "has no rows"),
        ("a,b,y\n", "has the names of columns and no rows below them"),
        ("y\n1\n2\n", "has no column beside the target"),
        ("a,b,y\n1,2,-1\n3,4,1\n", "goes from -1 to 1"),
        ('a,"' + "x" * 200_000 + '",y\n1,2,3\n', "is no CSV file: field larger"),
        ("a,a,y\n1,2,0\n", "has 2 columns called 'a'"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, text: str, told: str) -> None:
    label = ("a",) if "a,a" in text else ()
    assert told in refused(table(tmp_path, text), Options(label=label))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(np.random.default_rng(3).bytes(5000))
    assert refused(str(tmp_path / "t.csv"))


def test_files_called_as_parts_are_parts(tmp_path: Path) -> None:
    table(tmp_path, "a,b,y\n1,2,x\n3,4,z\n" * 1 + "5,6,x\n" * 18, "train.csv")
    table(tmp_path, "a,b,y\n1,2,w\n", "test.csv")
    data = load(str(tmp_path))
    assert data.classes == ("w", "x", "z")
    assert (len(data.without_validation().train), len(data.test)) == (20, 1)
    table(tmp_path, "a,c,y\n1,2,w\n", "test.csv")
    assert "Give both the same." in refused(str(tmp_path))


def test_a_class_whose_rows_are_all_left_out_keeps_its_number(tmp_path: Path) -> None:
    text = "p,label\n?,ant\np,label\n1,bee\n2,cow\n3,bee\n4,cow\n"
    data = load(table(tmp_path, text), Options(shares=SHARES, on_bad=OnBad.LEAVE_OUT))
    assert data.classes == ("ant", "bee", "cow")
    assert data.test.labels is not None and set(data.test.labels.tolist()) == {1, 2}
    assert "1 class has no samples in the test part: 'ant'." in data.notes


@pytest.mark.parametrize("rows", ['1,"x\n2,y\n3,x\n', '1,"x\n2,y\n3,"x\n4,y\n'])
def test_a_quotation_mark_that_is_not_closed_swallows_no_rows(tmp_path: Path, rows: str) -> None:
    assert refused(table(tmp_path, f'"a\n(g)",label\n0,y\n{rows}')).endswith(
        "is no CSV file: the quotation mark in line 4 is not closed there. Close it, or remove it."
    )
