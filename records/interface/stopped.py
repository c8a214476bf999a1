"""What a command that was stopped leaves, for its last line."""

from __future__ import annotations

from pathlib import Path

from records.run_files.settings_file import what_is_left

_SEARCHES = ("search", "resume", "hub", "sweep")
LONG = (*_SEARCHES, "train", "retrain")  # commands whose stop is worth a line


def what_is_kept(command: str, run: Path | None = None) -> str:
    """What a user who stopped the command can do next; ``run`` is the run folder, if there is one."""
    if command in ("train", "retrain"):
        return "the same command goes on after the last whole epoch"
    if command == "search" and run is None:
        return "nothing was begun"
    if command in ("export", "report", "inspect"):
        return "what it had begun to write is not whole; the same command into another folder (--out) writes it anew"
    if command not in _SEARCHES:
        return "nothing was changed"
    return what_is_left(run)
