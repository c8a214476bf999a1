"""Whether NNI's server is still of use to a search: it may end or stand still, and NNI would wait for ever."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from execution.nni_bridge.server_end import failure, require_running
from records.errors import UserError
from records.files import write_errors
from records.run_files.run_folder import RunFolder

_ASK_SECONDS = 5.0
_SERVER_BYTES = 2**18  # its database and a trial's folder take some of these


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


def require_space(folder: Path, least: int = _SERVER_BYTES) -> None:
    """Raises `UserError` if fewer than ``least`` bytes can be written below ``folder``."""
    with write_errors(folder):
        found = os.statvfs(folder)
    blocks = found.f_bfree if os.geteuid() == 0 else found.f_bavail
    reason = "Read-only file system" if found.f_flag & os.ST_RDONLY else None
    if blocks * found.f_frsize < least:
        reason = "No space left on device"
    if reason is not None:
        raise UserError(
            f"cannot write {folder}: {reason}; what was measured is kept: free space, and `run_search.py resume "
            f"{folder}` goes on"
        )
