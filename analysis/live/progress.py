"""How far a search is where NNI's overview shows nothing of it: a one-shot search is one trial without a number until its
end, and before the first candidate there is no trial."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from analysis.live.candidates import COLUMNS, new_candidates
from records.errors import UserError
from records.run_files.measurement_lines import is_finite
from records.run_files.preparing import preparing_line
from records.run_files.settings_file import read_run_record

EPOCHS = "oneshot.jsonl"


def search_progress(run: Path) -> dict[str, Any]:
    """``line``, how far a one-shot search is, or another before its first candidate, in words, None where neither is so;
    of a one-shot search ``accuracies`` of its epochs so far, in [0, 1], and ``best``, the largest accuracy of a candidate,
    or before there is one the last epoch's, or None."""
    nothing: dict[str, Any] = {"line": None, "accuracies": [], "best": None}
    try:
        record = read_run_record(run)
    except UserError:
        return nothing
    if (preparing := preparing_line(run)) is not None:
        return nothing | {"line": f"{preparing}."}
    supernet, settings = (record.get("resolved") or {}).get("supernet"), record["settings"]
    if not isinstance(supernet, dict):
        return nothing
    epochs, trials = _epochs(run / EPOCHS), settings.get("trials")
    rows = [
        dict(zip(COLUMNS, row, strict=True)) for row in new_candidates(run / "candidates.jsonl", 0)["rows"]
    ]
    judged = [row["accuracy"] for row in rows if row["status"] == "ok" and row["accuracy"] is not None]
    accuracies = [value for value in epochs if value is not None]
    words = f"Supernet: epoch {len(epochs)} of {supernet.get('epochs', '?')}"
    if accuracies:
        words += f", {100 * accuracies[-1]:.2f}% of the validation images"
    if rows:
        words += f". Candidates: {len(rows)} of {trials}"
    if judged:
        words += f", best {100 * max(judged):.2f}%"
    best = max(judged) if judged else (accuracies[-1] if accuracies else None)
    return {"line": f"{words}.", "accuracies": accuracies, "best": best}


def _epochs(path: Path) -> list[float | None]:
    """The accuracy after each epoch; of a line that cannot be read None."""
    if not path.is_file():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    return [_accuracy(line) for line in lines]


def _accuracy(line: bytes) -> float | None:
    try:
        value = json.loads(line)["default"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return value if is_finite(value) else None
