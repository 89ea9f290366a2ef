"""Files are written whole or not at all, and what fails is said in a sentence."""

import os
import resource
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from glyphite.convert import files
from glyphite.convert.errors import InputError
from glyphite.convert.files import (
    read_bytes,
    remove,
    remove_unfinished,
    temporary_files_in,
    temporary_folder,
    temporary_place,
    write_bytes,
    write_folder,
    write_text,
)
from tests.strict import absent
from tools.kills.limits import limit, memory

WAY_OUT = "Free some room and allow writing there, or name another folder in the environment "


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_is_written_with_the_folders_above_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.txt"
    write_text(path, "é\n")
    assert path.read_bytes() == "é\n".encode()
    write_bytes(path, b"anew")
    assert path.read_bytes() == b"anew"
    assert names(path.parent) == ["file.txt"]


def test_a_name_of_any_length_that_the_system_takes_is_written(tmp_path: Path) -> None:
    write_bytes(tmp_path / ("n" * 255), b"content")
    with pytest.raises(InputError, match=r"n\.\.\. cannot be written: File name too long"):
        write_bytes(tmp_path / ("n" * 256), b"content")
    assert names(tmp_path) == ["n" * 255]


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """A folder is in the file's place, so that the last step, the renaming, fails."""
    (tmp_path / "place" / "full").mkdir(parents=True)
    with pytest.raises(InputError, match=r"/place cannot be written: Is a directory\. Remove"):
        write_bytes(tmp_path / "place", b"content")
    assert names(tmp_path) == ["place"]


def test_a_full_disk_leaves_the_earlier_content_and_is_told_with_a_way_out(tmp_path: Path) -> None:
    write_bytes(tmp_path / "file", b"earlier")
    with limit(resource.RLIMIT_FSIZE, 4), pytest.raises(InputError) as caught:
        write_bytes(tmp_path / "file", b"later and longer")
    told = f"{tmp_path}/file cannot be written: File too large. {WAY_OUT}variable GLYPHITE_BUILD."
    assert str(caught.value) == told
    assert (caught.value.exit_code, (tmp_path / "file").read_bytes()) == (2, b"earlier")
    assert names(tmp_path) == ["file"]


def test_without_descriptors_nothing_is_written(tmp_path: Path) -> None:
    told = r"/file cannot be written: Too many open files\. End other .* with `ulimit -n 1024`\.$"
    with limit(resource.RLIMIT_NOFILE, 3), pytest.raises(InputError, match=told):
        write_bytes(tmp_path / "file", b"content")
    assert names(tmp_path) == []


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    write_bytes(tmp_path / "build", b"")
    with pytest.raises(InputError, match="/build/seed/f cannot be written: Not a directory"):
        write_bytes(tmp_path / "build" / "seed" / "f", b"content")
    with pytest.raises(InputError, match="/build/f cannot be written: Not a directory"):
        remove(tmp_path / "build" / "f")
    told = r"/build/f cannot be written: File exists\. A file or link on that path is in the"
    with pytest.raises(InputError, match=told):
        write_bytes(tmp_path / "build" / "f", b"content")


