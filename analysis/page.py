"""The report's page: what was found, how the search went, every candidate, and what it was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis import html
from analysis.curves import history_curves, hypervolume_curves, render_history, render_hypervolume
from analysis.hypervolume import dominated_share, reference_macs
from analysis.run import Run
from analysis.text import count_text, duration_text, percent_text
from search_space.measurement import Measurement

_COLUMNS = ("candidate", "accuracy %", "MACs", "MACs (published)", "params", "time", "accuracy % by epoch")


@dataclass(frozen=True)
class Subject:
    """The best architecture: a sentence on it, and its drawing as PNG."""

    sentence: str
    drawing: bytes


def report_page(
    title: str,
    pictures: Sequence[bytes],
    runs: Sequence[Run],
    names: Sequence[str],
    points: Sequence[Measurement],
    subject: Subject | None,
) -> str:
    """The page as HTML. ``pictures`` are the front's plots, ``points`` the common front of all ``runs``."""
    parts = [html.image(picture, "accuracy against MACs") for picture in pictures]
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


def _front(points: Sequence[Measurement], runs: Sequence[Run], names: Sequence[str]) -> str:
    if len(runs) == 1:
        return html.table(_COLUMNS, map(_row, points))
    owner = {id(m): name for run, name in zip(runs, names, strict=True) for m in run.measurements}
    rows = [[*_row(m)[:-1], owner[id(m)]] for m in points]
    return html.table((*_COLUMNS[:-1], "run"), rows)


def _progress(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    limit = reference_macs(m for run in runs for m in run.ok)
    rows = [
        (
            len(run.measurements),
            len(run.failed),
            _time(sum(m.seconds for m in run.measurements)),
            f"{100 * dominated_share(run.ok, limit):.2f}",
            name,
        )
        for run, name in zip(runs, names, strict=True)
    ]
    return [
        html.heading("How the search went"),
        html.paragraph(
            "Hypervolume: the share of the rectangle from 0 to 100% accuracy and from 0 to "
            f"{count_text(limit)} MACs (a tenth above the largest candidate) that the front dominates. Time: the "
            "trials' own, added up."
        ),
        html.table(("candidates", "failed", "time", "hypervolume %", "run"), rows),
        html.image(render_hypervolume(hypervolume_curves(runs, names, limit)), "hypervolume over candidates"),
    ]


def _run(run: Run, name: str) -> list[str]:
    parts = [html.heading(f"Candidates of {name}"), *map(html.paragraph, run.notes())]
    if curves := history_curves(run):
        parts.append(html.image(render_history(curves), "validation accuracy over epochs"))
    parts.append(html.table(_COLUMNS, map(_row, sorted(run.ok, key=lambda m: m.index))))
    if run.failed:
        reasons = [(m.index, _time(m.seconds), m.error or "no reason was recorded") for m in run.failed]
        parts += [html.heading(f"Failed in {name}"), html.table(("candidate", "time", "why"), reasons)]
    facts = {**run.settings, **run.provenance}
    rows = [(key, _value(value)) for key, value in facts.items()]
    return [*parts, html.heading(f"Settings of {name}"), html.table(("name", "value"), rows, names=True)]


def _row(m: Measurement) -> list[Any]:
    counts = [html.Cell(value, f"{value:,}") for value in (m.macs, m.macs_published, m.params)]
    epochs = " ".join(f"{100 * value:.1f}" for value in m.history)
    return [m.index, percent_text(m.accuracy), *counts, _time(m.seconds), epochs]


def _time(seconds: float) -> html.Cell:
    return html.Cell(seconds, duration_text(seconds))


def _value(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return value if isinstance(value, str) else json.dumps(value)
