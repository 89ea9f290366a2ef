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
    with pytest.raises(InputError, match=r"/place cannot be written: Is a directory\. Free some"):
        write_bytes(tmp_path / "place", b"content")
    assert [entry.name for entry in tmp_path.iterdir()] == ["place"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_may_be_read_by_whom_the_umask_lets(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_bytes(tmp_path / "file", b"content")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^No such file: .*/nothing\. Check the path\.$"):
        read_bytes(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"is a folder, and a file is needed\. Name a file in it"):
        read_bytes(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="cannot be read: Not a directory"):
        read_bytes(tmp_path / "file" / "below")