def test_a_link_to_itself_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    told = r"/ring/f cannot be written: .*(rename it|link that leads back to itself)\.$"
    with pytest.raises(InputError, match=told):
        write_bytes(tmp_path / "ring" / "f", b"content")


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_may_be_read_by_whom_the_umask_lets(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_bytes(tmp_path / "file", b"content")
        write_bytes(tmp_path / "program", b"content", executable=True)
        write_folder(tmp_path / "folder", {"file": "content"})
    finally:
        assert os.umask(before) == umask
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode
    assert (tmp_path / "program").stat().st_mode & 0o777 == 0o777 & ~umask
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o777 & ~umask


def watched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What ``folder`` holds whenever something in it or beside it has got another name."""
    seen: list[dict[str, str]] = []

    def watching(change: Callable[..., object]) -> Callable[..., object]:
        def changed(*arguments: object) -> object:
            result = change(*arguments)
            seen.append({path.name: path.read_text() for path in folder.glob("*")})
            return result

        return changed

    monkeypatch.setattr(files, "_exchanged", watching(files._exchanged))
    monkeypatch.setattr(Path, "replace", watching(Path.replace))
    return seen


OLD, NEW = {"a": "old", "b": "old"}, {"a": "new", "b": "new"}


def test_files_that_belong_together_change_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "above" / "c"
    seen = watched(folder, monkeypatch)
    write_folder(folder, OLD)
    write_folder(folder, NEW)
    assert seen == [OLD, NEW]
    assert names(tmp_path / "above") == ["c"]


def test_files_in_folders_of_a_folder_change_at_once_too(tmp_path: Path) -> None:
    """Another folder has the name by then; with a file of the user's own it stays the same one."""
    texts = {"a.txt": "old", "src/model.c": "old"}
    write_folder(tmp_path / "c", texts)
    inode = (tmp_path / "c").stat().st_ino
    write_folder(tmp_path / "c", {**texts, "src/model.c": "new"})
    assert (tmp_path / "c").stat().st_ino != inode
    assert (tmp_path / "c" / "src" / "model.c").read_text() == "new"
    (tmp_path / "c" / "src" / "mine.c").write_text("mine")
    write_folder(tmp_path / "c", texts)
    assert (tmp_path / "c" / "src" / "mine.c").read_text() == "mine"
    assert (tmp_path / "c" / "src" / "model.c").read_text() == "old"


def test_a_file_in_the_place_of_a_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("precious")
    with pytest.raises(InputError, match="/c cannot be written: Not a directory"):
        write_folder(tmp_path / "c", {"model.c": "code"})
    assert (tmp_path / "c").read_text() == "precious"
    assert names(tmp_path) == ["c"]


def test_what_the_user_put_into_a_folder_stays(tmp_path: Path) -> None:
    write_folder(tmp_path / "c", OLD)
    write_text(tmp_path / "c" / "main.c", "mine")
    inode = (tmp_path / "c").stat().st_ino
    write_folder(tmp_path / "c", NEW)
    assert {path.name: path.read_text() for path in (tmp_path / "c").iterdir()} == {
        **NEW,
        "main.c": "mine",
    }
    assert (tmp_path / "c").stat().st_ino == inode


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    write_folder(tmp_path / "c", OLD)
    (tmp_path / "link").symlink_to("c")
    write_folder(tmp_path / "link", NEW)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "c" / "a").read_text() == "new"


def test_without_room_a_folder_stays_as_it_was(tmp_path: Path) -> None:
    write_folder(tmp_path / "c", OLD)
    with (
        limit(resource.RLIMIT_FSIZE, 4),
        pytest.raises(InputError, match=r"/c cannot be written: File too large\. Name another\."),
    ):
        write_folder(tmp_path / "c", {"a": "new", "b": "new and longer"}, way_out="Name another.")
    assert {path.name: path.read_text() for path in (tmp_path / "c").iterdir()} == OLD
    assert names(tmp_path) == ["c"]


def test_what_a_kill_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / ".glyphite-1234.part" / "model.c", "half")
    write_text(tmp_path / ".glyphite-5678.part", "half")
    write_text(tmp_path / ".mine.part", "whole")
    write_text(tmp_path / "uno" / ".glyphite-9012.part", "half")
    remove_unfinished(tmp_path)
    assert names(tmp_path) == [".mine.part", "uno"]
    assert names(tmp_path / "uno") == [".glyphite-9012.part"]


