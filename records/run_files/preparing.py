"""What a search does before its first candidate, and how far that is; pages read it while it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from records.errors import UserError
from records.run_files.confirming import confirming_line
from records.run_files.run_folder import PROPOSED
from records.run_files.scored import SCORED
from records.run_files.settings_file import read_run_record
from records.run_files.shared_files import CHOSEN, EPOCHS, JUDGED, LATENCY_TABLE

BEFORE = "Before the first candidate"


def work_line(run: Path) -> str | None:
    """What a search is at beside its candidates, in words: what comes before them (`preparing_line`) or after
    (`confirming_line`); None for neither."""
    return preparing_line(run) or confirming_line(run)


def preparing_line(run: Path) -> str | None:
    """How far the supernet of `supernet-pareto` is, or the scores of `--screen`; None for a search that has neither, or
    has proposed a candidate. Whether it is at work, the caller knows."""
    try:
        settings = read_run_record(run)["settings"]
    except UserError:
        return None
    if _lines(run / PROPOSED):
        return None
    if settings.get("strategy") == "supernet-pareto":
        said = _of_supernet(run, settings)
    elif settings.get("screen"):
        said = _of_screen(run, settings)
    else:
        return None
    return f"{BEFORE}: {said}"


def _of_supernet(run: Path, settings: dict[str, Any]) -> str:
    epochs, judged = _lines(run / EPOCHS), _lines(run / JUDGED)
    wanted = settings.get("judged", "?")
    if (run / CHOSEN).is_file():
        return f"candidates are chosen, of {len(judged)} networks that were judged on the supernet's weights"
    if judged:
        return f"{len(judged)} of {wanted} networks are judged on the supernet's weights"
    if epochs:
        return f"the supernet is trained, epoch {len(epochs)} of {_total(epochs[-1])} is done"
    predicted = "latency" in str(settings.get("objectives")) or settings.get("max_latency")
    if predicted and not (run / LATENCY_TABLE).is_file():
        return "latencies of operations are measured"
    return "the supernet is trained, its first epoch runs"


def _of_screen(run: Path, settings: dict[str, Any]) -> str:
    scored = len(_lines(run / SCORED))
    try:
        most = int(settings["screen"]) * int(settings["screen_bins"])
    except (KeyError, TypeError, ValueError):
        return f"{scored} architectures are scored without training"
    return f"{scored} of at most {most} architectures are scored without training"


def _lines(path: Path) -> list[bytes]:
    """Whole ones."""
    try:
        return path.read_bytes().split(b"\n")[:-1]
    except OSError:
        return []


def _total(line: bytes) -> str:
    """Of an epoch's line, how many there will be."""
    try:
        return str(int(json.loads(line)["epochs"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return "?"
