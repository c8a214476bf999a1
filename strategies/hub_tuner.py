"""The tuner of a hub: hands out the searches that were queued, then leaves the floor to the portal's user."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import nni
from nni.tuner import Tuner


class QueueTuner(Tuner):
    """Hands out ``queue``, in order, once.

    ``issued`` names a file that keeps how many were handed out, so that after a crash and a resume none is
    handed out again (NNI itself runs an interrupted trial again).
    """

    def __init__(self, queue: list[dict[str, str]], issued: str) -> None:
        super().__init__()
        self.queue = queue
        self.issued = Path(issued)

    def update_search_space(self, search_space: dict[str, Any]) -> None:
        """The space only tells the portal's form what to accept."""

    def generate_parameters(self, parameter_id: int, **_: Any) -> dict[str, str]:
        index = json.loads(self.issued.read_text()) if self.issued.exists() else 0
        if index >= len(self.queue):
            raise nni.NoMoreTrialError("every queued search was handed out")
        temporary = self.issued.with_suffix(".tmp")
        temporary.write_text(json.dumps(index + 1))
        os.replace(temporary, self.issued)
        return self.queue[index]

    def receive_trial_result(self, parameter_id: int, parameters: Any, value: Any, **_: Any) -> None:
        """A search's result changes nothing of what is queued."""

    def import_data(self, data: list[Any]) -> None:
        """After a resume NNI hands back finished trials; ``issued`` already counts them."""
