"""Builds the exported sketch against the doubles of tests/doubles, on this PC or a Cortex-M4."""

import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from glyphite.convert.boards import load_board
from glyphite.convert.export.c_array import c_array
from glyphite.convert.export.tflm import TflmSketch
from glyphite.convert.shipped import FIRMWARE
from glyphite.host.device.build import LIBRARY, WARNINGS

DOUBLES = Path(__file__).resolve().parents[2] / "doubles"
TFLM = DOUBLES / "tflm"
ARDUINO = DOUBLES / "arduino"
CPP = ("-std=c++17", "-Wall", "-Wextra", "-Wconversion", "-Werror")
RENAMED = [f"-Dmodel_{what}=compiled_{what}" for what in ("input", "invoke", "output")]
"""The compiled C gives the double its answers, and steps aside for tflm_model.cc's functions."""


@dataclass(frozen=True)
class Toolchain:
    """A C and a C++ compiler."""

    cc: str
    cxx: str
    flags: tuple[str, ...]


NATIVE = Toolchain("gcc", "g++", ("-O2",))
CORTEX_M4 = Toolchain(
    "arm-none-eabi-gcc",
    "arm-none-eabi-g++",
    (*load_board("cortex-m4").toolchain.flags, "-O2", "-ffunction-sections"),
)
SOFT_FLOAT = Toolchain(
    CORTEX_M4.cc, CORTEX_M4.cxx, ("-mcpu=cortex-m4+nofp", "-mthumb", "-mfloat-abi=soft", "-O2")
)
"""As TFLM's own Makefile has it for TARGET_ARCH=cortex-m4."""


@dataclass(frozen=True)
class Kit:
    """An exported sketch, the compiled C of the same model, and a folder for objects."""

    sketch: TflmSketch
    compiled: Path
    objects: Path

    @property
    def folder(self) -> Path:
        """The exported files."""
        return self.sketch.folder

    def changed(self, folder: Path, file: str, old: str, new: str) -> "Kit":
        """The same kit in another folder, with something wrong in one of its files."""
        shutil.copytree(self.folder, folder)
        text = (folder / file).read_text()
        assert text.count(old) == 1
        (folder / file).write_text(text.replace(old, new))
        return Kit(replace(self.sketch, folder=folder), self.compiled, self.objects)

    def put_model(self, tflite: bytes) -> None:
        """Another .tflite in this copy, whose other files compile with their own data alone."""
        header, made = (self.folder / "model_data.h").read_text(), c_array("seed", tflite)
        for file, text in made.items():
            (self.folder / file).write_text(text.replace(_tie(made["model_data.h"]), _tie(header)))

    def tflm_library(self, tools: Toolchain) -> list[Path]:
        """The double of TensorFlow Lite Micro, which is the same for every sketch of the model."""
        needed = f"-DTFLM_DOUBLE_ARENA_BYTES={self.sketch.arena.measured}"
        includes = (f"-I{self.compiled}", f"-I{TFLM}")
        return [
            self._object(tools.cc, tools, self.compiled / "model.c", "-std=c99", *RENAMED),
            self._object(tools.cxx, tools, TFLM / "double.cc", *CPP, *includes, *RENAMED, needed),
        ]

    def application(self, tools: Toolchain) -> list[Path]:
        """The library's own C, which is the same for every sketch."""
        return [
            self._object(tools.cc, tools, source, *WARNINGS, f"-I{LIBRARY}")
            for source in sorted(LIBRARY.glob("*.c"))
        ]

    def glue(self, tools: Toolchain, *options: str) -> list[Path]:
        """What stands behind model.h, compiled as the README has it."""
        return [
            self.compile(tools, self.folder / file, *options)
            for file in ("tflm_model.cc", "model_data.cc")
        ]

    def compile(self, tools: Toolchain, source: Path, *options: str) -> Path:
        """An object file beside the source, every warning an error."""
        made = source.with_suffix(".o")
        includes = (f"-I{self.folder}", f"-I{TFLM}", f"-I{LIBRARY}")
        _run(tools.cxx, *tools.flags, *CPP, *includes, *options, "-c", source, "-o", made)
        return made

    def arduino_sketch(self) -> Path:
        """The .ino as a program on this PC, its serial line being stdin and stdout."""
        ino = self.folder / f"{self.folder.name}.ino"
        as_arduino_does = ("-include", "Arduino.h", "-x", "c++")
        objects = [
            *self.tflm_library(NATIVE),
            *self.application(NATIVE),
            *self.glue(NATIVE),
            self.compile(NATIVE, ino, f"-I{ARDUINO}", *as_arduino_does),
            self._object("g++", NATIVE, ARDUINO / "arduino.cc", *CPP, f"-I{ARDUINO}"),
        ]
        return self._link(objects, self.folder / "sketch")

    def native_port(self) -> Path:
        """The same without Arduino: the main of firmware/ports on this PC."""
        ports = FIRMWARE / "ports"
        includes = (f"-I{ports}", f"-I{LIBRARY}", f"-I{self.folder}")
        options = (*WARNINGS, *includes, *load_board("native").definitions)
        objects = [
            *self.tflm_library(NATIVE),
            *self.application(NATIVE),
            *self.glue(NATIVE),
            self._object("gcc", NATIVE, ports / "main.c", *options),
            self._object("gcc", NATIVE, ports / "native" / "port.c", *options),
        ]
        return self._link(objects, self.folder / "firmware")

    def cortex_m4(self, image: Path, tools: Toolchain = CORTEX_M4) -> Path:
        """The emulated board's image, built by the exported build.sh as a user would."""
        _run(*self.build_script(image, tools))
        return image

    def build_script(self, image: Path, tools: Toolchain = CORTEX_M4) -> list[str | Path]:
        """The command, with the double of TFLM as a library made by ``tools``."""
        archive = self.objects / "libtflm_double.a"
        _run("arm-none-eabi-ar", "rc", archive, *self.tflm_library(tools))
        return ["sh", self.folder / "build.sh", TFLM, archive, image, "-Werror"]

    def _object(self, compiler: str, tools: Toolchain, source: Path, *options: str) -> Path:
        """An object file kept for the other sketches; made once."""
        made = self.objects / f"{compiler}-{source.parent.name}-{source.name}.o"
        if not made.exists():
            _run(compiler, *tools.flags, *options, "-c", source, "-o", made)
        return made

    def _link(self, objects: list[Path], image: Path) -> Path:
        _run("g++", *objects, "-o", image)
        return image


def _tie(header: str) -> str:
    """The number by which files of one sketch know each other."""
    (found,) = re.findall(r"#define MODEL_TIE (\S+)", header)
    return str(found)


def _run(*command: str | Path) -> None:
    result = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{command[0]}: {result.stderr}"
