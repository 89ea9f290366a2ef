"""Which model a name or a path means, and where its results go."""

import hashlib
import os
import re
import shutil
from pathlib import Path

import pytest

from glyphite.convert.compiler.emit.text import plain_name
from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.names import safe_name
from glyphite.convert.shipped import MODELS
from glyphite.convert.workspace import (
    MOST_TFLITE_BYTES,
    ModelFolder,
    build_root,
    default_model,
    find_model,
    model_folder,
    writing_to,
)
from glyphite.host.cli import main
from glyphite.host.runners.litert import read_manifest
from tests.builders.small import small

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
    assert read_manifest(folder).calibration.startswith("500 of 60,000 training samples of MNIST")


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
    with pytest.raises(ModelError, match=r"'uno' is not quantized yet\. Do so with `glyphite conv"):
        find_model("uno")


def test_what_exists_nowhere_is_named_with_the_ways_to_it() -> None:
    made = model_folder("meter")
    made.root.mkdir(parents=True)
    made.tflite.write_bytes(b"")
    for name, meant in (("mega", ""), ("metre", "Did you mean meter? ")):
        with pytest.raises(ModelError) as caught:
            find_model(name)
        assert str(caught.value) == (
            f"No model called {name!r}. {meant}There are: meter, seed-best, uno, uno-fast. Name "
            "one of them or a .tflite file, or make one: see `glyphite train --help` and `glyphite "
            "convert --help`."
        )


def test_a_file_that_is_there_is_named_where_its_name_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for file, name, shown in (
        ("first.tflite", "first", "first.tflite"),
        ("two words.tflite", "tow words.tflite", "'two words.tflite'"),
    ):
        (tmp_path / file).write_bytes(b"")
        with pytest.raises(ModelError, match=rf"\. Did you mean {shown}\? "):
            find_model(name)


def test_the_default_is_the_model_converted_last_else_the_one_that_is_always_there() -> None:
    assert default_model() == "uno"
    for age, name in enumerate(("new", "old")):
        folder = model_folder(name)
        folder.root.mkdir(parents=True)
        folder.tflite.write_bytes(b"")
        os.utime(folder.tflite, (1e9 - age, 1e9 - age))
    assert default_model() == "new"


def test_what_no_name_leads_to_is_no_default(tmp_path: Path) -> None:
    made("old")
    for name in ("my model", ".hidden"):
        path = build_root() / name / "model_int8.tflite"
        path.parent.mkdir()
        shutil.copy(UNO, path)
    (build_root() / "gone").mkdir()
    (build_root() / "gone" / "model_int8.tflite").symlink_to(tmp_path / "absent")
    assert default_model() == "old"
    with pytest.raises(ModelError, match=r"There are: old, seed-best, uno, uno-fast\."):
        find_model("none")


def test_a_foreign_file_s_results_go_below_build_and_a_model_folder_s_stay_in_it(
    tmp_path: Path,
) -> None:
    foreign, kept = tmp_path / "digits.tflite", tmp_path / "digits" / "model_int8.tflite"
    kept.parent.mkdir()
    for path in (foreign, kept):
        shutil.copy(UNO, path)
    assert find_model(str(foreign)) == ModelFolder(build_root() / "digits", foreign)
    assert find_model(str(foreign)).named == str(foreign)
    assert find_model(str(kept)).named == str(kept.parent)
    assert find_model(str(kept)) == ModelFolder(kept.parent, kept)
    assert find_model(str(kept.parent)) == ModelFolder(kept.parent, kept)


