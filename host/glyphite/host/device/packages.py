"""How another program is installed, in words for this system."""

import shutil


def install(packages: str, *, more: str = "") -> str:
    """The sentence that says how to install Debian's ``packages``; ``more`` ends it."""
    if shutil.which("apt-get", path="/usr/bin") is not None:
        return f"Install it with `sudo apt-get install {packages}`{more}."
    return f"Install it (Debian's packages of it are {packages}){more}."
