"""How the searches went: counts, cost, hypervolume, and how a supernet was trained."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.hypervolume import dominated_share, reference_macs
from analysis.pages import html
from analysis.pages.tables import seconds_cell
from analysis.pictures.curves import hypervolume_curves, render_hypervolume
from analysis.pictures.supernet_curves import render_supernet, supernet_panels
from analysis.run import Run
from records.text import count_text

_COSTS = ("seconds of the supernet", "seconds of candidates", "seconds of training again")
_COUNTS = ("candidates", "failed", "cancelled", "rejected", "partial")


def progress_html(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    """Parts of the page, of all runs together."""
    limit = reference_macs(m for run in runs for m in run.ok)
    with_supernet, again = any(run.supernet_seconds for run in runs), any(run.confirmed for run in runs)
    parts_told = with_supernet, with_supernet or again, again
    rows = [
        (
            *map(len, (run.measurements, run.failed, run.cancelled, run.rejected, run.partial)),
            *map(seconds_cell, [part for part, told in zip(_costs(run), parts_told, strict=True) if told]),
            seconds_cell(run.seconds),
            f"{100 * dominated_share(run.ok, limit):.2f}",
            name,
        )
        for run, name in zip(runs, names, strict=True)
    ]
    costs = [name for name, told in zip(_COSTS, parts_told, strict=True) if told]
    parts = [
        html.heading("How the search went" if len(runs) == 1 else "How the searches went"),
        html.paragraph(
            (_hypervolume(limit) if any(run.ok for run in runs) else "")
            + "Seconds: the trainings' own, added up"
            + (", with those of the candidates that were trained again by other seeds." if again else ".")
        ),
        html.html_table(
            (*_COUNTS, *costs, "seconds in all" if costs else "seconds", "hypervolume %", "run"), rows
        ),
    ]
    if any(run.ok for run in runs):
        picture = render_hypervolume(hypervolume_curves(runs, names, limit))
        parts.append(html.image(picture, "hypervolume over candidates"))
    return parts


def _costs(run: Run) -> tuple[float, float, float]:
    """Seconds of the supernet, of the candidates, and of training some of them again."""
    again = sum(each.seconds for each in run.confirmed.values())
    return run.supernet_seconds, run.seconds - run.supernet_seconds - again, again


def supernet_html(run: Run, name: str) -> list[str]:
    """Parts of the page; none for a run without a supernet."""
    if run.supernet is None:
        return []
    picture = render_supernet(supernet_panels(run.supernet))
    description = "validation accuracy, MACs and entropy over the supernet's epochs"
    return [html.heading(f"Supernet of {name}"), html.image(picture, description)]


def _hypervolume(limit: float) -> str:
    return (
        "Hypervolume: the share of the rectangle from 0 to 100% accuracy and from 0 to "
        f"{count_text(limit)} MACs (a tenth above the largest candidate) that the front dominates. "
    )
