"""Tries one fault: in a copy of the tree that is thrown away, by the tests that must notice it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Event

from tests.faults.fault import Fault

ROOTS = (".", "convert", "host", "train")
KEPT = Path("build") / "tests"
"""Trained models that tests made and keep."""
LOOK = 0.5
"""Seconds from one look at whether to stop to the next."""


class Outcome(StrEnum):
    """What became of a fault."""

    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    TOO_LONG = "TOO LONG"
    """The tests did not end within the time limit, so that they say nothing."""
    NO_TESTS = "NO TESTS"
    """pytest did not get as far as a test that fails."""


@dataclass(frozen=True)
class Verdict:
    """How one trial ended."""

    fault: Fault
    outcome: Outcome
    seconds: float
    witness: str
    """The test that noticed, or the signal that ended it, or else pytest's last line."""


def copy_tree(project: Path, to: Path) -> None:
    """Copy what git tracks, or would, and link the trained models that tests keep."""
    listed = subprocess.run(
        ["git", "-C", str(project), "ls-files", "-co", "--exclude-standard", "-z"],
        capture_output=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = project / name, to / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    (to / KEPT).mkdir(parents=True, exist_ok=True)
    for model in (project / KEPT).glob("*"):  # one by one: what a fault trains stays in the copy
        (to / KEPT / model.name).symlink_to(model)


def try_out(project: Path, fault: Fault, limit: float, stop: Event | None = None) -> Verdict:
    """Put ``fault`` into a copy of ``project`` and run its tests, ``limit`` seconds at most.

    Once ``stop`` is set, by another thread, the tests are ended as if they took too long.
    """
    with tempfile.TemporaryDirectory(prefix="glyphite-fault-") as scratch:
        tree = Path(scratch)
        copy_tree(project, tree)
        broken = tree / fault.path
        broken.write_text(fault.put_into(broken.read_text()))
        start = time.monotonic()
        code, said = _run_tests(tree, fault, limit, stop or Event())
        return _verdict(fault, code, said, time.monotonic() - start)


def _run_tests(tree: Path, fault: Fault, limit: float, stop: Event) -> tuple[int | None, str]:
    """pytest's exit code, None where it took too long, and what it said."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    command += [f"--rootdir={tree}", *(f"tests/{test}" for test in fault.tests)]
    environment = {name: value for name, value in os.environ.items() if "GLYPHITE" not in name}
    environment["PYTHONPATH"] = os.pathsep.join(str((tree / root).resolve()) for root in ROOTS)
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command, cwd=tree, env=environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            code = _wait(process, limit, stop)
        finally:
            _end(process)
        said.seek(0)
        return code, said.read()


def _wait(process: "subprocess.Popen[bytes]", limit: float, stop: Event) -> int | None:
    """The exit code; None where it does not end in time, or is not to be waited for."""
    end = time.monotonic() + limit
    while time.monotonic() < end and not stop.is_set():
        try:
            return process.wait(min(LOOK, limit))
        except subprocess.TimeoutExpired:
            continue
    return None


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End pytest and whatever it started that still runs."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def _verdict(fault: Fault, code: int | None, said: str, seconds: float) -> Verdict:
    found = re.search(r"^(?:FAILED|ERROR) (?:tests/)?(\S+)", said, re.MULTILINE)
    witness = found[1] if found else (said.strip().splitlines() or ["nothing was said"])[-1]
    outcome = {None: Outcome.TOO_LONG, 0: Outcome.SURVIVED, 1: Outcome.CAUGHT}.get(
        code, Outcome.NO_TESTS
    )
    if code is not None and code < 0:  # a sanitizer's trap in C that a test had loaded
        outcome, witness = Outcome.CAUGHT, f"pytest was ended by {signal.Signals(-code).name}"
    return Verdict(fault, outcome, seconds, witness)
