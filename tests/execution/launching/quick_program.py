"""A command line that runs no search: it makes a run folder, holds it as long as a file is there, or fails."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from records.run_files.run_folder import RunFolder

if __name__ == "__main__":
    command, *words = sys.argv[1:]
    if command == "fail":
        print("a line\nerror: width is -3; accepted: a whole number, 1 or more", file=sys.stderr)
        sys.exit(2)
    path = Path(next(word.removeprefix("--run-dir=") for word in words if not word.startswith("--port")))
    settings = {"strategy": "random", "trials": 2, "dataset": "digits", "space": "darts-global"}
    run = RunFolder.open(path) if command == "resume" else RunFolder.create(path, settings)
    with run.lock():
        while (path.parent / "hold").exists():
            time.sleep(0.05)
