"""The process of a launch: ``python -m execution.launching.waiter FOLDER`` waits for a run's end, then runs a search.

It imports little, for it may wait for days. A stop of it is passed on to the search, which ends in order.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from execution.launching.files import BEGAN, ENDED, LAUNCH
from execution.own_python import module_command
from records.files import read_json
from records.run_files.run_folder import write_json
from records.run_files.run_lock import holder, locked

_POLL_SECONDS = 1.0


def run(folder: Path) -> int:
    """Waits, runs the search, and writes down how it ended; its exit code."""
    record = read_json(folder / LAUNCH)
    with locked(folder, "it is launched once"):
        while record["after"] is not None and holder(Path(record["after"])) is not None:
            time.sleep(_POLL_SECONDS)
        (folder / BEGAN).touch()
        child = subprocess.Popen(
            module_command(record["program"], *record["words"]),
            cwd=record["folder"],
            stdin=subprocess.DEVNULL,
        )
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        code = child.wait()
        write_json(folder / ENDED, {"code": code})
    return code


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
