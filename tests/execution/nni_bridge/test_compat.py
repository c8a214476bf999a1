"""Each test fails when NNI no longer needs the workaround it names: then the workaround can go."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
from collections import defaultdict
from pathlib import Path

import pytest

from execution.nni_bridge import compat as nni_compat
from execution.nni_bridge.compat import (
    CandidateConfig,
    CandidateModel,
    NasExperimentConfig,
)

nni_node = importlib.util.find_spec("nni_node")
assert nni_node is not None
SERVER = Path(nni_node.submodule_search_locations[0])
COMMAND = "python -m execution.trials.entry"


def configured(kind, folder):
    config = kind(execution_engine="ts", model_format="raw", training_service_platform="local")
    config.trial_concurrency = 1
    config.training_service.use_active_gpu = False
    config.trial_command = COMMAND
    config.trial_code_directory = folder
    config.experiment_working_directory = folder
    return config


def test_trial_command_is_fixed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="trial_command.*can not be customized"):
        configured(NasExperimentConfig, ".").canonical_copy()
    assert configured(CandidateConfig, str(tmp_path)).canonical_copy().trial_command == COMMAND


def test_configurations_are_told_apart_by_their_class_name():
    source = Path(sys.modules["nni.experiment.config.experiment_config"].__file__).read_text()
    assert "type(self).__name__ != 'NasExperimentConfig'" in source


def test_parameters_are_handed_out_from_one_queue():
    assert "this.parameters.shift()" in (SERVER / "training_service/v3/compat.js").read_text()


def test_experiments_are_listed_in_the_home(tmp_path):
    program = "import nni.experiment.launcher as one; one.Experiments()"
    environment = os.environ | {"HOME": str(tmp_path), "PYTHONWARNINGS": "ignore"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert (tmp_path / "nni-experiments").is_dir()


def test_the_server_names_no_address_to_listen_on():
    assert "app.listen(this.port);" in (SERVER / "rest_server/index.js").read_text()


def test_checkpoint_cannot_be_loaded(tmp_path):
    from nni.nas.utils.serializer import TorchSerializer

    serializer = TorchSerializer()
    serializer.save({"status": nni_compat.ModelStatus.Trained}, tmp_path / "state")
    with pytest.raises(Exception, match="[Ww]eights.only"):
        serializer.load(tmp_path / "state")


def test_a_space_has_the_labels_of_its_decisions():
    space = CandidateModel({"normal/op_2_0": ("a", "b"), "width": (1, 2, 3)})
    assert set(space.simplify()) == {"normal/op_2_0", "width"}
    assert space.candidate({"index": 3}).parameters == {"index": 3}


def test_events_lack_the_trial():
    from dataclasses import fields

    from nni.nas.execution.event import TrainingEndEvent

    assert {field.name for field in fields(TrainingEndEvent)} == {"model", "status"}


def test_clients_go_through_a_proxy(monkeypatch):
    import requests

    monkeypatch.setenv("http_proxy", "http://proxy.invalid:3128")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "mine.invalid")
    asked = [f"http://{host}:8080/api" for host in ("localhost", "127.0.0.1")]
    assert all("http" in requests.utils.get_environ_proxies(url) for url in asked)
    with nni_compat.portal_environment():
        assert all(requests.utils.get_environ_proxies(url) == {} for url in asked)
        assert requests.utils.get_environ_proxies("http://mine.invalid/") == {}
    from nni.experiment import rest

    source = Path(rest.__file__).read_text()
    assert "proxies" not in source
    assert "trust_env" not in source


def test_a_tuner_has_ten_seconds():
    assert "Tuner did not connect in 10 seconds" in (SERVER / "core/tuner_command_channel.js").read_text()


def test_a_server_gets_three_seconds(monkeypatch):
    """NNI's own asks four times, a second apart; ours asks until a minute is over."""
    asked = []

    def refuse(*_):
        asked.append(1)
        if len(asked) < 30:
            raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr(nni_compat.rest, "get", refuse)
    monkeypatch.setattr(nni_compat.time, "sleep", lambda _: None)
    with pytest.raises(ConnectionRefusedError):
        nni_compat.launcher._check_rest_server(1)
    assert len(asked) == 4
    asked.clear()
    monkeypatch.setattr(nni_compat, "_listens", lambda *_: True)
    started(None).wait(1)
    assert len(asked) == 30


