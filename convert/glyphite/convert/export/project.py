"""A compiled model as other build systems take it: CMake, Zephyr, ESP-IDF and PlatformIO.

Each form is a folder with the model's C, the build files of that form, and a README with the lines
that use it. All paths in the files are relative, so that the folder can be copied anywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.boards import Board
from glyphite.convert.compiler.driver import Compiled
from glyphite.convert.compiler.emit.constants import C_TYPES
from glyphite.convert.compiler.emit.text import PREFIX, environment, plain_name
from glyphite.convert.export.avr_arrays import require_short_arrays
from glyphite.convert.export.c_array import TEMPLATES
from glyphite.convert.export.standalone import compile_folder
from glyphite.convert.files import write_folder
from glyphite.convert.version import __version__
from glyphite.convert.workspace import ModelFolder

README = "README.md"


@dataclass(frozen=True)
class Form:
    """What a build system wants."""

    title: str
    files: Mapping[str, str]
    """Path in the folder -> template."""
    code: str = ""
    """The folder of the model's C, with a slash at its end."""


FORMS: Mapping[str, Form] = {
    "cmake": Form("CMake", {"CMakeLists.txt": "project_cmake.txt.j2"}),
    "zephyr": Form(
        "Zephyr",
        {
            "zephyr/module.yml": "project_zephyr_module.yml.j2",
            "zephyr/CMakeLists.txt": "project_zephyr_cmake.txt.j2",
            "zephyr/Kconfig": "project_zephyr_kconfig.txt.j2",
        },
    ),
    "esp-idf": Form(
        "ESP-IDF",
        {
            "CMakeLists.txt": "project_esp_idf_cmake.txt.j2",
            "idf_component.yml": "project_esp_idf.yml.j2",
        },
    ),
    "platformio": Form("PlatformIO", {"library.json": "project_platformio.json.j2"}, "src/"),
}
"""By the name of the option of `glyphite export`."""


@dataclass(frozen=True)
class Project:
    """An exported folder."""

    folder: Path
    form: Form
    name: str
    """What the build system calls it."""
    files: tuple[str, ...]
    compiled: Compiled


def write_project(
    model: ModelFolder,
    form: str,
    board: Board | None = None,
    out: Path | None = None,
    prefix: str = PREFIX,
) -> Project:
    """Write the form called ``form``, one of FORMS, by default into ``build/<model>/<form>``.

    With ``board`` the C is made for its processor, else for every one; ``prefix`` begins its names.
    The default folder says both.

    The folder appears whole, or stays as it was (see ``write_folder``). Raises ModelError where the
    model cannot be compiled, or has an array that the board's compiler does not take; InputError
    where the folder cannot be written or the .tflite be read; ToolError where the package that
    reads a .tflite is not there.
    """
    own = "" if prefix == PREFIX else f"prefix-{prefix}"
    folder = out or model.variant(form, board.key if board else "", own)
    kind = FORMS[form]
    architecture = board.mcu.architecture if board else ""
    compiled = compile_folder(model, architecture, prefix=prefix)
    require_short_arrays(compiled, board)
    name = project_name(model, prefix)
    fields = {
        "project": name,
        "name": plain_name(model.name),
        "form": form,
        "title": kind.title,
        "code": kind.code,
        "prefix": prefix,
        "macro": prefix.upper(),
        "processor": board.description if board else "every processor",
        "types": [C_TYPES[edge.dtype] for edge in compiled.edges],
        "version": __version__,
    }
    templates = environment(TEMPLATES)
    made = {**kind.files, README: "project_README.md.j2"}
    texts = {file: templates.get_template(made[file]).render(fields) for file in made}
    texts |= {f"{kind.code}{file}": text for file, text in compiled.files.items()}
    write_folder(folder, texts, way_out="Name another folder with --out.")
    return Project(folder, kind, name, tuple(sorted(texts)), compiled)


def project_name(model: ModelFolder, prefix: str) -> str:
    """What a build system calls the model: letters, digits and '_', and its own for each prefix."""
    own = "" if prefix == PREFIX else f"_{prefix}"
    plain = "".join(letter if letter.isalnum() else "_" for letter in plain_name(model.name))
    return f"glyphite_{plain.lower()}{own}"
