"""The command line as a process of its own, and what is left of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil


def program(*lines: str, trials: str | None) -> str:
    """The command line as a program whose trials are the module ``tests.integration.<trials>``, after these lines. These
    import next to nothing, so no process that has everything imported forks them; what they say of accuracies is nothing
    to confirm by training. None: trials are those of a search."""
    others = [
        "import execution.nni_bridge.experiment",
        f'execution.nni_bridge.experiment.TRIAL_MODULE = "tests.integration.{trials}"',
        "import contextlib, execution.trials.preloaded",
        "execution.trials.preloaded.preloaded_trials = contextlib.nullcontext",
        "import execution.settings",
        "execution.settings._MOST_CONFIRMED = 0",
    ]
    return "\n".join(
        [
            "import sys",
            *([] if trials is None else others),
            *lines,
            "import run_search",
            "sys.exit(run_search.main(sys.argv[1:]))",
        ]
    )


QUICK_TRIALS = program(trials="quick_trial")  # which train nothing
FAULTY_TRIALS = program(trials="faulty_trial")
# The same where trials run elsewhere, by the source that is sent.
SENT_FAULTY_TRIALS = program(
    "import execution.platforms.shipping",
    'execution.platforms.shipping.PACKAGES += ("tests.integration",)',
    trials="faulty_trial",
)
ROOT = Path(__file__).resolve().parents[2]


def start(log: Path, *words: str, program: str | None = None) -> subprocess.Popen:
    """``run_search.py`` with these words, or ``program`` with them; what it says goes to ``log``."""
    python = ["-c", program] if program else [str(ROOT / "run_search.py")]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with log.open("w") as file:
        return subprocess.Popen(
            [sys.executable, *python, *words], env=environment, stdout=file, stderr=subprocess.STDOUT
        )


def wait_for(condition: Callable[[], object], seconds: float = 300) -> None:
    """Until ``condition`` holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.1)


def listens_at(process: psutil.Process) -> list[str]:
    """The addresses at which it takes connections; none where it has just ended."""
    try:
        found = process.net_connections(kind="inet")
    except (psutil.Error, FileNotFoundError):
        return []
    return [c.laddr.ip for c in found if c.status == psutil.CONN_LISTEN]


def records(folder: Path) -> list[dict[str, Any]]:
    """The candidates that a run has measured so far."""
    path = folder / "candidates.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def address(log: Path) -> str:
    """The portal's, once it is said."""
    wait_for(lambda: "Portal: " in log.read_text())
    found = re.search(r"Portal: (\S+)", log.read_text())
    assert found is not None
    return found[1]


def belonging(folder: Path) -> list[psutil.Process]:
    """Every process that names the folder on its command line."""
    return [p for p in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(p.info["cmdline"] or ())]
