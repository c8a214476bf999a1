import errno
import os
import subprocess
import sys

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


def test_what_is_no_file_is_written_into(tmp_path):
    pipe, link, file = tmp_path / "pipe", tmp_path / "link", tmp_path / "file"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, "text")
    assert os.read(reader, 100) == b"text"
    os.close(reader)
    assert pipe.is_fifo()
    link.symlink_to("file")
    for content in ("new", "newer"):  # a link that leads nowhere yet, and to a file
        assert write_whole(link, content) == link
        assert (link.is_symlink(), file.read_text()) == (True, content)
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(UserError, match="cannot write .*circle: Too many levels"):
        write_whole(tmp_path / "circle", "text")


@pytest.mark.parametrize("place", ["/dev/stdout", "/dev/fd/1"])
@pytest.mark.parametrize("into", ["file", "pipe"])
def test_a_stream_is_written_into(place, into, tmp_path):
    program = f"from records.files import write_whole; write_whole({place!r}, 'text')"
    with (tmp_path / "out").open("wb") as file:
        target = file if into == "file" else subprocess.PIPE
        done = subprocess.run([sys.executable, "-c", program], stdout=target, check=True)
    assert (done.stdout or (tmp_path / "out").read_bytes()) == b"text"
