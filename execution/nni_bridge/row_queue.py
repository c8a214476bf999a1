"""An NNI experiment whose trials are rows that are known before it starts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from threading import Event, Thread
from typing import Any

from execution.nni_bridge.channel import TolerantChannel
from execution.nni_bridge.quiet_nni import Experiment, ExperimentConfig
from execution.nni_bridge.server_start import OwnServer


class RowConfig(ExperimentConfig):
    """A configuration without a tuner: see `RowQueueExperiment`."""


# As for `candidates.CandidateConfig`.
RowConfig.__name__ = "NasExperimentConfig"


class RowQueueExperiment(OwnServer, Experiment):
    """An experiment that hands out ``rows``, the parameters of its trials, in order, once, and then waits for
    those that the portal's user submits, which NNI's server starts by itself. That there are no more is not said: the page
    would call a search that runs TUNER_NO_MORE_TRIAL. ``left_out`` gives the numbers of rows that are not to begin.

    A tuner of NNI's is a process that imports all of NNI, and has ten seconds for that
    (test_a_tuner_has_ten_seconds); here this process is the tuner.
    """

    def __init__(
        self,
        config: RowConfig,
        rows: list[dict[str, Any]],
        left_out: Callable[[], Collection[int]] = lambda: (),
    ) -> None:
        super().__init__(config)
        self.rows, self.sent, self.left_out = rows, 0, left_out
        self.channel: TolerantChannel | None = None

    @property
    def lost(self) -> bool:
        """Whether the connection to the server is gone for good."""
        return self.channel is not None and self.channel.lost

    def _start_nni_manager(self, port: int, *rest: Any) -> None:
        address = f"ws://localhost:{port}/tuner"
        debug, run_mode, _, tags = rest
        super()._start_nni_manager(port, debug, run_mode, address, tags)
        self.channel = channel = TolerantChannel(address)
        channel.on_initialize(lambda _: channel.send_initialized())
        channel.on_request_trial_jobs(lambda asked: self._send(channel, asked.count))
        channel.connect()
        Thread(target=channel.listen, args=(Event(),), name="rows", daemon=True).start()

    def _send(self, channel: TolerantChannel, count: int) -> None:
        left_out = self.left_out()
        while count and self.sent < len(self.rows):
            number = self.sent
            self.sent += 1
            if number not in left_out:
                channel.send_trial(number, self.rows[number])  # type: ignore[arg-type]
                count -= 1
