"""Each test fails when NNI no longer needs the workaround it names: then the workaround can go."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from execution.nni_bridge import server_start
from execution.nni_bridge.quiet_nni import Experiment
from execution.nni_bridge.row_queue import RowConfig, RowQueueExperiment
from records.errors import UserError
from tests.execution.nni_bridge.nni_server import SERVER


def test_parameters_are_handed_out_from_one_queue():
    assert "this.parameters.shift()" in (SERVER / "training_service/v3/compat.js").read_text()


def test_experiments_are_listed_in_the_home(tmp_path):
    program = "import nni.experiment.launcher as one; one.Experiments()"
    environment = os.environ | {"HOME": str(tmp_path), "PYTHONWARNINGS": "ignore"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert (tmp_path / "nni-experiments").is_dir()


def test_the_server_names_no_address_to_listen_on():
    assert "app.listen(this.port);" in (SERVER / "rest_server/index.js").read_text()


def test_clients_go_through_a_proxy(monkeypatch):
    import requests

    monkeypatch.setenv("http_proxy", "http://proxy.invalid:3128")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "mine.invalid")
    asked = [f"http://{host}:8080/api" for host in ("localhost", "127.0.0.1")]
    assert all("http" in requests.utils.get_environ_proxies(url) for url in asked)
    with server_start.portal_environment():
        assert all(requests.utils.get_environ_proxies(url) == {} for url in asked)
        assert requests.utils.get_environ_proxies("http://mine.invalid/") == {}
    from nni.experiment import rest

    source = Path(rest.__file__).read_text()
    assert "proxies" not in source
    assert "trust_env" not in source


def test_the_server_needs_a_home(monkeypatch):
    def unknown():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(server_start.Path, "home", unknown)
    with server_start.portal_environment():
        assert os.environ["HOME"] == "/"
    assert "homedir()" in (SERVER / "common/globals/paths.js").read_text()


def test_a_server_gets_three_seconds(monkeypatch):
    """NNI's own asks four times, a second apart; ours asks until a minute is over."""
    asked = []

    def refuse(*_):
        asked.append(1)
        if len(asked) < 30:
            raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr(server_start.rest, "get", refuse)
    monkeypatch.setattr(server_start.time, "sleep", lambda _: None)
    with pytest.raises(ConnectionRefusedError):
        server_start.launcher._check_rest_server(1)
    assert len(asked) == 4
    asked.clear()
    monkeypatch.setattr(server_start, "_listens", lambda *_: True)
    started(None).wait(1)
    assert len(asked) == 30


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_that_arrives_while_the_server_is_forked_is_kept(number):
    """NNI forks with a step of Python's own in between, after which a lock of `logging` is given back: an interrupt there
    is dropped, and the lock stays held."""
    fork = f"""if True:
        import logging, os, signal, subprocess, sys
        from execution.nni_bridge.server_start import Start
        from records.signals import termination_as_interrupt

        signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the tests were started with
        os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), {int(number)}))
        with termination_as_interrupt():
            try:
                Start(lambda: subprocess.Popen(["true"], preexec_fn=os.setpgrp))()
            except KeyboardInterrupt:
                logging.getLogger("new")
                print("interrupted")
        """
    done = subprocess.run([sys.executable, "-c", fork], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("interrupted\n", 0), done.stderr


def started(code):
    """A server that was started, and has ended with a code or not."""

    class Server:
        pid, returncode = os.getpid(), code

        def poll(self):
            return code

    start = server_start.Start(Server)
    start()
    return start


def test_any_server_on_the_port_is_taken_for_the_own_one(monkeypatch):
    """NNI's own asks who has the port for a status, whoever that is; ours knows its server by its process."""
    monkeypatch.setattr(server_start.rest, "get", lambda *_: {"status": "RUNNING"})
    server_start.launcher._check_rest_server(1)
    with pytest.raises(UserError, match="ended at its start .*another program has port 1 now"):
        started(1).wait(1)
    with pytest.raises(
        UserError, match=r"was ended at its start by SIGXFSZ \(File size limit exceeded\); its log"
    ):
        started(-signal.SIGXFSZ).wait(1)
    monkeypatch.setattr(server_start, "_START_SECONDS", 0.2)
    with socket.socket() as mine:
        mine.bind(("127.0.0.1", 0))
        port = mine.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} .*it does not listen"):
            started(None).wait(port)
        mine.listen()
        started(None).wait(port)


def test_a_server_that_has_ended_is_sent_a_signal(monkeypatch, tmp_path):
    """By its number, which another process may have; and the port's present owner is asked to stop."""
    import nni.experiment.experiment as theirs

    sent = []
    monkeypatch.setattr(theirs, "kill_command", sent.append)
    monkeypatch.setattr(theirs.rest, "delete", lambda port, *_: sent.append(f"port {port}") or 1 / 0)
    for kind, told in ((Experiment, 2), (RowQueueExperiment, 0)):
        sent.clear()
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        experiment = kind(RowConfig("local"), *([] if kind is Experiment else [[]]))
        experiment._proc, experiment.port = ended, 1
        experiment._stop_nni_manager()
        assert len(sent) == told
        assert experiment._proc is None
