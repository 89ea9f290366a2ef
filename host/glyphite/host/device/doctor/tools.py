"""Looks at compilers, emulators, Arduino's tools and the Python packages of this PC."""

import os
import platform
import re
import shutil
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from glyphite.convert.boards import DEBIAN_CORE, all_boards
from glyphite.convert.errors import ToolError
from glyphite.convert.extras import wanted
from glyphite.convert.programs import attempt
from glyphite.convert.text import printable
from glyphite.host.device.arduino import find_tool, installed_cores
from glyphite.host.device.c_compiler import USUAL, c_compiler
from glyphite.host.device.doctor import installs
from glyphite.host.device.doctor.check import Check, State
from glyphite.host.device.doctor.installs import Packages
from glyphite.host.device.transport import avr

VERSION_SECONDS = 20.0
"""For a program to say its version, on a slow disk."""

LITERT = (
    ("ai-edge-litert", "ai_edge_litert.interpreter"),
    ("tflite-runtime", "tflite_runtime.interpreter"),
)
"""The packages that may run int8 inference on this PC, and the module that does."""


def tool_checks() -> list[Check]:
    """What builds, flashes and emulates."""
    return [
        _c_compiler(),
        _program("avr-gcc", "--version", installs.AVR_GCC, "sketches for boards with an AVR"),
        _program("arm-none-eabi-gcc", "--version", installs.ARM_GCC, "the Cortex-M boards"),
        _program("arduino-cli", "version", installs.ARDUINO_CLI, "Arduinos without an AVR"),
        *_cores(),
        _program("avrdude", "-v", installs.AVRDUDE, "flashing boards with an AVR"),
        _simavr(),
        _program("qemu-system-arm", "--version", installs.QEMU, "emulated Cortex-M boards"),
    ]


def package_checks() -> list[Check]:
    """The Python packages that verbs need beside those without which nothing starts."""
    return [_litert(), _tflm(), _tensorflow()]


def _c_compiler() -> Check:
    name, need = "C compiler", "the board `native`, and the generated C on this PC"
    try:
        found = c_compiler()
    except ToolError as error:
        if os.environ.get("CC"):
            return Check("tools", name, State.WRONG, str(error))
        told = f"{', '.join(USUAL)}: none is on the PATH. For {need}."
        return Check("tools", name, State.ABSENT, told, installs.pip("ziglang"))
    return _runs("tools", name, [*found, "--version"], installs.pip("ziglang"))


def _program(name: str, option: str, packages: Packages, need: str) -> Check:
    found = find_tool(name)
    mend = installs.installs(packages)
    if found is not None:
        return _runs("tools", name, [found, option], mend)
    if not mend and packages in (installs.AVR_GCC, installs.AVRDUDE):  # the core brings them
        mend = f"arduino-cli core install {DEBIAN_CORE}" if shutil.which("arduino-cli") else ""
    by_hand = "" if mend else installs.by_hand(packages)
    return Check("tools", name, State.ABSENT, f"not installed{by_hand}. For {need}.", mend)


def _runs(group: str, name: str, command: Sequence[str], mend: str) -> Check:
    """Whether a program that is there can be started, and its version."""
    try:
        said = attempt(command, VERSION_SECONDS)
    except ToolError as error:
        return Check(group, name, State.WRONG, str(error), mend)
    if said.crashed:
        return Check(group, name, State.WRONG, f"{command[0]}: {said.complaint}", mend)
    number = re.search(r"\b\d+\.\d+[\w.]*", said.output + said.errors)
    told = f"{number[0]}, {command[0]}" if number else command[0]
    return Check(group, name, State.OK, printable(told))


def _cores() -> list[Check]:
    """Debian's tool builds for boards with an AVR without arduino-cli."""
    try:
        cores = installed_cores()
    except ToolError as error:
        return [Check("tools", "Arduino cores", State.WRONG, str(error))]
    every = {board.arduino.core for board in all_boards() if board.arduino}
    debian = shutil.which("arduino-builder")
    if DEBIAN_CORE in cores or debian:
        by = "arduino-cli" if DEBIAN_CORE in cores else f"Debian's {debian}"
        avr_core = Check("tools", DEBIAN_CORE, State.OK, f"{by} builds sketches")
    else:
        cli = f"arduino-cli core install {DEBIAN_CORE}" if shutil.which("arduino-cli") else ""
        mend = cli or installs.installs(installs.AVR_CORE)
        found = "not installed. For sketches for boards with an AVR."
        avr_core = Check("tools", DEBIAN_CORE, State.ABSENT, found, mend)
    others = sorted(every - {DEBIAN_CORE})
    there = [core for core in others if core in cores]
    found = f"{', '.join(there) or 'none'} of {len(others)}"
    state = State.OK if len(there) == len(others) else State.ABSENT
    mend = "" if state is State.OK else "glyphite boards"
    return [avr_core, Check("tools", "other cores", state, found, mend)]


def _simavr() -> Check:
    name, need = "simavr", "emulated boards with an AVR"
    if sys.platform == "win32":
        found = f"Windows lacks the pseudo-terminals that it needs. For {need}."
        return Check("tools", name, State.SKIPPED, found)
    if avr.HEADER.is_file():
        return Check("tools", name, State.OK, str(avr.HEADER))
    if sys.platform == "darwin":
        found = f"it is sought where Debian has it. For {need}."
        return Check("tools", name, State.SKIPPED, found)
    mend = installs.installs(installs.SIMAVR)
    by_hand = installs.by_hand(installs.SIMAVR)
    return Check("tools", name, State.ABSENT, f"not installed{by_hand}. For {need}.", mend)


def _litert() -> Check:
    usual, _ = LITERT[0]
    installed = [package for package in LITERT if _version(package[0])]
    for name, module in installed:
        return _loads(name, module, needed=True)
    mend = installs.pip(usual)
    return Check("packages", usual, State.ABSENT, "not installed. For all.", mend, needed=True)


def _tflm() -> Check:
    name = "tflite-micro"
    if _version(name):
        return _loads(name, "tflite_micro.python.tflite_micro.runtime")
    stand_in = "The generated C, compiled for this PC, stands in for it."
    if sys.platform != "linux" or platform.machine() != "x86_64":
        found = f"it has no wheels for this system. {stand_in}"
        return Check("packages", name, State.SKIPPED, found)
    found = f"not installed. {stand_in}"
    return Check("packages", name, State.ABSENT, found, installs.pip("--pre", name))


def _tensorflow() -> Check:
    """It is not loaded, which takes seconds."""
    if found := _version("tensorflow"):
        return Check("packages", "tensorflow", State.OK, found)
    need = "For training, converting and the float model."
    mend = installs.pip(wanted("train"))
    return Check("packages", "tensorflow", State.ABSENT, f"not installed. {need}", mend)


def _version(package: str) -> str:
    """ "" where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _loads(name: str, module: str, *, needed: bool = False) -> Check:
    """Whether a package that is installed can be loaded: its libraries may not fit this system."""
    try:
        import_module(module)
    except Exception as error:  # a package may raise whatever it meets
        reason = printable(str(error).rstrip("."))
        found = f"{_version(name)} is installed and cannot be loaded: {reason}."
        mend = installs.pip("--force-reinstall", name)
        return Check("packages", name, State.WRONG, found, mend, needed)
    return Check("packages", name, State.OK, _version(name), needed=needed)
