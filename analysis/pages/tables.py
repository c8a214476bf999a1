"""The report's tables of candidates: the front, all that were judged, and those that were not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analysis.pages import html
from analysis.run import Run
from records.measurement import Measurement
from records.text import percent_text, without_paths

MOST_ROWS = 1000  # of a table of candidates; the most accurate ones stand in it
COLUMNS = ("candidate", "accuracy %", "MACs", "MACs (published)", "params", "seconds", "accuracy % by epoch")


def front_table(points: Sequence[Measurement], runs: Sequence[Run], names: Sequence[str]) -> str:
    """The points of the common front; of several runs it says whose each is."""
    if len(runs) == 1:
        return html.html_table(COLUMNS, map(_row, points))
    owner = {id(m): name for run, name in zip(runs, names, strict=True) for m in run.measurements}
    rows = [[*_row(m)[:-1], owner[id(m)]] for m in points]
    return html.html_table((*COLUMNS[:-1], "run"), rows)


def candidates_html(run: Run) -> list[str]:
    """The judged candidates, by their index."""
    if not run.ok:
        return []
    kept = sorted(run.ok, key=lambda m: (-(m.accuracy or 0.0), m.index))[:MOST_ROWS]
    table = html.html_table(COLUMNS, map(_row, sorted(kept, key=lambda m: m.index)))
    if len(kept) == len(run.ok):
        return [html.folded(f"All {len(run.ok):,} judged candidates", [table])]
    what = f"The {len(kept):,} most accurate of {len(run.ok):,} judged candidates"
    return [html.folded(what, [table, html.note("candidates.jsonl in the run's folder has all.")])]


def partial_html(run: Run, name: str) -> list[str]:
    """Those that were trained in part only."""
    if not run.partial:
        return []
    stages = [
        (m.index, m.epochs, percent_text(m.accuracy), html.Cell(m.macs, f"{m.macs:,}"), _index(m.continues))
        for m in run.partial[:MOST_ROWS]
    ]
    return [
        html.heading(f"Trained in part in {name}"),
        html.paragraph("Accuracies of different epochs are not comparable: these are on no front."),
        html.html_table(("candidate", "until epoch", "accuracy %", "MACs", "went on from"), stages),
    ]


def ended_html(run: Run, name: str) -> list[str]:
    """Those that failed, were cancelled or rejected, each with its reason."""
    parts = []
    for title, ended in (("Failed", run.failed), ("Cancelled", run.cancelled), ("Rejected", run.rejected)):
        if ended:
            reasons = [(m.index, seconds_cell(m.seconds), _reason(m, run)) for m in ended[:MOST_ROWS]]
            count = f", the first {MOST_ROWS:,} of {len(ended):,}" if len(ended) > MOST_ROWS else ""
            parts += [
                html.heading(f"{title} in {name}{count}"),
                html.html_table(("candidate", "seconds", "why"), reasons),
            ]
    return parts


def seconds_cell(seconds: float) -> html.Cell:
    return html.Cell(seconds, f"{seconds:,.1f}")


def _index(index: int | None) -> str:
    return "–" if index is None else str(index)


def _reason(m: Measurement, run: Run) -> str:
    return without_paths(m.error, run.path) if m.error else "no reason was recorded"


def _row(m: Measurement) -> list[Any]:
    counts = [html.Cell(value, f"{value:,}") for value in (m.macs, m.macs_published, m.params)]
    epochs = " ".join(f"{100 * value:.1f}" for value in m.history)
    return [m.index, percent_text(m.accuracy), *counts, seconds_cell(m.seconds), epochs]
