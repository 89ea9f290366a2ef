"""Recordings of sensors become windows, and no two parts share a reading."""

from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.data import recordings
from glyphite.convert.data.check import fitted
from glyphite.convert.data.dataset import DataSet
from glyphite.convert.data.load import load
from glyphite.convert.data.options import Kind, OnBad, Options, Shares
from glyphite.convert.errors import DataError
from tests.builders.data_sets import save_recording

WINDOWS = Options(window=10, step=5)
ALL = Options(window=10, step=5, shares=Shares(0, 0, 1))


def refused(source: Path, options: Options | None = WINDOWS) -> str:
    with pytest.raises(DataError) as caught:
        load(str(source), options)
    return str(caught.value)


def readings(data: DataSet) -> list[set[float]]:
    """The values of each part: every reading of a test's files is another."""
    return [set(part.inputs.ravel().tolist()) for part in data.parts]


def gestures(folder: Path, files: int, rows: int = 40) -> Path:
    for number, name in enumerate(("circle", "wave")):
        for place in range(files):
            first = 10_000 * number + 100 * place
            save_recording(folder / name / f"{place}.csv", rows, first=first)
    return folder


def test_a_folder_for_each_class_becomes_windows(tmp_path: Path) -> None:
    data = load(str(gestures(tmp_path, 10)), WINDOWS)
    assert (data.kind, data.shape, data.classes) == (Kind.WINDOW, (10, 3), ("circle", "wave"))
    assert [len(part) for part in data.parts] == [98, 14, 28]
    assert data.split == (
        "By seed 1, whole recordings of each class. Windows of 10 rows, one every 5: 98 train, "
        "28 test, 14 validation."
    )
    place = data.test.origins.index(next(o for o in data.test.origins if o.endswith("line 7")))
    window = data.test.inputs[place]
    assert window[:, 0].tolist() == list(np.arange(window[0, 0], window[0, 0] + 10))
    assert data.test.labels is not None
    assert data.test.labels[place] == (window[0, 0] >= 10_000)


@pytest.mark.parametrize(("files", "rows"), [(10, 40), (1, 400), (2, 90)])
def test_no_reading_lies_in_two_parts(tmp_path: Path, files: int, rows: int) -> None:
    data = load(str(gestures(tmp_path, files, rows)), WINDOWS)
    first, second, third = readings(data)
    assert first and second and third
    assert not first & second and not first & third and not second & third
    for part in data.parts:
        assert part.labels is not None
        assert set(part.labels.tolist()) == {0, 1}


def test_of_few_recordings_the_end_tests_which_is_said(tmp_path: Path) -> None:
    data = load(str(gestures(tmp_path, 1, 400)), WINDOWS)
    assert data.split.startswith("The end of each recording, as there are few of them.")
    assert data.test.inputs[:, 0, 0].min() >= 320
    assert data.split_is_made


@pytest.mark.parametrize(
    ("shares", "empty"), [(Shares(0, 0, 1), 0), (Shares(1, 0, 0), 1), (Shares(9, 1, 0), 2)]
)
@pytest.mark.parametrize("files", [1, 10])
def test_a_share_of_nothing_makes_an_empty_part(
    tmp_path: Path, shares: Shares, empty: int, files: int
) -> None:
    source = str(gestures(tmp_path, files, 200))
    data = load(source, Options(window=10, step=10, shares=shares))
    assert len(data.parts[empty and -1]) == 0
    assert (data.validation is None) == (shares.validation == 0)
    assert sum(len(part) for part in data.parts) >= 36 * files


def test_parts_of_the_source_stay_and_the_validation_part_shares_nothing(tmp_path: Path) -> None:
    gestures(tmp_path / "training", 10)
    for place, name in enumerate(("circle", "wave")):
        save_recording(tmp_path / "testing" / name / "1.csv", 40, first=50_000 + 100 * place)
    data = load(str(tmp_path), WINDOWS)
    first, second, third = readings(data)
    assert not first & second and not first & third and not second & third
    assert len(data.test) == 14
    assert data.split.startswith("The source has its own parts. Validation: by seed 1, whole")
    assert not data.split_is_made


@pytest.mark.parametrize(
    ("stems", "classes"),
    [
        (["wave_01", "wave_02", "idle_01"], ("idle", "wave")),
        (["wave.3f2a.csv.17", "wave.9b", "idle.1"], ("idle", "wave")),
        (["wave (1)", "wave (2)", "idle"], ("idle", "wave")),
        (["punch", "flex"], ("flex", "punch")),
        (["class_1", "class_2"], ("class_1", "class_2")),
        (["hand_up-1", "hand_down-1"], ("hand_down", "hand_up")),
        (["1", "2"], ("1", "2")),
    ],
)
def test_a_file_s_name_is_its_class(
    tmp_path: Path, stems: list[str], classes: tuple[str, ...]
) -> None:
    for stem in stems:
        save_recording(tmp_path / f"{stem}.csv", 40)
    data = load(str(tmp_path), WINDOWS)
    assert data.classes == classes
    assert data.notes[0].startswith(f"Classes by the names of files: {classes[0]!r} (")


