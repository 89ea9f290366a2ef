"""One fault: a small change to one file, and the tests that must notice it."""

from dataclasses import dataclass
from pathlib import Path

SOURCE_ROOTS = ("convert/glyphite/", "host/glyphite/", "train/glyphite/")


class FaultError(Exception):
    """A fault that cannot be put in: the list and the file say different things."""


@dataclass(frozen=True)
class Fault:
    """A change that would be a mistake. ``old`` stands in the file exactly once."""

    name: str
    path: str
    """From the project's root."""
    old: str
    new: str
    tests: tuple[str, ...]
    """Files or folders below ``tests``, of the folder that mirrors the file's own."""

    @property
    def room(self) -> str:
        """The file's folder as its imports have it: ``host/device/wire``."""
        folder = str(Path(self.path).parent)
        for root in SOURCE_ROOTS:
            folder = folder.removeprefix(root)
        return folder

    def put_into(self, text: str) -> str:
        """The file's text with the fault. Raises FaultError unless ``old`` is there once."""
        found = text.count(self.old)
        if found != 1:
            raise FaultError(
                f"The fault {self.name!r} cannot be put in: {self.old!r} stands {found} times in "
                f"{self.path}, and once is needed. Correct it in tests/faults."
            )
        return text.replace(self.old, self.new)


def check(project: Path, faults: tuple[Fault, ...]) -> None:
    """Raise FaultError unless every fault can be put in and its tests exist."""
    for fault in faults:
        if not (project / fault.path).is_file():
            raise FaultError(f"The fault {fault.name!r} is in {fault.path}, which does not exist.")
        fault.put_into((project / fault.path).read_text())
        for test in fault.tests:
            if not (project / "tests" / test).exists():
                raise FaultError(
                    f"The fault {fault.name!r} names tests/{test}, which is not there."
                )