def own_tflite(path: Path) -> Path:
    """The bundled network with bytes behind it: another model by its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(UNO.read_bytes() + bytes(4))
    return path


def made(name: str) -> ModelFolder:
    """A model as ``convert`` leaves it."""
    folder = model_folder(name)
    folder.root.mkdir(parents=True)
    shutil.copy(UNO, folder.tflite)
    shutil.copy(UNO.with_name("manifest.json"), folder.manifest)
    return folder


def test_a_file_named_as_another_model_has_a_folder_of_its_own(tmp_path: Path) -> None:
    made("digits")
    foreign = own_tflite(tmp_path / "x" / "digits.tflite")
    digest = hashlib.sha256(foreign.read_bytes()).hexdigest()
    folder = find_model(str(foreign))
    assert folder == ModelFolder(build_root() / f"digits-{digest[:8]}", foreign)
    assert read_manifest(folder).sha256 == digest, "it is described by itself"
    for named in ("digits", str(foreign)):
        assert main(["compile", named]) == 0
    headers = [root / "c" / "model.h" for root in (build_root() / "digits", folder.root)]
    assert [digest in header.read_text() for header in headers] == [False, True]


def test_two_files_of_one_name_have_a_folder_each(tmp_path: Path) -> None:
    first, second = tmp_path / "x" / "digits.tflite", own_tflite(tmp_path / "y" / "digits.tflite")
    first.parent.mkdir()
    shutil.copy(UNO, first)
    for named in (first, second, first):
        assert main(["compile", str(named)]) == 0
    roots = [find_model(str(named)).root for named in (first, second)]
    assert roots[0] == build_root() / "digits"
    assert re.fullmatch(r"digits-[0-9a-f]{8}", roots[1].name)
    for root, named in zip(roots, (first, second), strict=True):
        digest = hashlib.sha256(named.read_bytes()).hexdigest()
        assert digest in (root / "c" / "model.h").read_text()


def test_a_file_keeps_its_folder_until_it_is_gone(tmp_path: Path) -> None:
    first, second = tmp_path / os.fsdecode(b"\xe9") / "digits.tflite", tmp_path / "digits.tflite"
    for path in (own_tflite(first), own_tflite(second)):
        path.write_bytes(path.read_bytes() + path.parent.name.encode(errors="replace"))
    with writing_to(find_model(str(first)), pytest.fail):
        pass
    first.write_bytes(UNO.read_bytes() + bytes(8))
    assert find_model(str(first)).root == build_root() / "digits", "it was trained anew"
    assert find_model(str(second)).root != build_root() / "digits"
    first.unlink()
    assert find_model(str(second)).root == build_root() / "digits"


def test_who_gets_the_folder_first_keeps_it(tmp_path: Path) -> None:
    first, second = own_tflite(tmp_path / "x" / "a.tflite"), tmp_path / "a.tflite"
    shutil.copy(UNO, second)
    late, early = find_model(str(second)), find_model(str(first))
    with writing_to(early, pytest.fail):
        pass
    with (
        pytest.raises(InputError, match=f"is the folder of {first} by now. Give the same command"),
        writing_to(late, pytest.fail),
    ):
        pytest.fail("it was let in")
    assert find_model(str(second)).root != late.root


def test_a_copy_of_the_same_model_shares_its_folder(tmp_path: Path) -> None:
    made("digits")
    copy = tmp_path / "digits.tflite"
    shutil.copy(UNO, copy)
    assert find_model(str(copy)) == ModelFolder(build_root() / "digits", copy)


@pytest.mark.parametrize("file", ["manifest.json", "model.keras", "model_int8.tflite"])
def test_a_folder_that_holds_who_knows_which_model_is_left_alone(file: str, tmp_path: Path) -> None:
    foreign = own_tflite(tmp_path / "digits.tflite")
    own = model_folder("digits")
    own.root.mkdir(parents=True)
    (own.root / file).write_text("{")
    assert re.fullmatch(r"digits-[0-9a-f]{8}", find_model(str(foreign)).name)


def test_a_file_named_as_a_shipped_model_has_a_folder_of_its_own(tmp_path: Path) -> None:
    foreign = own_tflite(tmp_path / "uno.tflite")
    assert re.fullmatch(r"uno-[0-9a-f]{8}", find_model(str(foreign)).name)
    shutil.copy(UNO, foreign)
    assert find_model(str(foreign)).root == build_root() / "uno"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("seed", "seed"),
        ("kws_1.2-b", "kws_1.2-b"),
        ("_x", "_x"),
        ("modèle", "modèle"),
        ("mode\u0300le", "modèle"),
        ("模型", "模型"),
        ("mnist cnn (1)", "mnist_cnn__1_"),
        ("..", "model"),
        ("...", "model"),
        ("", "model"),
        (".hidden", "hidden"),
        ("-x", "x"),
        ("a. ", "a._"),
        ("a...", "a"),
        ("a/../../b", "a_.._.._b"),
        ("a\\b:c*", "a_b_c_"),
        ("a\nb\x1b", "a_b_"),
        ("caf\udce9", "caf_"),
        ("x.tflite", "x"),
        ("x.keras.tflite", "x"),
        (".keras", "keras"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com1", "_com1"),
        ("LPT¹.x", "_LPT¹.x"),
        ("console", "console"),
        ("x" * 300, "x" * 100),
        ("é" * 300, "é" * 50),
    ],
)
def test_the_name_made_of_any_text_is_one_folder_s(text: str, name: str) -> None:
    assert safe_name(text) == name
    assert safe_name(name) == name
    assert model_folder(name).root.parent == build_root()


@pytest.mark.parametrize("stem", ["..", ".", "...", ".x", "CON", "a b.", "\udce9", "\n", "-x"])
def test_what_is_made_of_a_file_lies_below_build_whatever_its_name(
    stem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLYPHITE_BUILD", str(tmp_path / "build"))
    path = tmp_path / f"{stem}.tflite"
    path.write_bytes(small().build([0], [4]))
    assert main(["compile", str(path)]) == 0
    assert set(tmp_path.iterdir()) == {path, build_root()}
    (header,) = build_root().glob("*/c/model.h")
    name = header.parent.parent.name
    assert name == safe_name(name)
    assert f'#define MODEL_NAME "{plain_name(name)}"' in header.read_text()


def test_a_model_folder_is_named_by_its_own_name_however_it_is_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "my digits"
    (folder / "inner").mkdir(parents=True)
    shutil.copy(UNO, folder)
    for here, text in ((folder, UNO.name), (folder, "."), (folder / "inner", f"../{UNO.name}")):
        monkeypatch.chdir(here)
        found = find_model(text)
        assert found.name == "my_digits"
        assert find_model(found.named) == found


def test_no_board_takes_a_folder_of_the_model_s_own() -> None:
    folder = model_folder("seed")
    names = {"uno": "uno", "c": "board-c", "C": "board-C", "tflm": "board-tflm", "a/b": "a_b"}
    assert {name: folder.board(name).name for name in names} == names
    assert folder.board("..").parent == folder.root


def test_a_name_longer_than_a_file_s_can_be_is_refused() -> None:
    for text in ("x" * 300, "x" * 5000 + ".tflite", "x/" * 3000):
        with pytest.raises(ModelError):
            find_model(text)


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


def test_what_mends_a_model_is_told_by_a_command_that_leads_to_it() -> None:
    assert model_folder("my").mend.endswith("`glyphite convert my`.")
    assert find_model("uno").mend.endswith("install that anew.")
