"""The commands that install what is absent, for the package manager that this system has."""

import os
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec

from glyphite.convert.text import command
from glyphite.host.device.arduino import CLI

CLI_SCRIPT = (
    "curl -fsSL https://github.com/arduino/arduino-cli/raw/master/install.sh | "
    "BINDIR=~/.local/bin sh"
)
"""Its page's script for Linux, by the shorter of two names; Debian has no package of it."""


@dataclass(frozen=True)
class Packages:
    """What three package managers call something; "" where one does not have it."""

    apt: str = ""
    brew: str = ""
    winget: str = ""
    linux: str = ""
    """The command for a Linux whose package manager does not have it."""


AVR_GCC = Packages(apt="gcc-avr avr-libc")
AVR_CORE = Packages(apt="arduino-core-avr arduino-builder")
AVRDUDE = Packages(apt="avrdude", brew="avrdude", winget="AVRDudes.AVRDUDE")
ARM_GCC = Packages(
    apt="gcc-arm-none-eabi libnewlib-arm-none-eabi",
    brew="--cask gcc-arm-embedded",
    winget="Arm.GnuArmEmbeddedToolchain",
)
ARDUINO_CLI = Packages(brew="arduino-cli", winget="ArduinoSA.CLI", linux=CLI_SCRIPT)
SIMAVR = Packages(apt="libsimavr-dev")
QEMU = Packages(apt="qemu-system-arm", brew="qemu", winget="SoftwareFreedomConservancy.QEMU")


def installs(packages: Packages) -> str:
    """The command that installs ``packages`` here; "" where it is not known."""
    if packages.apt and shutil.which("apt-get", path="/usr/bin"):
        return as_root(f"apt-get install {packages.apt}")
    if packages.brew and shutil.which("brew"):
        return f"brew install {packages.brew}"
    if packages.winget and shutil.which("winget"):
        return f"winget install {packages.winget}"
    return packages.linux if sys.platform == "linux" else ""


def pip(*words: str) -> str:
    """The command that installs Python packages for the Python that runs this; an environment that
    uv made has no pip."""
    if find_spec("pip") is None and shutil.which("uv"):
        return command("uv", "pip", "install", "--python", sys.executable, *words)
    return command(sys.executable, "-m", "pip", "install", *words)


def as_root(text: str) -> str:
    """A command for the administrator: by sudo, unless that is who this is."""
    is_root = sys.platform != "win32" and os.geteuid() == 0
    return text if is_root else f"sudo {text}"


def by_hand(packages: Packages) -> str:
    """Where to get it, for a system of which no command is known; "" where one is."""
    if installs(packages):
        return ""
    if packages is ARDUINO_CLI:
        return f" ({CLI})"
    return f" (Debian's packages: {packages.apt})" if packages.apt else ""
