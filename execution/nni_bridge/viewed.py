"""A finished NNI experiment, shown again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from execution.nni_bridge.quiet_nni import RunMode, launcher
from execution.nni_bridge.server_end import answering, require_running
from execution.nni_bridge.server_start import Start
from records.run_files.run_folder import RunFolder

_AGAIN = "`view` shows the run again"


@contextmanager
def view_experiment(
    run: RunFolder, identity: str, kept: dict[str, Any], folder: Path, port: int, start: Start
) -> Iterator[Callable[[], None]]:
    """While it lasts, NNI's server on ``port``, which ``start`` then knows, shows a finished experiment of ``run``, whose
    configuration was ``kept`` and of which a copy is in ``folder``, where it writes. What is given raises `UserError` once the server has ended.

    NNI's own ``view`` finds experiments through a list in the user's home, so not one that was copied from
    another machine, and not one whose launcher was killed, which stands there as running. It reads the
    experiment's settings in a way that runs code that is in them; here they are JSON alone.
    """
    config = ViewedConfig(kept | {"experimentWorkingDirectory": str(folder)})
    (folder / identity / "log").mkdir(parents=True, exist_ok=True)
    try:
        with answering(run, lambda: start.server, _AGAIN):
            launcher.start_experiment("view", identity, config, port, False, RunMode.Detach, None)  # type: ignore[arg-type]
        yield lambda: require_running(run, start.server, _AGAIN)
    finally:
        if start.server is not None:
            _end(start.server)


def _end(server: subprocess.Popen) -> None:
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


class ViewedConfig:
    """An experiment's configuration as NNI's database has it: enough to be sent back to its server."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record
        self.experiment_working_directory = record["experimentWorkingDirectory"]
        self.experiment_name = record.get("experimentName")
        self.log_level = record.get("logLevel", "info")
        service = record["trainingService"]
        self.training_service: Any = service if isinstance(service, list) else _Platform(service["platform"])

    def json(self) -> dict[str, Any]:
        return self.record


class _Platform:
    def __init__(self, platform: str) -> None:
        self.platform = platform
