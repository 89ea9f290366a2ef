"""What is said where a package of the extra ``train`` is absent, with the command that mends it."""

from importlib.metadata import PackageNotFoundError, version

from glyphite.convert.errors import ToolError
from glyphite.convert.text import command


def absent(package: str, need: str) -> ToolError:
    """The error to raise where ``package`` is not installed; ``need`` needs it."""
    return ToolError(f"The package {package} is not installed, and {need} need it. {remedy()}")


def remedy(extra: str = "train") -> str:
    """The sentence on how to get the packages of an extra: by default training and pictures."""
    where = "Install it with" if _is_installed() else "In the clone, type"
    return f"{where} `{command('pip', 'install', wanted(extra))}`."


def wanted(extra: str) -> str:
    """What pip is asked for, to get the packages of an extra.

    pip completes the extra of a Glyphite that it has installed, from wherever that came; one that
    runs out of a clone, and that no pip knows, is installed from there.
    """
    return f"glyphite[{extra}]" if _is_installed() else f".[{extra}]"


def _is_installed() -> bool:
    try:
        version("glyphite")
    except PackageNotFoundError:
        return False
    return True