def started(code):
    """A server that was started, and has ended with a code or not."""

    class Server:
        pid, returncode = os.getpid(), code

        def poll(self):
            return code

    start = nni_compat._Start(Server)
    start()
    return start


def test_any_server_on_the_port_is_taken_for_the_own_one(monkeypatch):
    """NNI's own asks who has the port for a status, whoever that is; ours knows its server by its process."""
    monkeypatch.setattr(nni_compat.rest, "get", lambda *_: {"status": "RUNNING"})
    nni_compat.launcher._check_rest_server(1)
    with pytest.raises(nni_compat.UserError, match="ended at its start .*another program has port 1 now"):
        started(1).wait(1)
    monkeypatch.setattr(nni_compat, "_START_SECONDS", 0.2)
    with socket.socket() as mine:
        mine.bind(("127.0.0.1", 0))
        port = mine.getsockname()[1]
        with pytest.raises(nni_compat.UserError, match=f"port {port} .*it does not listen"):
            started(None).wait(port)
        mine.listen()
        started(None).wait(port)


def test_a_server_that_has_ended_is_sent_a_signal(monkeypatch, tmp_path):
    """By its number, which another process may have; and the port's present owner is asked to stop."""
    import nni.experiment.experiment as theirs

    sent = []
    monkeypatch.setattr(theirs, "kill_command", sent.append)
    monkeypatch.setattr(theirs.rest, "delete", lambda port, *_: sent.append(f"port {port}") or 1 / 0)
    for kind, told in ((nni_compat.Experiment, 2), (nni_compat.RowQueueExperiment, 0)):
        sent.clear()
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        experiment = kind(nni_compat.RowConfig("local"), *([] if kind is nni_compat.Experiment else [[]]))
        experiment._proc, experiment.port = ended, 1
        experiment._stop_nni_manager()
        assert len(sent) == told
        assert experiment._proc is None


class Wire:
    """What a server says, and what it was told."""

    def __init__(self, *commands):
        self.commands, self.told = list(commands), []

    def connect(self):
        pass

    def send(self, message):
        self.told.append((message["type"], message["content"]))

    def receive(self):
        kind, content = self.commands.pop(0) if self.commands else ("TE", "")
        return {"type": kind, "content": content}


def test_rows_are_handed_out_once_as_they_are_asked_for(monkeypatch):
    wire = Wire(("IN", "{}"), ("GE", "2"), ("GE", "5"), ("GE", "1"))
    monkeypatch.setattr(nni_compat.TolerantChannel, "__init__", channel_of(wire))
    monkeypatch.setattr(nni_compat.Experiment, "_start_nni_manager", lambda *_: None)
    experiment = nni_compat.RowQueueExperiment(
        nni_compat.RowConfig("local"), [{"seed": str(i)} for i in range(3)]
    )
    experiment._start_nni_manager(1, False, None, None, [])
    for thread in threading.enumerate():
        if thread.name == "rows":
            thread.join(10)
    kinds = [kind for kind, _ in wire.told]
    assert kinds == ["ID", "TR", "TR", "TR", "NO", "NO"]
    sent = [json.loads(content) for kind, content in wire.told if kind == "TR"]
    assert [(s["parameter_id"], s["parameters"]) for s in sent] == [(i, {"seed": str(i)}) for i in range(3)]


def channel_of(wire):
    def init(self, url):
        self._channel, self._callbacks = wire, defaultdict(list)

    return init