def test_columns_of_time_are_left_out_and_named(tmp_path: Path) -> None:
    names = ("timestamp", "accX", "accY")
    for name in ("a", "b"):
        save_recording(tmp_path / f"{name}.csv", 40, names)
    data = load(str(tmp_path), WINDOWS)
    assert data.shape == (10, 2)
    assert "Columns that say when were left out: 'timestamp'." in data.notes


@pytest.mark.parametrize("name", ["time", "Time (ms)", "t", "time_ms", "Millis", "seconds"])
def test_a_time_is_known_by_its_name(tmp_path: Path, name: str) -> None:
    save_recording(tmp_path / "a.csv", 40, (name, "temperature"))
    assert load(str(tmp_path / "a.csv"), ALL).shape == (10, 1)


def test_a_blank_line_parts_recordings_and_their_length_is_the_window(tmp_path: Path) -> None:
    """As the sketch of Arduino's tutorial prints them."""
    capture = "\n".join(f"{row},{row},{row}" for row in range(12))
    for name in ("punch", "flex"):
        text = "aX,aY,aZ\n" + f"{capture}\n\n" * 10
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8", newline="")
    data = load(str(tmp_path))
    assert (data.shape, len(data.whole)) == ((12, 3), 20)
    assert data.whole.inputs[:, 0, 0].max() == 0


