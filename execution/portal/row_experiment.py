"""An NNI experiment of searches: each trial, a row of the portal's table, is or shows a whole search."""

from __future__ import annotations

import json
import shlex
import time
from contextlib import ExitStack
from typing import Any

from execution.ending import end_former
from execution.nni_bridge.disk_space import require_space
from execution.nni_bridge.orphans import kill_orphans
from execution.nni_bridge.quiet_nni import RunMode, nni_log_to, rest
from execution.nni_bridge.row_queue import RowConfig, RowQueueExperiment
from execution.nni_bridge.server_end import answering, failure, require_running
from execution.nni_bridge.server_start import portal_environment
from execution.portal.address import Portal
from execution.portal.rows import submitted_name
from execution.trials.command import trial_command
from records.run_files.run_folder import NNI, NNI_LOG, RunFolder
from records.run_files.search_rows import Row, taken_back
from records.signals import uninterrupted

_ENDED = ("SUCCEEDED", "FAILED", "USER_CANCELED", "SYS_CANCELED", "EARLY_STOPPED")
_POLL_SECONDS = 0.5


class RowExperiment:
    """While it lasts, an experiment in ``run`` hands ``rows`` (name, parameters), numbered from 0, to trials of
    ``module``, to which ``arguments`` are passed. It is shown in ``portal``, which is open; ``edits`` says what its
    page may change. Leaving ends every process of it.
    """

    def __init__(
        self,
        run: RunFolder,
        name: str,
        rows: list[tuple[str, dict[str, str]]],
        *,
        module: str,
        arguments: tuple[str, ...],
        concurrency: int,
        portal: Portal,
        edits: dict[str, Any],
    ) -> None:
        self.run, self.portal, self.port, self.edits = run, portal, portal.server_port, edits
        folder = run.path / "nni"
        code = folder / "code"
        code.mkdir(parents=True, exist_ok=True)
        config = RowConfig("local")
        config.experiment_name = name
        config.experiment_working_directory = str(folder)
        config.trial_code_directory = str(code)
        config.trial_command = trial_command(module, *map(shlex.quote, arguments))
        config.trial_concurrency = concurrency
        if edits.get("launcher"):
            config.max_trial_number = len(rows)  # shown, and not obeyed by NNI's server
        config.search_space = {}  # or the page asks back before it submits a value that is not in it
        config.training_service.use_active_gpu = True
        self.rows = rows
        self.experiment = RowQueueExperiment(config, [parameters for _, parameters in rows], self._taken_back)
        self.stack = ExitStack()

    def _taken_back(self) -> set[int]:
        names = taken_back(self.run.path)
        return {number for number, (name, _) in enumerate(self.rows) if name in names}

    def __enter__(self) -> RowExperiment:
        end_former(self.run)
        with ExitStack() as stack:
            self.run.write(NNI, self.portal.record(self.experiment.id))
            stack.enter_context(nni_log_to(self.run.path / NNI_LOG))
            start = stack.enter_context(  # as long as its server is asked
                portal_environment(self.edits, self.portal.pages_start(self.run.path))
            )
            stack.callback(self._stop)
            with answering(self.run, lambda: start.server):
                self.experiment.start(self.port, run_mode=RunMode.Detach)
            print(f"Portal: {self.portal.address}", flush=True)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_: Any) -> None:
        self.stack.close()

    def _stop(self) -> None:
        with uninterrupted():
            self.experiment.stop()
            kill_orphans(self.experiment.id, self.run.path / "nni")

    def ended(self) -> list[dict[str, Any]]:
        """NNI's records of the trials that have ended, in whatever way. Raises `UserError` if the server is gone."""
        return [job for job in self._jobs() if job["status"] in _ENDED]

    def row_name(self, job: dict[str, Any], rows: list[Row]) -> str:
        """The name of the row that a trial is of; ``rows`` are the ones handed out, in order."""
        try:
            number = json.loads(job["hyperParameters"][0])["parameter_id"]
        except (KeyError, IndexError, ValueError):
            number = None
        if number is None:  # submitted in the portal
            return submitted_name(self.experiment.id, job["sequenceId"])
        return rows[number][0]

    def wait(self, rows: int, *, seconds: float) -> None:
        """Returns when ``rows`` rows have ended, or after ``seconds``."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and len(self.ended()) < rows:
            time.sleep(_POLL_SECONDS)

    def _jobs(self) -> list[dict[str, Any]]:
        require_running(self.run, self.experiment._proc)
        require_space(self.run.path)
        try:
            if self.experiment.lost or rest.get(self.port, "/check-status")["status"] == "ERROR":
                raise failure(self.run, "NNI's server has failed")
            # NNI's own method fails on a row that the portal's user submitted.
            return rest.get(self.port, "/trial-jobs")
        except OSError:
            return []  # it is about to end, which the next call will see
