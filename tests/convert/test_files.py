"""Files are written whole or not at all, and what cannot be read is said in a sentence."""

import os
from pathlib import Path

import pytest

from glyphite.convert.errors import InputError
from glyphite.convert.files import read_bytes, write_bytes, write_text


def test_a_file_is_written_with_the_folders_above_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.txt"
    write_text(path, "é\n")
    assert path.read_bytes() == "é\n".encode()
    write_bytes(path, b"anew")
    assert path.read_bytes() == b"anew"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """A folder is in the file's place, so that the last step, the renaming, fails."""
    (tmp_path / "place" / "full").mkdir(parents=True)
    with pytest.raises(OSError, match="place"):
        write_bytes(tmp_path / "place", b"content")
    assert [entry.name for entry in tmp_path.iterdir()] == ["place"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_may_be_read_by_whom_the_umask_lets(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_bytes(tmp_path / "file", b"content")
    finally:
        assert os.umask(before) == umask
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode


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


def test_a_file_is_read_up_to_a_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(1000))
    assert len(read_bytes(tmp_path / "file", 1000)) == 1000
    with pytest.raises(InputError, match="has 1,000 bytes, and at most 999 are read"):
        read_bytes(tmp_path / "file", 999)


@pytest.mark.skipif(not Path("/proc/self/maps").is_file(), reason="needs Linux's /proc")
def test_a_file_that_says_it_is_empty_is_read_up_to_the_limit_too() -> None:
    """As a file that grows while it is read."""
    with pytest.raises(InputError, match="has 11 bytes, and at most 10 are read"):
        read_bytes(Path("/proc/self/maps"), 10)
