"""One command at a time writes to a folder, and a kill leaves nothing that blocks the next."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from glyphite.convert.errors import InputError
from glyphite.convert.hold import LOCK, held, holder, take, write_shared
from tools.kills.limits import descriptors

HOLDS = """
import sys, time
from pathlib import Path
from glyphite.convert.hold import held
sys.argv = ["glyphite", "train", "seed"]
with held(Path(PLACE)):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def another(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds ``folder``."""
    code = HOLDS.replace("PLACE", repr(str(folder)))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield other
        other.kill()


def test_a_folder_is_held_by_one_process_until_it_ends_however_it_ends(tmp_path: Path) -> None:
    folder, said = tmp_path / "seed", list[str]()
    with another(folder) as other:
        who = f"process {other.pid} (glyphite train seed)"
        with pytest.raises(InputError) as caught, held(folder, said.append, 0.2):
            pass
        assert said == [f"Waiting for {who}, which writes to {folder}."]
        assert str(caught.value) == (
            f"{folder} is being written by {who}. Wait until that has ended, or end it first."
        )
        other.send_signal(signal.SIGKILL)
        other.wait()
        (folder / ".glyphite-0000.part").write_bytes(b"half")
        with held(folder):
            assert not (folder / ".glyphite-0000.part").exists()
    assert list(folder.iterdir()) == []
    with held(tmp_path / "new"):
        pass
    assert list(tmp_path.iterdir()) == [folder]


def test_what_is_unfinished_in_a_folder_of_another_process_is_left_to_it(tmp_path: Path) -> None:
    left, others = tmp_path / "seed" / ".glyphite-1.part", tmp_path / "uno" / ".glyphite-2.part"
    with another(others.parent):
        for path in (left, others):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"half")
        with held(tmp_path):
            pass
        assert (left.exists(), others.exists()) == (False, True)
        assert list(left.parent.iterdir()) == []


def test_a_file_of_all_models_is_written_without_what_a_kill_has_left(tmp_path: Path) -> None:
    shared = tmp_path / ".tools"
    shared.mkdir()
    (shared / ".glyphite-0000.part").write_bytes(b"half")
    write_shared(shared / "tool", b"whole", executable=True)
    assert [path.name for path in shared.iterdir()] == ["tool"]
    assert os.access(shared / "tool", os.X_OK)


def test_who_waits_gets_the_folder_once_it_is_free(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    waits = threading.Event()
    order = []

    def second() -> None:
        with held(tmp_path, lambda _: waits.set()):
            order.append("second")

    with held(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_lock_that_was_removed_while_it_was_opened_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else two processes would have one each."""
    lock = tmp_path / LOCK

    def locked(_: int) -> bool:
        lock.unlink()
        return True

    monkeypatch.setattr("glyphite.convert.hold._locked", locked)
    assert take(lock) is None


@pytest.mark.parametrize("make", [lambda lock: lock.symlink_to("notes"), os.mkfifo])
def test_a_link_in_the_place_of_the_lock_leads_nowhere(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    """A folder from somebody else may have one to any file of the user's."""
    (tmp_path / "notes").write_text("precious")
    make(tmp_path / LOCK)
    with held(tmp_path):
        assert (tmp_path / LOCK).is_file()
        assert not (tmp_path / LOCK).is_symlink()
    assert (tmp_path / "notes").read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


def test_a_folder_that_cannot_be_written_is_told_of_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "build").write_bytes(b"")
    with (
        pytest.raises(InputError, match="/build/seed cannot be written: Not a directory"),
        held(tmp_path / "build" / "seed"),
    ):
        pytest.fail("it was let in")
    assert holder(tmp_path / "absent") == "another process"


def test_a_folder_that_cannot_be_looked_through_is_let_go(tmp_path: Path) -> None:
    with (
        descriptors(1),
        pytest.raises(
            InputError, match=r"cannot be written: Too many open files\. End other progr"
        ),
        held(tmp_path),
    ):
        pytest.fail("it was let in")
    assert list(tmp_path.iterdir()) == []
