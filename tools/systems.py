"""Looks whether Glyphite can be installed on other systems: ``python -m tools.systems``.

uv resolves the requirements of pyproject.toml as each system's pip would, from wheels alone, and
downloads no more than their descriptions. Fails where a system lacks a wheel of any of them.

With ``--build``, the C is compiled for each system as well, by the package ziglang: the native
board's firmware of the model `uno`, and the shared library that stands in for the oracle.
"""

import sys
from dataclasses import dataclass
from itertools import product

from glyphite.convert.boards import load_board
from glyphite.convert.export.standalone import compile_folder
from glyphite.convert.files import temporary_folder
from glyphite.convert.programs import attempt, run
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.cli.console import print_table, progress_bar, say
from glyphite.host.device.build import native_command
from glyphite.host.device.images import read_image
from glyphite.host.device.size import image_size

SYSTEMS = {
    "Linux x86-64": "x86_64-manylinux_2_28",
    "Linux aarch64": "aarch64-manylinux_2_28",
    "Windows x86-64": "x86_64-pc-windows-msvc",
    "macOS arm64": "aarch64-apple-darwin",
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SECONDS = 300.0

TARGETS = {
    "Linux x86-64": "x86_64-linux-gnu",
    "Linux aarch64": "aarch64-linux-gnu",
    "Windows x86-64": "x86_64-windows-gnu",
    "macOS arm64": "aarch64-macos",
}
BUILD_SECONDS = 1200.0
"""The first program for Windows takes minutes: ziglang compiles that system's libraries then."""

Row = tuple[str, str, int, str, str, str]


@dataclass(frozen=True)
class Resolved:
    """What uv made of one system: the packages, or the reason why there are none."""

    packages: tuple[str, ...]
    reason: str

    def version(self, package: str) -> str:
        """The version of a package; "" where it is not among them."""
        named = (line.partition("==") for line in self.packages)
        return next((version for name, _, version in named if name == package), "")


def resolve(platform: str, python: str, *extras: str) -> Resolved:
    """The packages that an install takes. Raises ToolError where uv is missing or does not end."""
    extra = [word for name in extras for word in ("--extra", name)]
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet", *extra),
        *("--python-platform", platform, "--python-version", python),
        *("--only-binary", ":all:", "--no-header", "--no-annotate"),
    ]
    done = attempt(command, SECONDS)
    lines = tuple(line for line in done.output.splitlines() if "==" in line)
    return Resolved(lines if done.code == 0 else (), done.complaint if done.code else "")


def look(system: str, python: str) -> tuple[Row, list[str]]:
    """A row of the table for one system and Python, and why an install fails there, if it does."""
    platform = SYSTEMS[system]
    base, trains = resolve(platform, python, "cc"), resolve(platform, python, "train")
    oracle = "TFLM" if base.version("tflite-micro") else "generated C"
    litert, tensorflow = base.version("ai-edge-litert"), trains.version("tensorflow")
    row = system, python, len(base.packages), litert, oracle, tensorflow
    reasons = [reason for reason in (base.reason, trains.reason) if reason]
    return row, [f"{system}, Python {python}: {reason}" for reason in reasons]


def compile_all() -> list[tuple[str, str, str, str]]:
    """A row for each system: bytes of the firmware's flash and RAM, and of the library's file.

    Raises ToolError where a compilation fails.
    """
    rows = []
    with temporary_folder() as scratch:
        folder = ModelFolder(scratch / "uno", find_model("uno").tflite)
        compile_folder(folder).write(folder.generated)
        for system, target in TARGETS.items():
            image, library = scratch / f"{target}.elf", scratch / f"{target}.so"
            zig = (sys.executable, "-m", "ziglang", "cc", "-target", target)
            run([*zig, *native_command(folder, load_board("native"), image)], BUILD_SECONDS)
            run([*zig, *_shared(target), "-o", str(library), _source(folder)], BUILD_SECONDS)
            size = image_size(read_image(image))
            shared = f"{library.stat().st_size:,}"
            rows.append((system, f"{size.flash:,}", f"{size.ram:,}", shared))
    return rows


def _shared(target: str) -> tuple[str, ...]:
    anywhere = () if "windows" in target else ("-fPIC",)
    return ("-std=c99", "-O2", "-shared", *anywhere)


def _source(folder: ModelFolder) -> str:
    return str(folder.generated / "model.c")


def main() -> int:
    """Resolve, or with ``--build`` compile, for each system, and print a table."""
    if sys.argv[1:] == ["--build"]:
        print_table(("system", "flash", "RAM", "library"), compile_all())
        return 0
    rows, failed = [], []
    with progress_bar("Resolving", len(SYSTEMS) * len(PYTHONS)) as progress:
        for system, python in product(SYSTEMS, PYTHONS):
            row, reasons = look(system, python)
            rows.append(row)
            failed += reasons
            progress(1)
    columns = ("system", "Python", "packages", "LiteRT", "oracle", "TensorFlow")
    print_table(columns, rows, text=True)
    for line in failed:
        say(line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
