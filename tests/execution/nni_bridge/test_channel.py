"""The line to NNI's server; each test of NNI's own fails when its workaround can go."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from threading import Event

import pytest
from nni.runtime.command_channel.websocket.connection import WsConnection
from nni.runtime.tuner_command_channel import TunerCommandChannel
from nni.runtime.tuner_command_channel.command_type import CommandType
from websockets.sync.server import serve

from execution.nni_bridge.channel import TolerantChannel
from tests.execution.nni_bridge.nni_server import SERVER

TEXTS = (
    "http://127.0.0.1:8080/?a=1#b",
    "// no comment",
    "# neither",
    'a "quote"',
    "/* */",
    "ä\n\u2028\\",
    "'",
    "<b>&",
)


@contextmanager
def server(*messages: dict):
    """A WebSocket server that sends these messages to each client, once; its address and what it was told."""
    left, told = list(messages), []

    def talk(connection):
        while left:
            connection.send(json.dumps(left.pop(0)))
        told.extend(json.loads(message) for message in connection)

    with serve(talk, "127.0.0.1", 0) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"ws://127.0.0.1:{made.socket.getsockname()[1]}/tuner", told
        made.shutdown()


def metric(value) -> dict:
    record = {
        "parameter_id": 3,
        "trial_job_id": "abc",
        "type": "PERIODICAL",
        "sequence": 0,
        "value": json.dumps(value),
    }
    return {"type": "ME", "content": json.dumps(record)}


def test_addresses_break_the_connection():
    with server(metric({"default": 0.5, "portal": TEXTS[0]})) as (address, _):
        plain = WsConnection(address)
        plain.connect()
        with pytest.raises(ValueError, match="Unterminated string"):
            plain.receive()
        plain.disconnect()


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_travels_in_both_directions(text):
    end = {
        "trial_job_id": text,
        "event": "SUCCEEDED",
        "hyper_params": json.dumps({"parameter_id": 3, "x": text}),
    }
    messages = (
        metric({"default": 0.5, text: text}),
        {"type": "EN", "content": json.dumps(end)},
        {"type": "TE"},
    )
    with server(*messages) as (address, told):
        channel = TolerantChannel(address)
        channel.connect()
        channel.send_trial(3, {"path": text, text: [text]})
        received = channel.receive()
        assert received.value == {"default": 0.5, text: text}
        assert (received.parameter_id, received.type) == (3, "PERIODICAL")
        ended = channel.receive()
        assert (ended.trial_job_id, ended.parameter_ids, ended.event) == (text, [3], "SUCCEEDED")
        assert type(channel.receive()).__name__ == "Terminate"
        channel.disconnect()
        for _ in range(100):
            if told:
                break
            threading.Event().wait(0.05)
    sent = json.loads(told[0]["content"])
    assert (told[0]["type"], sent["parameters"]) == ("TR", {"path": text, text: [text]})
    assert not channel.lost


def test_what_means_nothing_is_passed_over():
    nonsense = [
        {"type": "ME", "content": "no json"},
        {"type": "ME", "content": "[]"},
        {"type": "EN", "content": "{}"},
        {"type": "XX", "content": ""},
        {"type": "GE", "content": '"many"'},
    ]
    with server(*nonsense, metric({"default": 1})) as (address, _):
        channel = TolerantChannel(address)
        channel.connect()
        assert channel.receive().value == {"default": 1}
        channel.disconnect()


def test_a_message_builds_no_object():
    """NNI's reader makes what `__instance_type__` and the like name."""
    value = {"default": 0.5, "__instance_type__": ["os", "system"], "attributes": {}}
    with server(metric(value)) as (address, _):
        channel = TolerantChannel(address)
        channel.connect()
        assert channel.receive().value == value
        channel.disconnect()


def test_a_measurement_beside_a_metric_is_the_searchs_alone():
    """NNI's server keeps, and its page draws, what is in the value; the message it passes on as it came."""
    source = (SERVER / "core" / "nnimanager.js").read_text()
    assert "this.dispatcher.sendCommand(commands_1.REPORT_METRIC_DATA, metric.data)" in source
    kept = (SERVER / "core" / "nniDataStore.js").read_text()
    assert "data: metrics.value" in kept
    message = metric({"default": 0.5})
    message["content"] = json.dumps(json.loads(message["content"]) | {"measurement": {"index": 3}})
    with server(message) as (address, _):
        channel = TolerantChannel(address)
        channel.connect()
        assert channel.receive().value == {"default": 0.5, "measurement": {"index": 3}}
        channel.disconnect()


@pytest.mark.parametrize("kind", ["FD", "AD"])
def test_resume_messages_end_the_listener(kind):
    class Wire:
        def __init__(self):
            self.messages = [{"type": kind, "content": "[]"}, {"type": "TE"}]

        def receive(self):
            return self.messages.pop(0)

    plain = TunerCommandChannel("ws://localhost:1")
    plain._channel = Wire()
    with pytest.raises(ValueError, match="Unknown command type"):
        plain.receive()
    tolerant = TolerantChannel("ws://localhost:1")
    tolerant._channel = Wire()
    assert type(tolerant.receive()).__name__ == "Terminate"


def test_a_lost_connection_ends_the_listener():
    class Wire:
        def receive(self):
            raise ConnectionRefusedError(111, "refused")

    plain = TunerCommandChannel("ws://localhost:1")
    plain._channel = Wire()
    with pytest.raises(ConnectionRefusedError):
        plain.receive()
    tolerant = TolerantChannel("ws://localhost:1")
    tolerant._channel = Wire()
    assert not tolerant.lost
    assert type(tolerant.receive()).__name__ == "Terminate"
    assert tolerant.lost


@pytest.mark.parametrize("found", [ConnectionRefusedError(111, "refused"), AttributeError("send")])
def test_a_connection_lost_while_sending_is_noticed(found):
    class Wire:
        def send(self, command):
            raise found

    plain = TunerCommandChannel("ws://localhost:1")
    plain._channel = Wire()
    with pytest.raises((OSError, AttributeError)):
        plain._send(CommandType.NewTrialJob, "")
    tolerant = TolerantChannel("ws://localhost:1")
    tolerant._channel = Wire()
    tolerant.send_trial(0, {})
    assert tolerant.lost


def test_a_handler_that_finds_the_server_gone_ends_the_listener():
    def ask(_):
        raise ConnectionRefusedError(111, "refused")

    class Wire:
        def receive(self):
            return {"type": "GE", "content": "1"}

    tolerant, stop = TolerantChannel("ws://localhost:1"), Event()
    tolerant._channel = Wire()
    tolerant.on_request_trial_jobs(ask)
    tolerant.listen(stop)
    assert stop.is_set()
