"""A trial's line to NNI: fetches the trial's parameters, reports its metrics.

The same messages as NNI's own client sends, without importing NNI: that costs each trial 2 seconds of CPU
time, most of it for scipy (with NNI's NAS package, which NNI's own trials import, 7 seconds).
"""

from __future__ import annotations

import json
import math
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from records.errors import UserError

MEASUREMENT = "measurement"  # beside a final metric: NNI's server passes it on, and shows it nowhere
_TRY_AGAIN, _CLOSED = 408, 410  # how the server's long poll ends without an answer


class Channel:
    """What every channel of a trial has; ``trial`` is NNI's name of it, ``parameter`` NNI's number of what it
    judges (None where the portal's user submitted it)."""

    def __init__(self, trial: str) -> None:
        self.trial = trial
        self.parameter: int | None = None
        self.reported = 0

    def parameters(self) -> dict[str, Any]:
        """What this trial is to judge."""
        raise NotImplementedError

    def report_intermediate(self, metric: dict[str, Any]) -> None:
        """Shows ``metric``, whose ``default`` is drawn, as the next intermediate result."""
        self._metric("PERIODICAL", self.reported, metric)
        self.reported += 1

    def report_final(self, metric: dict[str, Any], measurement: dict[str, Any] | None = None) -> None:
        """Shows ``metric`` as the outcome; ``measurement`` goes to the search alone."""
        beside = {} if measurement is None else {MEASUREMENT: measurement}
        self._metric("FINAL", 0, metric, beside)

    def _metric(
        self,
        kind: str,
        sequence: int,
        value: dict[str, Any],
        beside: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        metric = {
            **beside,
            "parameter_id": self.parameter,
            "trial_job_id": self.trial,
            "type": kind,
            "sequence": sequence,
            "value": json.dumps({name: _plain(each) for name, each in value.items()}),
        }
        self._send(json.dumps(metric))

    def _send(self, metric: str) -> None:
        raise NotImplementedError


def _plain(value: Any) -> Any:
    """NNI's server and its page read JSON, which has no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


class TrialChannel(Channel):
    """The channel at ``url`` of the trial that NNI knows as ``trial``.

    An unreachable server raises ``OSError``.
    """

    def __init__(self, url: str, trial: str) -> None:
        super().__init__(trial)
        self.url = url
        # The server is this machine's, or its tunnel's: never behind the user's HTTP proxy.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @classmethod
    def from_environment(cls) -> TrialChannel:
        """The channel that NNI names to the process it starts. Raises `UserError` outside a trial."""
        try:
            return cls(os.environ["NNI_TRIAL_COMMAND_CHANNEL"], os.environ["NNI_TRIAL_JOB_ID"])
        except KeyError as error:
            raise UserError(f"{error.args[0]} is not set: trials are started by NNI, not by hand") from error

    def parameters(self) -> dict[str, Any]:
        """What this trial is to judge; waits until NNI has it."""
        self._put({"type": "request_parameter"})
        while True:
            try:
                with self.opener.open(self.url) as answer:
                    record = json.loads(json.load(answer)["parameter"])
            except urllib.error.HTTPError as error:
                if error.code == _TRY_AGAIN:
                    continue
                if error.code == _CLOSED:
                    raise UserError("NNI's server ended before it named this trial's parameters") from error
                raise
            self.parameter = record["parameter_id"]
            return record["parameters"]

    def _send(self, metric: str) -> None:
        self._put({"type": "metric", "metric": metric})

    def _put(self, message: dict[str, Any]) -> None:
        request = urllib.request.Request(
            self.url, json.dumps(message).encode(), {"Content-Type": "application/json"}, method="PUT"
        )
        with self.opener.open(request):
            pass
