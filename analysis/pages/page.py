"""The report's page: what was found, how the search went, every candidate, and what it was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.hypervolume import dominated_share, reference_macs
from analysis.pages import html
from analysis.pages.exports import exports
from analysis.pages.settings_table import COLUMNS, settings_rows
from analysis.pictures.curves import history_curves, hypervolume_curves, render_history, render_hypervolume
from analysis.pictures.supernet_curves import render_supernet, supernet_panels
from analysis.run import Run
from records.measurement import Measurement
from records.text import count_text, percent_text, without_paths

_COLUMNS = ("candidate", "accuracy %", "MACs", "MACs (published)", "params", "seconds", "accuracy % by epoch")


@dataclass(frozen=True)
class Recommended:
    """The best architecture: a sentence on it, and its drawing as PNG."""

    sentence: str
    drawing: bytes


def report_page(
    title: str,
    pictures: Sequence[bytes],
    runs: Sequence[Run],
    names: Sequence[str],
    points: Sequence[Measurement],
    subject: Recommended | None,
) -> str:
    """The page as HTML. ``pictures`` are the front's plots, ``points`` the common front of all ``runs``."""
    parts = [html.paragraph(f"Warning: {text}.") for text in warnings(runs, names)]
    parts += [html.image(picture, "accuracy against MACs") for picture in pictures]
    if subject is not None:
        parts += [
            html.heading("The best architecture"),
            html.paragraph(subject.sentence),
            html.image(subject.drawing, "the best architecture"),
        ]
    parts += [html.heading("The front"), _front(points, runs, names)]
    parts += _progress(runs, names)
    for run, name in zip(runs, names, strict=True):
        parts += _run(run, name)
    return html.page(title, parts)


def warnings(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    """What must be known before the results are relied on; of several runs it says of which."""
    sets = dict.fromkeys(str(run.dataset) for run in runs)
    different = [
        f"the runs are of different data sets ({', '.join(sets)}), whose accuracies cannot be compared"
    ]
    return (different if len(sets) > 1 else []) + [
        run.warning if len(runs) == 1 else f"{name}: {run.warning}"
        for run, name in zip(runs, names, strict=True)
        if run.warning is not None
    ]


def _front(points: Sequence[Measurement], runs: Sequence[Run], names: Sequence[str]) -> str:
    if len(runs) == 1:
        return html.html_table(_COLUMNS, map(_row, points))
    owner = {id(m): name for run, name in zip(runs, names, strict=True) for m in run.measurements}
    rows = [[*_row(m)[:-1], owner[id(m)]] for m in points]
    return html.html_table((*_COLUMNS[:-1], "run"), rows)


def _progress(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    limit = reference_macs(m for run in runs for m in run.ok)
    with_supernet = any(run.supernet_seconds for run in runs)
    rows = [
        (
            len(run.measurements),
            len(run.failed),
            len(run.cancelled),
            len(run.rejected),
            len(run.partial),
            *(_costs(run) if with_supernet else ()),
            _seconds(run.seconds),
            f"{100 * dominated_share(run.ok, limit):.2f}",
            name,
        )
        for run, name in zip(runs, names, strict=True)
    ]
    costs = ("seconds of the supernet", "seconds of candidates") if with_supernet else ()
    return [
        html.heading("How the search went"),
        html.paragraph(
            "Hypervolume: the share of the rectangle from 0 to 100% accuracy and from 0 to "
            f"{count_text(limit)} MACs (a tenth above the largest candidate) that the front dominates. Seconds: the "
            "trainings' own, added up."
        ),
        html.html_table(
            (
                "candidates",
                "failed",
                "cancelled",
                "rejected",
                "partial",
                *costs,
                "seconds",
                "hypervolume %",
                "run",
            ),
            rows,
        ),
        html.image(render_hypervolume(hypervolume_curves(runs, names, limit)), "hypervolume over candidates"),
    ]


def _costs(run: Run) -> tuple[html.Cell, html.Cell]:
    """Of the supernet, and of the candidates."""
    return _seconds(run.supernet_seconds), _seconds(run.seconds - run.supernet_seconds)


def _supernet(run: Run, name: str) -> list[str]:
    if run.supernet is None:
        return []
    picture = render_supernet(supernet_panels(run.supernet))
    description = "validation accuracy, MACs and entropy over the supernet's epochs"
    return [html.heading(f"Supernet of {name}"), html.image(picture, description)]


def _run(run: Run, name: str) -> list[str]:
    parts = _supernet(run, name)
    parts += [html.heading(f"Candidates of {name}"), *map(html.paragraph, run.notes())]
    if curves := history_curves(run):
        parts.append(html.image(render_history(curves), "validation accuracy over epochs"))
    parts.append(html.html_table(_COLUMNS, map(_row, sorted(run.ok, key=lambda m: m.index))))
    parts += exports(run, name)
    if run.partial:
        stages = [
            (
                m.index,
                m.epochs,
                percent_text(m.accuracy),
                html.Cell(m.macs, f"{m.macs:,}"),
                _value(m.continues),
            )
            for m in run.partial
        ]
        parts += [
            html.heading(f"Trained in part in {name}"),
            html.paragraph("Accuracies of different epochs are not comparable: these are on no front."),
            html.html_table(("candidate", "until epoch", "accuracy %", "MACs", "went on from"), stages),
        ]
    for title, ended in (("Failed", run.failed), ("Cancelled", run.cancelled), ("Rejected", run.rejected)):
        if ended:
            reasons = [(m.index, _seconds(m.seconds), _reason(m, run)) for m in ended]
            parts += [
                html.heading(f"{title} in {name}"),
                html.html_table(("candidate", "seconds", "why"), reasons),
            ]
    made_with = [(key, without_paths(_value(value), run.path)) for key, value in run.provenance.items()]
    return [
        *parts,
        html.heading(f"Settings of {name}"),
        html.html_table(COLUMNS, settings_rows(run), names=True),
        html.heading(f"What {name} was made with"),
        html.html_table(("name", "value"), made_with, names=True),
    ]


def _reason(m: Measurement, run: Run) -> str:
    return without_paths(m.error, run.path) if m.error else "no reason was recorded"


def _row(m: Measurement) -> list[Any]:
    counts = [html.Cell(value, f"{value:,}") for value in (m.macs, m.macs_published, m.params)]
    epochs = " ".join(f"{100 * value:.1f}" for value in m.history)
    return [m.index, percent_text(m.accuracy), *counts, _seconds(m.seconds), epochs]


def _seconds(seconds: float) -> html.Cell:
    return html.Cell(seconds, f"{seconds:,.1f}")


def _value(value: Any) -> str:
    if value is None or value == []:
        return "–"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return value if isinstance(value, str) else json.dumps(value)
