"""Why NNI's server ended by itself, where one of the files that mend it made it end."""

from __future__ import annotations

from records.run_folder import RunFolder

_REASON = "ended.txt"  # written by preload.js


def why_ended(run: RunFolder) -> str:
    """What the server of the run's experiment said last, to follow a sentence; empty if it said nothing."""
    identity = run.experiment()
    if identity is None:
        return ""
    file = run.path / "nni" / identity / "log" / _REASON
    try:
        return f": {' '.join(file.read_text(errors='replace').split())}"
    except FileNotFoundError:
        return ""
