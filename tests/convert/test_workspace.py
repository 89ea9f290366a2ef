"""Which model a name or a path means, and where its results go."""

import os
import shutil
from pathlib import Path

import pytest

from glyphite.convert.errors import ModelError
from glyphite.convert.shipped import MODELS
from glyphite.convert.workspace import (
    MOST_TFLITE_BYTES,
    ModelFolder,
    build_root,
    find_model,
    model_folder,
)
from glyphite.host.cli import main
from glyphite.host.runners.litert import read_manifest

UNO = MODELS / "uno" / "model_int8.tflite"


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_shipped_model_is_found_by_its_name_before_anything_was_made() -> None:
    folder = find_model("uno")
    assert folder.tflite == UNO
    assert folder.root == build_root() / "uno"
    assert not folder.root.exists()
    assert folder.shipped


def test_its_manifest_and_history_are_the_shipped_ones() -> None:
    folder = find_model("uno")
    assert folder.manifest == MODELS / "uno" / "manifest.json"
    assert folder.history == MODELS / "uno" / "history.json"
    assert read_manifest(folder).calibration.startswith("500 of 60,000 MNIST")


@pytest.mark.parametrize("named", [UNO, UNO.parent])
def test_by_its_path_it_is_the_same(named: Path) -> None:
    assert find_model(str(named)) == find_model("uno")


def test_a_path_through_another_folder_leads_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(MODELS.parent / "tests")
    assert find_model("../models/uno/model_int8.tflite") == find_model("uno")
    monkeypatch.chdir(MODELS)
    assert find_model("uno") == find_model("../models/uno")


def test_nothing_is_written_beside_it() -> None:
    before = listing(UNO.parent)
    for named in ("uno", str(UNO)):
        assert main(["compile", named]) == 0
    assert listing(UNO.parent) == before
    assert (build_root() / "uno" / "c" / "model.c").is_file()


def test_a_comparison_leaves_the_shipped_manifest_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It notes its accuracies in manifests of models that were made here."""
    monkeypatch.setattr("glyphite.host.runners.compiled.CompiledRunner.prepare", _no_c)
    before = listing(UNO.parent)
    assert main(["compare", "uno"]) == 0
    assert listing(UNO.parent) == before
    assert (build_root() / "uno" / "compare.json").is_file()


def _no_c(*_: object) -> None:
    raise ModelError("Not wanted here.")


def test_a_model_of_that_name_that_was_made_here_comes_first() -> None:
    own = model_folder("uno")
    own.root.mkdir(parents=True)
    shutil.copy(UNO, own.tflite)
    assert find_model("uno") == own
    assert own.manifest == own.root / "manifest.json"
    assert not own.shipped


def test_one_that_was_trained_here_and_not_converted_is_not_taken_for_the_shipped_one() -> None:
    own = model_folder("uno")
    own.root.mkdir(parents=True)
    own.keras.touch()
    with pytest.raises(ModelError, match="Make it with `glyphite train uno` and `glyphite conv"):
        find_model("uno")


def test_what_exists_nowhere_is_named_with_the_ways_to_it() -> None:
    with pytest.raises(ModelError) as caught:
        find_model("mega")
    assert str(caught.value) == (
        f"No model called 'mega': {build_root()}/mega/model_int8.tflite does not exist. "
        "Make it with `glyphite train mega` and `glyphite convert mega`, "
        "or name the path of a .tflite file."
    )


def test_a_foreign_file_s_results_go_below_build_and_a_model_folder_s_stay_in_it(
    tmp_path: Path,
) -> None:
    foreign, kept = tmp_path / "digits.tflite", tmp_path / "digits" / "model_int8.tflite"
    kept.parent.mkdir()
    for path in (foreign, kept):
        shutil.copy(UNO, path)
    assert find_model(str(foreign)) == ModelFolder(build_root() / "digits", foreign)
    assert find_model(str(kept)) == ModelFolder(kept.parent, kept)
    assert find_model(str(kept.parent)) == ModelFolder(kept.parent, kept)


@pytest.mark.parametrize("text", ["", "..", "a b", "-x"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match=r"(is not a model's name|No model called)"):
        find_model(text)


def test_a_file_larger_than_any_microcontrollers_model_is_not_read(tmp_path: Path) -> None:
    """A sparse file, just at the limit and a byte beyond it."""
    path = tmp_path / "large.tflite"
    path.touch()
    os.truncate(path, MOST_TFLITE_BYTES)
    assert find_model(str(path)).tflite == path
    os.truncate(path, MOST_TFLITE_BYTES + 1)
    with pytest.raises(ModelError, match="has 67,108,865 bytes, and at most 67,108,864 are read"):
        find_model(str(path))