def test_a_column_of_texts_is_the_class_of_each_moment(tmp_path: Path) -> None:
    rows = [f"{place},{'walk' if place // 30 % 2 else 'rest'}" for place in range(300)]
    text = "\n".join(["acc,label", *rows])
    (tmp_path / "day.csv").write_text(text, encoding="utf-8", newline="")
    data = load(str(tmp_path / "day.csv"), ALL)
    assert data.classes == ("rest", "walk")
    assert len(data.test) == 50
    assert data.test.labels is not None
    assert np.array_equal(data.test.labels, data.test.inputs[:, 0, 0] // 30 % 2)
    assert load(str(tmp_path / "day.csv"), Options(window=10, label=("label",))).classes


def test_without_a_class_there_are_no_targets(tmp_path: Path) -> None:
    save_recording(tmp_path / "a.csv", 100)
    data = load(str(tmp_path / "a.csv"), WINDOWS)
    assert (data.test.targets, data.classes) == (None, ())


def test_a_moment_without_a_class_is_damaged(tmp_path: Path) -> None:
    text = "acc,label\n" + "1,rest\n" * 20 + "1,\n"
    (tmp_path / "day.csv").write_text(text, encoding="utf-8", newline="")
    assert "line 22 (the class in column 'label' is empty)" in refused(tmp_path / "day.csv")


@pytest.mark.parametrize("text", ["", "ax,ay,az\n"], ids=["empty", "names alone"])
def test_an_empty_recording_is_named_or_left_out(tmp_path: Path, text: str) -> None:
    for name in ("a_1", "a_2", "b_1"):
        save_recording(tmp_path / f"{name}.csv", 100)
    (tmp_path / "c_1.csv").write_text(text, encoding="utf-8")
    found = f"1 of 4 recordings of {tmp_path} cannot be read: c_1.csv (it has no rows)"
    assert refused(tmp_path).startswith(f"{found}. Mend or remove them, or say --on-bad leave-out.")
    data = load(str(tmp_path), Options(window=10, on_bad=OnBad.LEAVE_OUT))
    assert f"{found}: left out." in data.notes
    assert data.classes == ("a", "b", "c")  # so that each number stays that of its class


def test_bytes_are_no_recording(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(bytes(range(256)) * 9)
    assert "a.csv is no CSV file: it holds bytes that are no text." in refused(tmp_path)


def test_windows_that_overlap_may_not_take_all_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_recording(tmp_path / "a.csv", 100)
    monkeypatch.setattr(recordings, "MOST_BYTES", 71 * 10 * 3 * 4)
    message = refused(tmp_path / "a.csv", Options(window=10, step=1, shares=Shares(0, 0, 1)))
    assert message.startswith("91 windows of 10 rows take 10,920 bytes, and at most 8,520 are")
    load(str(tmp_path / "a.csv"), Options(window=10, step=2, shares=Shares(0, 0, 1)))


def test_a_window_must_be_said_where_lengths_differ(tmp_path: Path) -> None:
    save_recording(tmp_path / "a.csv", 40)
    save_recording(tmp_path / "b.csv", 90)
    assert refused(tmp_path, None).endswith(
        "have 40 to 90 rows. Say how many make one input, for example --window 20."
    )
    assert load(str(tmp_path), Options(window=20)).shape == (20, 3)


@pytest.mark.parametrize("shape", [(20, 3), (20, 3, 1), (60,)])
def test_a_window_may_follow_from_the_shape_of_the_model(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    save_recording(tmp_path / "a.csv", 40)
    save_recording(tmp_path / "b.csv", 90)
    data = load(str(tmp_path), Options(shape=shape))
    assert fitted(data, shape).shape == shape
    assert "Say how many make one input" in refused(tmp_path, Options(shape=(20, 7)))


def test_recordings_shorter_than_the_window_are_left_out_and_named(tmp_path: Path) -> None:
    for name, rows in (("a", 40), ("b", 40), ("c", 9)):
        save_recording(tmp_path / f"{name}.csv", rows)
    data = load(str(tmp_path), WINDOWS)
    assert data.classes == ("a", "b", "c")
    assert any("left out: c.csv (9 from line 2)." in note for note in data.notes)
    assert "The longest recording" in refused(tmp_path, Options(window=41))


@pytest.mark.parametrize("options", [Options(window=0), Options(window=10, step=0)])
def test_a_window_or_step_of_nothing_is_refused(tmp_path: Path, options: Options) -> None:
    save_recording(tmp_path / "a.csv", 40)
    assert "each must be 1 or more" in refused(tmp_path / "a.csv", options)


def test_a_damaged_row_is_named_and_no_window_goes_over_it(tmp_path: Path) -> None:
    path = save_recording(tmp_path / "a.csv", 41)
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[21] = "1,2"
    path.write_text("\n".join(lines), encoding="utf-8", newline="")
    assert f"1 of 41 rows of {path} cannot be read: line 22 (2 columns" in refused(path)
    options = Options(window=10, step=10, on_bad=OnBad.LEAVE_OUT, shares=Shares(0, 0, 1))
    starts = load(str(path), options).test.inputs[:, 0, 0]
    assert sorted(starts.tolist()) == [0, 10, 21, 31]


def test_files_of_other_columns_are_refused(tmp_path: Path) -> None:
    save_recording(tmp_path / "a.csv", 40)
    save_recording(tmp_path / "b.csv", 40, ("ax", "ay"))
    assert "b.csv has the columns ax, ay, and a.csv has ax, ay, az. Give" in refused(tmp_path)


def test_files_beside_folders_of_files_are_refused(tmp_path: Path) -> None:
    gestures(tmp_path, 1)
    save_recording(tmp_path / "a.csv", 40)
    assert "holds CSV files and folders of them" in refused(tmp_path)


def test_a_file_of_times_alone_has_no_readings(tmp_path: Path) -> None:
    save_recording(tmp_path / "a.csv", 40, ("time",))
    assert "has no column of readings: time." in refused(tmp_path / "a.csv")


def test_a_class_without_a_window_keeps_its_number_and_is_named(tmp_path: Path) -> None:
    gestures(tmp_path, 6)
    save_recording(tmp_path / "arc" / "1.csv", 5)
    (tmp_path / "bow").mkdir()
    data = load(str(tmp_path), WINDOWS)
    assert data.classes == ("arc", "bow", "circle", "wave")
    assert data.test.labels is not None and set(data.test.labels.tolist()) == {2, 3}
    assert "2 classes have no samples in the test part: 'arc', 'bow'." in data.notes


def test_a_class_whose_rows_are_all_left_out_keeps_its_number(tmp_path: Path) -> None:
    rows = [f"{row},walk" for row in range(40)]
    text = "\n".join(["ax,activity", "?,rest", "ax,activity", *rows]) + "\n"
    (tmp_path / "day.csv").write_text(text, encoding="utf-8")
    data = load(str(tmp_path / "day.csv"), Options(window=10, on_bad=OnBad.LEAVE_OUT))
    assert data.classes == ("rest", "walk")
    assert data.test.labels is not None and set(data.test.labels.tolist()) == {1}


def test_a_folder_around_those_of_the_classes_is_told_from_a_class(tmp_path: Path) -> None:
    gestures(tmp_path / "gestures", 6)
    told = refused(tmp_path)
    assert told.startswith(f"{tmp_path} holds one folder, gestures, with folders in it (circle, ")
    assert f"name {tmp_path / 'gestures'};" in told
