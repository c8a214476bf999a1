"""A trial's line to NNI where it runs in a cluster: parameters from a file, metrics as lines on stdout.

NNI's runner, which starts the trial, reads them there. As in `execution.trials.channel`, the same messages as
NNI's own client sends, without importing NNI.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from execution.trials.channel import Channel, TrialChannel
from records.errors import UserError

IN_CLUSTER = "frameworkcontroller"  # NNI_PLATFORM there


class PrintedChannel(Channel):
    """The channel of the trial that NNI knows as ``trial`` and whose files are in ``folder``."""

    def __init__(self, folder: Path, trial: str) -> None:
        super().__init__(trial)
        self.folder = folder

    @classmethod
    def from_environment(cls) -> PrintedChannel:
        """The channel that NNI's runner names. Raises `UserError` outside a trial."""
        try:
            return cls(Path(os.environ["NNI_SYS_DIR"]), os.environ["NNI_TRIAL_JOB_ID"])
        except KeyError as error:
            raise UserError(f"{error.args[0]} is not set: trials are started by NNI, not by hand") from error

    def parameters(self) -> dict[str, Any]:
        """What this trial is to judge."""
        record = json.loads((self.folder / "parameter.cfg").read_text(encoding="utf-8"))
        self.parameter = record["parameter_id"]
        return record["parameters"]

    def _send(self, metric: str) -> None:
        # NNI reads up to the next quote; within a JSON string it may as well be written by its number.
        quoted = metric.replace("'", "\\u0027")
        print(f"NNISDK_MEb'{quoted}'", flush=True)


def open_channel() -> Channel:
    """The channel of this process, whichever way NNI started it. Raises `UserError` outside a trial."""
    in_cluster = os.environ.get("NNI_PLATFORM") == IN_CLUSTER
    return PrintedChannel.from_environment() if in_cluster else TrialChannel.from_environment()
