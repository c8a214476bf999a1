"""The line between a search and NNI's server, which carries any text.

NNI's own client reads JSON after taking away what looks like comments (``//``, ``#``), wherever it stands, so
that an address or a path in a metric breaks the connection, and the sixth in a row ends the thread that listens
(test_addresses_break_the_connection). It also builds objects that a message names. Here messages are plain JSON.
"""

from __future__ import annotations

import json
import logging
from threading import Event
from typing import Any

from nni.runtime.command_channel.websocket import channel as nni_client
from nni.runtime.command_channel.websocket import connection as nni_connection
from nni.runtime.tuner_command_channel import TunerCommandChannel, command_type
from nni.runtime.tuner_command_channel.command_type import CommandType
from websockets.exceptions import WebSocketException

from execution.trials.channel import MEASUREMENT

_LOST = (OSError, WebSocketException, AttributeError)
_log = logging.getLogger("nni")


class PlainConnection(nni_connection.WsConnection):
    """NNI's connection, reading a message as the JSON that it is."""

    _ws: Any

    def receive(self) -> Any:
        try:
            message = nni_connection._wait(self._ws.recv())
        except self.ConnectionClosed:
            self._ws = None
            nni_connection._decrease_refcnt()
            raise
        return None if message is None else json.loads(message)


class PlainClient(nni_client.WsChannelClient):
    """NNI's client over a `PlainConnection`."""

    _conn: Any

    def _ensure_conn(self) -> Any:
        if self._conn is None and not self._closing:
            connection = PlainConnection(self._url)
            connection.connect()
            self._conn = connection
        return self._conn


class TolerantChannel(TunerCommandChannel):
    """NNI's channel, deaf to what it does not understand, and ``lost`` where the server is gone.

    How NNI's own one fails then depends on which of its two threads sees it first: with an OSError, with one of
    the WebSocket, or with the AttributeError of a connection that the other thread has taken away.
    """

    lost = False

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._channel = PlainClient(url)

    def listen(self, stop_event: Event) -> None:
        try:
            super().listen(stop_event)
        except OSError as error:  # in a message's handler, which asks the server for more
            self._lose(error)
            stop_event.set()

    def receive(self) -> Any:
        """The next command that means something to a search."""
        while True:
            try:
                kind, data = self._receive()
            except _LOST as error:
                self._lose(error)
                return command_type.Terminate()
            except ValueError as error:  # NNI knows no such command
                _log.warning("a message is passed over: %s", error)
                continue
            try:
                command = _command(kind, data)
            except (ValueError, TypeError, KeyError) as error:
                _log.warning("a message of kind %s is passed over: %r", kind, error)
                continue
            if command is not None:
                return command

    def send_trial(self, parameter_id: int, parameters: Any, *_: Any, **__: Any) -> None:
        """Asks for a trial of ``parameters``, which are plain JSON."""
        record = {
            "parameter_id": parameter_id,
            "parameters": parameters,
            "parameter_source": "algorithm",
            "parameter_index": 0,
        }
        self._send(CommandType.NewTrialJob, json.dumps(record))

    def _send(self, kind: CommandType, data: str) -> None:
        try:
            super()._send(kind, data)
        except _LOST as error:
            self._lose(error)

    def _lose(self, error: Exception) -> None:
        self.lost = True
        _log.warning("the server is gone: %s", error)


def _command(kind: CommandType | None, data: str | None) -> Any:
    """The message as NNI's engine takes it; None for one that a search has no use for."""
    if kind is None or kind == CommandType.Terminate:
        return command_type.Terminate()
    if kind == CommandType.Initialize:
        return command_type.Initialize(json.loads(data or "{}"))
    if kind == CommandType.RequestTrialJobs:
        return command_type.RequestTrialJobs(int(json.loads(data or "0")))
    if kind == CommandType.ReportMetricData:
        metric = json.loads(data or "")
        value = json.loads(metric["value"])
        if MEASUREMENT in metric:
            value = value | {MEASUREMENT: metric.pop(MEASUREMENT)}
        return command_type.ReportMetricData(**metric | {"value": value})
    if kind == CommandType.TrialEnd:
        end = json.loads(data or "")
        numbers = [json.loads(end["hyper_params"])["parameter_id"]]
        return command_type.TrialEnd(end["trial_job_id"], numbers, end["event"])
    return None
