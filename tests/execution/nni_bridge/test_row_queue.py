"""Each test fails when NNI no longer needs the workaround it names: then the workaround can go."""

from __future__ import annotations

import json
import threading
from collections import defaultdict

from execution.nni_bridge.quiet_nni import Experiment
from execution.nni_bridge.row_queue import RowConfig, RowQueueExperiment, TolerantChannel
from tests.execution.nni_bridge.nni_server import SERVER


def test_a_tuner_has_ten_seconds():
    assert "Tuner did not connect in 10 seconds" in (SERVER / "core/tuner_command_channel.js").read_text()


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
    monkeypatch.setattr(TolerantChannel, "__init__", channel_of(wire))
    monkeypatch.setattr(Experiment, "_start_nni_manager", lambda *_: None)
    experiment = RowQueueExperiment(RowConfig("local"), [{"seed": str(i)} for i in range(3)])
    experiment._start_nni_manager(1, False, None, None, [])
    for thread in threading.enumerate():
        if thread.name == "rows":
            thread.join(10)
    kinds = [kind for kind, _ in wire.told]
    # "NO", that there are no more, would be shown as the search's own state (TUNER_NO_MORE_TRIAL) while it runs.
    assert kinds == ["ID", "TR", "TR", "TR"]
    sent = [json.loads(content) for kind, content in wire.told if kind == "TR"]
    assert [(s["parameter_id"], s["parameters"]) for s in sent] == [(i, {"seed": str(i)}) for i in range(3)]


def test_a_row_that_was_taken_back_is_not_handed_out(monkeypatch):
    wire = Wire(("IN", "{}"), ("GE", "1"), ("GE", "1"), ("GE", "1"))
    monkeypatch.setattr(TolerantChannel, "__init__", channel_of(wire))
    monkeypatch.setattr(Experiment, "_start_nni_manager", lambda *_: None)
    rows = [{"seed": str(i)} for i in range(4)]
    experiment = RowQueueExperiment(RowConfig("local"), rows, lambda: {1, 2})
    experiment._start_nni_manager(1, False, None, None, [])
    for thread in threading.enumerate():
        if thread.name == "rows":
            thread.join(10)
    assert [json.loads(content)["parameter_id"] for kind, content in wire.told if kind == "TR"] == [0, 3]


def channel_of(wire):
    def init(self, url):
        self._channel, self._callbacks = wire, defaultdict(list)

    return init
