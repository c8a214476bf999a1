"""One row of a hub: a whole search as a trial of an NNI experiment (``python -m strategies.hub_trial HUB``).

The search runs as a process of its own, `run_search.py search` with the row's values as options, so that a
wrong value is refused by the same checks, with the same words, as on the command line. What it appends to
its run folder is passed on to the portal within a second, its outcome becomes the final metric.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nni

POLL_SECONDS = 0.5
PR_SET_PDEATHSIG = 1


def command(parameters: dict[str, Any], run_dir: Path) -> list[str]:
    """The command line of the search; a value that is empty leaves that option at its default."""
    words = [
        sys.executable,
        "-m",
        "run_search",
        "search",
        "--no-hub",
        "--run-dir",
        str(run_dir),
        "--port",
        "0",
    ]
    if (run_dir / "settings.json").exists():
        return [sys.executable, "-m", "run_search", "resume", str(run_dir), "--no-hub", "--port", "0"]
    for name, value in parameters.items():
        if str(value).strip():
            words.append(f"--{name.replace('_', '-')}={value}")
    return words


class Lines:
    """New whole lines of a JSON-lines file that another process appends to."""

    def __init__(self, path: Path) -> None:
        self.path, self.offset = path, 0

    def new(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self.offset += len(line)
                yield json.loads(line)


class Progress:
    """Turns what a run folder gains into the metrics that the portal shows."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.epochs = Lines(run_dir / "oneshot.jsonl")
        self.candidates = Lines(run_dir / "candidates.jsonl")
        self.best: dict[str, Any] = {}
        self.count = 0

    def new(self) -> Iterator[dict[str, Any]]:
        for epoch in self.epochs.new():
            yield {name: value for name, value in epoch.items() if isinstance(value, int | float)}
        for candidate in self.candidates.new():
            self.count += 1
            if candidate["status"] != "ok":
                continue
            if candidate["accuracy"] > self.best.get("accuracy", -1.0):
                self.best = candidate
            yield self._shown({"candidates": self.count, "macs": self.best["macs"]})

    def final(self) -> dict[str, Any]:
        """Best accuracy, its MACs and the front's hypervolume, as the search itself wrote them down."""
        outcome = json.loads((self.run_dir / "outcome.json").read_text())
        return {"default": outcome["accuracy"], **outcome, "run_folder": str(self.run_dir)}

    def _shown(self, more: dict[str, Any]) -> dict[str, Any]:
        portal = self.run_dir / "nni.json"
        address = json.loads(portal.read_text()).get("address") if portal.exists() else None
        return {"default": self.best["accuracy"], **more, **({"portal": address} if address else {})}


def _die_with_parent() -> None:
    """On Linux, the search ends when this trial is killed, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def follow(parameters: dict[str, Any], run_dir: Path) -> int:
    """Runs the search to its end, reporting as it goes; its exit code."""
    # The search starts NNI for itself, and must not take itself for this trial.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NNI_")}
    child = subprocess.Popen(
        command(parameters, run_dir), env=environment, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: child.terminate())
    print(f"run folder: {run_dir}", flush=True)
    progress = Progress(run_dir)
    while True:
        code = child.poll()
        for metrics in progress.new():
            nni.report_intermediate_result(metrics)
        if code is not None:
            break
        time.sleep(POLL_SECONDS)
    if code == 0:
        nni.report_final_result(progress.final())
    return code


def main() -> None:
    hub = Path(sys.argv[1])
    parameters = nni.get_next_parameter()
    sys.exit(follow(parameters, hub / "searches" / nni.get_trial_id()))


if __name__ == "__main__":
    main()
