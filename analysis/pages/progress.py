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

_COUNTS = ("candidates", "failed", "cancelled", "rejected", "partial")


def progress_html(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    """Parts of the page, of all runs together."""
    limit = reference_macs(m for run in runs for m in run.ok)
    with_supernet = any(run.supernet_seconds for run in runs)
    rows = [
        (
            *map(len, (run.measurements, run.failed, run.cancelled, run.rejected, run.partial)),
            *(_costs(run) if with_supernet else ()),
            seconds_cell(run.seconds),
            f"{100 * dominated_share(run.ok, limit):.2f}",
            name,
        )
        for run, name in zip(runs, names, strict=True)
    ]
    costs = ("seconds of the supernet", "seconds of candidates") if with_supernet else ()
    parts = [
        html.heading("How the search went" if len(runs) == 1 else "How the searches went"),
        html.paragraph(
            "Hypervolume: the share of the rectangle from 0 to 100% accuracy and from 0 to "
            f"{count_text(limit)} MACs (a tenth above the largest candidate) that the front dominates. Seconds: the "
            "trainings' own, added up."
        ),
        html.html_table((*_COUNTS, *costs, "seconds", "hypervolume %", "run"), rows),
    ]
    if any(run.ok for run in runs):
        picture = render_hypervolume(hypervolume_curves(runs, names, limit))
        parts.append(html.image(picture, "hypervolume over candidates"))
    return parts


def _costs(run: Run) -> tuple[html.Cell, html.Cell]:
    """Of the supernet, and of the candidates."""
    return seconds_cell(run.supernet_seconds), seconds_cell(run.seconds - run.supernet_seconds)


def supernet_html(run: Run, name: str) -> list[str]:
    """Parts of the page; none for a run without a supernet."""
    if run.supernet is None:
        return []
    picture = render_supernet(supernet_panels(run.supernet))
    description = "validation accuracy, MACs and entropy over the supernet's epochs"
    return [html.heading(f"Supernet of {name}"), html.image(picture, description)]
