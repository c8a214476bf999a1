"""Why NNI's server ended by itself, where one of the files that mend it made it end."""

from __future__ import annotations

from strategies.run_folder import NNI, RunFolder

_REASON = "ended.txt"  # written by preload.js


def why_ended(run: RunFolder) -> str:
    """What the server of the run's experiment said last, to follow a sentence; empty if it said nothing."""
    if not (run.path / NNI).is_file():
        return ""
    file = run.path / "nni" / run.read(NNI)["experiment"] / "log" / _REASON
    try:
        return f": {' '.join(file.read_text(errors='replace').split())}"
    except FileNotFoundError:
        return ""
