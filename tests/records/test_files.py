import errno
import os

import pytest

from records.errors import UserError
from records.files import write_errors, write_whole


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    assert write_whole(path, "after ü") == path
    assert path.read_bytes() == "after ü".encode()
    write_whole(path, b"\x00\x01")
    assert path.read_bytes() == b"\x00\x01"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_failure_leaves_what_was_there(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "inside").write_text("kept")
    with pytest.raises(UserError, match="cannot write .*/a: "):
        write_whole(tmp_path / "a", "text")
    assert [p.name for p in tmp_path.rglob("*")] == ["a", "inside"]


def test_what_cannot_be_written_is_named(tmp_path):
    with pytest.raises(
        UserError, match="cannot write .*nowhere/a: No such file or directory; the folder is not there"
    ):
        write_whole(tmp_path / "nowhere" / "a", "text")


def test_a_private_file_is_its_owners(tmp_path):
    assert write_whole(tmp_path / "a", "text", private=True).stat().st_mode & 0o777 == 0o600
    assert write_whole(tmp_path / "b", "text").stat().st_mode & 0o400


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "free space or choose another folder"),
        (errno.EEXIST, "a file and a folder cannot have one name"),
        (errno.EROFS, "make it writable, or choose another folder"),
        (errno.ENOENT, "the folder is not there"),
    ],
)
def test_what_can_be_done_depends_on_what_is_wrong(number, said):
    with pytest.raises(UserError, match=said), write_errors("here"):
        raise OSError(number, os.strerror(number))
