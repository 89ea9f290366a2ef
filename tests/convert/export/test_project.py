"""A compiled model in the forms of other build systems: built where the tool is at hand."""

import json
import re
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path, PureWindowsPath

import numpy as np
import pytest
import yaml

from glyphite.convert.boards import load_board
from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.export.project import FORMS, README, project_name, write_project
from glyphite.convert.version import __version__
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.cli import main
from glyphite.host.runners.tflm import infer
from tests.builders.dense import fully_connected
from tests.builders.models import hard_inputs
from tests.builders.small import small
from tools.kills.limits import limit

SHAPE, INPUT_BYTES, OUTPUT_BYTES = (1, 6, 6, 2), 72, 12

MAIN = """
#include <stdio.h>
#include "NAME.h"

int main(void) {
    while (fread(NAME_input(), 1, MACRO_INPUT_BYTES, stdin) == MACRO_INPUT_BYTES) {
        NAME_invoke();
        fwrite(NAME_output(), 1, MACRO_OUTPUT_BYTES, stdout);
    }
    return 0;
}
"""


@pytest.fixture
def model(tmp_path: Path) -> ModelFolder:
    path = tmp_path / "My model.tflite"
    path.write_bytes(small().build([0], [4]))
    return find_model(str(path))


def fenced(readme: str, language: str) -> str:
    """The lines of the README's first block in ``language``."""
    found = re.search(rf"```{language}\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    return found[1]


# --- CMake, built and run ------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["model", "net"])
def test_cmake_builds_the_lines_of_the_readme_and_the_bytes_are_tflms(
    model: ModelFolder, tmp_path: Path, prefix: str, require_tool: Callable[..., None]
) -> None:
    require_tool("cmake", "cc")
    name = project_name(model, prefix)
    made = write_project(model, "cmake", out=tmp_path / "app" / name, prefix=prefix)
    app, build = tmp_path / "app", tmp_path / "made with cmake"
    lines = fenced((made.folder / README).read_text(), "cmake").replace("YOUR_PROGRAM", "app")
    (app / "main.c").write_text(MAIN.replace("NAME", prefix).replace("MACRO", prefix.upper()))
    head = "cmake_minimum_required(VERSION 3.13)\nproject(app C)\nadd_executable(app main.c)\n"
    (app / "CMakeLists.txt").write_text(head + lines)
    for command in (["-S", app, "-B", build], ["--build", build]):
        done = subprocess.run(
            ["cmake", *map(str, command)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "arning" not in done.stdout + done.stderr
    inputs = hard_inputs(np.random.default_rng(1), SHAPE, 10)
    ran = subprocess.run([build / "app"], input=inputs.tobytes(), capture_output=True, check=True)
    expected = infer(model.tflite.read_bytes(), inputs)
    assert ran.stdout == expected.tobytes()
    assert expected.size == OUTPUT_BYTES * len(inputs)


@pytest.mark.parametrize("form", FORMS)
def test_the_function_of_the_readme_compiles(
    model: ModelFolder, form: str, require_tool: Callable[..., None]
) -> None:
    require_tool("cc")
    made = write_project(model, form)
    source = made.folder / made.form.code / "own.c"
    source.write_text(fenced((made.folder / README).read_text(), "c"))
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsyntax-only"]
    done = subprocess.run(["cc", *flags, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# --- the others, held against what their tools ask for -------------------------------------------


def test_zephyr_module_has_the_keys_that_zephyr_s_schema_allows(model: ModelFolder) -> None:
    """That of its reader of modules: ``cmake`` is a folder, and ``kconfig`` a file."""
    made = write_project(model, "zephyr")
    module = yaml.safe_load((made.folder / "zephyr" / "module.yml").read_text())
    assert module == {
        "name": "glyphite_my_model",
        "build": {"cmake": "zephyr", "kconfig": "zephyr/Kconfig"},
    }
    assert (made.folder / module["build"]["cmake"] / "CMakeLists.txt").is_file()
    option = module["name"].upper()
    assert f"\nconfig {option}\n\tbool " in (made.folder / module["build"]["kconfig"]).read_text()
    lists = (made.folder / "zephyr" / "CMakeLists.txt").read_text()
    assert f"if(CONFIG_{option})" in lists
    (source,) = re.findall(r"zephyr_library_sources\((\S+)\)", lists)
    assert (made.folder / "zephyr" / source).is_file()
    assert f"CONFIG_{option}=y" in (made.folder / README).read_text()


def test_esp_idf_component_names_its_source_and_version(model: ModelFolder) -> None:
    made = write_project(model, "esp-idf", prefix="net")
    manifest = yaml.safe_load((made.folder / "idf_component.yml").read_text())
    assert set(manifest) == {"version", "description", "dependencies"}
    assert manifest["version"] == __version__
    assert set(manifest["dependencies"]) == {"idf"}
    lists = (made.folder / "CMakeLists.txt").read_text()
    assert 'idf_component_register(SRCS "net.c" INCLUDE_DIRS ".")' in lists
    assert (made.folder / "net.c").is_file()


def test_platformio_library_has_the_fields_of_its_published_schema(model: ModelFolder) -> None:
    """docs.platformio.org, library.json: the fields that a library must have, and their forms."""
    made = write_project(model, "platformio")
    library = json.loads((made.folder / "library.json").read_text())
    assert library["name"] == "glyphite_my_model"
    assert len(library["name"]) <= 50
    assert not re.search(r"[:;/,@<>]", library["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", library["version"])
    assert 0 < len(library["description"]) <= 255
    assert (library["frameworks"], library["platforms"]) == ("*", "*")
    assert (made.folder / "src" / library["headers"]).is_file()
    assert (made.folder / "src" / "model.c").is_file()


# --- all of them ---------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_the_verb_writes_the_form_and_says_how_to_use_it(
    model: ModelFolder, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    assert main(["export", str(model.tflite), f"--{form}", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    folder = model.root / form
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(result["files"]) == written
    assert result["project"] == "glyphite_my_model"
    assert main(["export", str(model.tflite), f"--{form}"]) == 0
    assert f"Written: {folder} README.md there" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("form", FORMS)
def test_no_file_names_a_place_of_this_computer(model: ModelFolder, form: str) -> None:
    """So that the folder can be copied, to Windows too: no path is absolute or has a backslash."""
    made = write_project(model, form)
    for file in set(made.files) - {f"{made.form.code}model.c"}:
        text = (made.folder / file).read_text()
        assert str(made.folder.resolve().anchor + "tmp") not in text
        assert "\\" not in text or file.endswith(".h")
        assert not PureWindowsPath(file).is_absolute()
        assert "\r" not in text


def test_c_for_a_board_s_processor_says_so(model: ModelFolder) -> None:
    made = write_project(model, "cmake", load_board("cortex-m4"))
    assert made.compiled.architecture == load_board("cortex-m4").mcu.architecture
    assert "Arm MPS2 AN386" in (made.folder / README).read_text()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--arduino", "--prefix", "net"], "--prefix goes with --cmake, --zephyr, --esp-idf and"),
        (["--tflm", "--prefix", "net"], "--prefix goes with --cmake, --zephyr, --esp-idf and"),
        (["--cmake", "--library", "chirale"], "--library goes with --tflm"),
    ],
)
def test_an_option_of_another_kind_is_refused(
    model: ModelFolder, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    assert main(["export", str(model.tflite), *words]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("form", FORMS)
def test_a_folder_is_replaced_whole_or_stays_as_it_was(
    form: str, model: ModelFolder, tmp_path: Path
) -> None:
    """The last file is too large for what is allowed, and the ones before it are written."""
    folder = write_project(model, form).folder
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    largest = max(map(len, before.values()))
    with limit(resource.RLIMIT_FSIZE, largest - 1), pytest.raises(InputError, match="too large"):
        write_project(model, form)
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert after == before
    assert not list(folder.parent.glob(".glyphite-*"))
    with limit(resource.RLIMIT_FSIZE, largest - 1), pytest.raises(InputError):
        write_project(model, form, out=tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_arrays_too_long_for_an_avrs_compiler_are_refused_where_its_board_is_named(
    tmp_path: Path,
) -> None:
    path = tmp_path / "wide.tflite"
    path.write_bytes(fully_connected(np.random.default_rng(0), (1, 1000), 1000, 40))
    wide = find_model(str(path))
    with pytest.raises(ModelError) as caught:
        write_project(wide, "platformio", load_board("mega2560"))
    assert str(caught.value) == (
        "The model 'wide' cannot be exported for 'mega2560': fully_connected_0 has 40,000 bytes "
        "in an array, and avr-gcc takes at most 32,767. Make that layer narrower, or leave out "
        "--board for C that runs on boards with other processors."
    )
    assert not (wide.root / "platformio").exists()


# --- One export in a folder ----------------------------------------------------------------------

WORDS = [*(f"--{form}" for form in FORMS), "--tflm"]


@pytest.mark.parametrize("second", WORDS)
@pytest.mark.parametrize("first", WORDS)
def test_an_export_never_stands_beside_another_in_a_folder(
    first: str, second: str, model: ModelFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It takes the place of all of it, or is refused; a file of the user's own stays."""
    out, alone = tmp_path / "taken", tmp_path / "alone" / "taken"
    alone.parent.mkdir()
    call = ["export", str(model.tflite)]
    assert main([*call, second, "--out", str(alone)]) == 0
    assert main([*call, first, "--out", str(out)]) == 0
    (out / "notes.h").write_text("/* mine */\n")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    if main([*call, second, "--out", str(out)]) == 0:
        names = {path.relative_to(alone) for path in alone.rglob("*")} | {Path("notes.h")}
        assert {path.relative_to(out) for path in out.rglob("*")} == names
    else:
        said = " ".join(capsys.readouterr().err.split())
        assert re.search(r"holds another (export \(|sketch, ).* with --out\.$", said)
        assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_what_an_earlier_version_left_in_a_folder_of_ours_goes(model: ModelFolder) -> None:
    made = write_project(model, "cmake")
    older, own = made.folder / "older.h", made.folder / "own.h"
    older.write_text("/* x: a model. Generated by Glyphite 0.0.9; do not edit. */\n")
    own.write_text("/* mine */\n")
    assert write_project(model, "cmake").files == made.files
    assert not older.exists()
    assert own.exists()


def test_another_prefix_in_the_same_place_is_another_export(
    model: ModelFolder, tmp_path: Path
) -> None:
    """PlatformIO would compile both."""
    write_project(model, "platformio", out=tmp_path / "lib")
    with pytest.raises(InputError, match=r"another export \(src/model\.c, src/model\.h\)"):
        write_project(model, "platformio", out=tmp_path / "lib", prefix="net")
