"""Whether NNI's server is still of use to a search: it may end or stand still, and NNI would wait for ever."""

from __future__ import annotations

import time
from typing import Any

from execution.nni_bridge.disk_space import require_space
from execution.nni_bridge.server_end import failure, require_running
from records.run_files.run_folder import RunFolder

_ASK_SECONDS = 5.0


class ServerWatch:
    """To be called again and again while a search runs.

    Raises `UserError` when the server has ended or cannot be reached any more, when the run folder's disk is full or read-only, and when the
    server itself says that it has failed, which happens then and does not end it.
    """

    def __init__(self, experiment: Any, run: RunFolder) -> None:
        self.experiment, self.run = experiment, run
        self.asked = time.monotonic()

    def __call__(self) -> None:
        require_running(self.run, self.experiment._proc)
        require_space(self.run.path)
        if time.monotonic() - self.asked > _ASK_SECONDS:
            self.asked = time.monotonic()
            if self._status() == "ERROR":
                raise failure(self.run, "NNI's server has failed")
        if self.experiment.lost:
            raise failure(self.run, "the connection to NNI's server is lost")

    def _status(self) -> str | None:
        try:
            return self.experiment.get_status()
        except OSError:  # no answer now: whether it has ended is seen from its process
            return None