def test_a_temporary_folder_is_removed_though_one_file_alone_can_be_opened(tmp_path: Path) -> None:
    """However deep it is; what a link in it names stays."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    held: list[int] = []
    try:
        with temporary_folder() as folder:
            (folder / "a" / "b").mkdir(parents=True)
            (folder / "a" / "b" / "file").write_bytes(b"x")
            (folder / "link").symlink_to(tmp_path)
            resource.setrlimit(resource.RLIMIT_NOFILE, (100, before[1]))
            with suppress(OSError):
                while True:
                    held.append(os.dup(0))
            os.close(held.pop())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for descriptor in held:
            os.close(descriptor)
    assert not folder.exists()
    assert tmp_path.exists()


def test_a_temporary_folder_is_removed_and_tells_of_no_room() -> None:
    with (
        pytest.raises(InputError, match=r"cannot be written: File too large\. .* variable TMPDIR"),
        limit(resource.RLIMIT_FSIZE, 4),
        temporary_folder() as folder,
    ):
        (folder / "file").write_bytes(b"longer")
    assert not folder.exists()
    with pytest.raises(FileNotFoundError), temporary_folder() as folder:
        (folder / "absent").read_bytes()


def test_a_folder_that_cannot_be_copied_for_a_while_is_no_list_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_bytes(b"longer")
    with (
        pytest.raises(InputError, match=r"^/\S* cannot be written\. Free some room .* TMPDIR\.$"),
        limit(resource.RLIMIT_FSIZE, 4),
        temporary_folder() as folder,
    ):
        shutil.copytree(tmp_path / "kept", folder / "kept")


def test_where_no_temporary_file_can_be_written_the_way_out_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", None)
    with (
        limit(resource.RLIMIT_FSIZE, 0),
        pytest.raises(InputError, match=r"^No folder takes temporary files\. Free .* TMPDIR\.$"),
    ):
        temporary_place()


def test_temporary_files_of_others_are_removed_with_the_folder() -> None:
    with temporary_folder() as folder, temporary_files_in(folder):
        _, left = tempfile.mkstemp()
    assert not Path(left).exists()
    assert tempfile.gettempdir() != str(folder)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^No such file: .*/nothing\. Check the path\.$"):
        read_bytes(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"is a folder, and a file is needed\. Name a file in it"):
        read_bytes(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="cannot be read: Not a directory"):
        read_bytes(tmp_path / "file" / "below")
    with pytest.raises(InputError, match="cannot be read: File name too long"):
        read_bytes(tmp_path / ("a" * 300))
    with pytest.raises(InputError, match=r"x\\x00y is no path of a file"):
        read_bytes(tmp_path / "x\0y")


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    """A pipe that nobody writes to would be waited for without end; a link to a file is one."""
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/null"), Path("/dev/zero"), tmp_path / "pipe"):
        with pytest.raises(InputError, match="is a pipe or a device, and a file is needed"):
            read_bytes(path)
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_bytes(tmp_path / "link") == b"content"
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    with pytest.raises(InputError, match="cannot be read: Too many levels of symbolic links"):
        read_bytes(tmp_path / "ring")


def test_what_became_a_pipe_after_it_was_looked_at_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As /proc/kmsg, which calls itself a regular file, and never ends."""
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(files, "_require_file", lambda *_: None)
    assert read_bytes(tmp_path / "pipe") == b""


def test_a_file_is_read_up_to_a_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(1000))
    assert len(read_bytes(tmp_path / "file", 1000)) == 1000
    with pytest.raises(InputError, match="has 1,000 bytes, and at most 999 are read"):
        read_bytes(tmp_path / "file", 999)


def test_a_small_file_takes_little_memory_however_large_it_might_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    with memory(64 << 20):
        assert read_bytes(tmp_path / "file") == b"content"


def test_a_file_that_says_it_is_empty_is_read_up_to_the_limit_too() -> None:
    """As a file that grows while it is read."""
    if not Path("/proc/self/maps").is_file():
        absent("Linux's /proc is not there.")
    with pytest.raises(InputError, match="has 11 bytes, and at most 10 are read"):
        read_bytes(Path("/proc/self/maps"), 10)
