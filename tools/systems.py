"""Looks whether Glyphite can be installed on other systems: ``python -m tools.systems``.

uv resolves the requirements of pyproject.toml as each system's pip would, from wheels alone, and
downloads no more than their descriptions. Fails where a system lacks a wheel of any of them.
"""

import sys
from dataclasses import dataclass
from itertools import product

from glyphite.convert.programs import attempt
from glyphite.host.cli.console import print_table, progress_bar, say

SYSTEMS = {
    "Linux x86-64": "x86_64-manylinux_2_28",
    "Linux aarch64": "aarch64-manylinux_2_28",
    "Windows x86-64": "x86_64-pc-windows-msvc",
    "macOS arm64": "aarch64-apple-darwin",
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SECONDS = 300.0

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
    base, trains = resolve(platform, python), resolve(platform, python, "train")
    oracle = "TFLM" if base.version("tflite-micro") else "generated C"
    litert, tensorflow = base.version("ai-edge-litert"), trains.version("tensorflow")
    row = system, python, len(base.packages), litert, oracle, tensorflow
    reasons = [reason for reason in (base.reason, trains.reason) if reason]
    return row, [f"{system}, Python {python}: {reason}" for reason in reasons]


def main() -> int:
    """Resolve for each system, and print a table."""
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
