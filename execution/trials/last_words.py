"""What a trial said at its end, found in the folder of its experiment."""

from __future__ import annotations

from pathlib import Path

_ERROR_LINES = 3


def last_words(experiment_folder: Path, trial: str) -> str:
    """The end of what a trial wrote to stderr, on one line; empty if it said nothing."""
    if not trial:
        return ""
    for path in experiment_folder.glob(f"environments/*/trials/{trial}/trial.stderr"):
        lines = [line.strip() for line in path.read_text(errors="replace").splitlines() if line.strip()]
        return " | ".join(lines[-_ERROR_LINES:])[-500:]
    return ""
