"""What strategies and supernets keep in the run folder beside the measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from records.run_files.json_lines import read_lines
from records.run_files.scored import SCORED, read_scored
from records.run_files.shared_files import CHOSEN, JUDGED, read_chosen_records, read_seconds
from records.run_files.shared_files import EPOCHS as SHARED_EPOCHS

EPOCHS = "oneshot.jsonl"  # a line an epoch of a one-shot strategy's supernet
KEPT = (EPOCHS, SHARED_EPOCHS, JUDGED, CHOSEN, SCORED)


def check_kept_files(folder: Path) -> None:
    """Raises `UserError` if one of those that a report reads is damaged; a run has few of them."""
    read_lines(folder / EPOCHS, _operations, "an epoch's JSON")
    for name in (SHARED_EPOCHS, JUDGED):
        read_seconds(folder / name)
    if (folder / CHOSEN).is_file():
        read_chosen_records(folder / CHOSEN)
    read_scored(folder)


def _operations(record: Any) -> list[str]:
    settings = record["genotype"]["settings"]
    return list(
        record.get("expected_counts") or settings["primitives"]
    )  # an earlier version's has the latter alone
