"""A server that stands still, and a disk that is full or read-only."""

import os

import pytest

from execution.nni_bridge import server_watch
from execution.nni_bridge.disk_space import require_space
from execution.nni_bridge.server_watch import ServerWatch
from records.errors import UserError
from records.run_files.run_folder import RunFolder


class Server:
    """NNI's experiment, as far as it is asked."""

    _proc = None
    lost = False

    def __init__(self, *answers):
        self.answers = list(answers)

    def get_status(self):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_failed_server_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(server_watch, "_ASK_SECONDS", -1.0)
    watch = ServerWatch(Server("RUNNING", OSError("busy"), "ERROR", "ERROR"), RunFolder(tmp_path))
    watch()
    watch()
    with pytest.raises(
        UserError, match=r"^NNI's server has failed \(its log is below .*nni\); .* made anew$"
    ):
        watch()
    (tmp_path / "settings.json").touch()
    with pytest.raises(
        UserError, match=r"^NNI's server has failed \(its log is below .*nni\).* resume .* goes on$"
    ):
        watch()


def test_a_lost_connection_is_told(tmp_path):
    server = Server()
    (tmp_path / "settings.json").touch()
    watch = ServerWatch(server, RunFolder(tmp_path))
    watch()
    server.lost = True
    with pytest.raises(UserError, match=r"^the connection to NNI's server is lost .* resume .* goes on$"):
        watch()


def test_the_line_that_the_server_left_is_told(tmp_path):
    run = RunFolder(tmp_path)
    run.write("nni.json", {"experiment": "x1"})
    (tmp_path / "nni" / "x1" / "log").mkdir(parents=True)
    (tmp_path / "nni" / "x1" / "log" / "ended.txt").write_text("10 starts failed\n")
    server = Server()
    server.lost = True
    with pytest.raises(
        UserError, match=r"^the connection to NNI's server is lost: 10 starts failed \(its log"
    ):
        ServerWatch(server, run)()


def test_it_is_not_asked_all_the_time(tmp_path):
    watch = ServerWatch(Server(), RunFolder(tmp_path))
    for _ in range(10):
        watch()


def fake(monkeypatch, **changes):
    values = {"f_bfree": 1000, "f_bavail": 1000, "f_frsize": 4096, "f_flag": 0} | changes
    monkeypatch.setattr(os, "statvfs", lambda path: type("Found", (), values)())


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"f_bfree": 0, "f_bavail": 0}, "No space left on device; free space; "),
        ({"f_flag": os.ST_RDONLY}, "Read-only file system; make it writable; "),
    ],
)
def test_a_disk_that_cannot_be_written_is_told(tmp_path, monkeypatch, found, said):
    fake(monkeypatch, **found)
    with pytest.raises(UserError, match=f"cannot write {tmp_path}: {said}"):
        ServerWatch(Server(), RunFolder(tmp_path))()


def test_what_is_reserved_is_for_root_alone(tmp_path, monkeypatch):
    fake(monkeypatch, f_bavail=0)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    require_space(tmp_path, 40960)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UserError, match="No space left"):
        require_space(tmp_path, 40960)
