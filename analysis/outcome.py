"""What a run leaves for its user: the front as table, CSV and picture, the best architecture, a report."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis import html
from analysis.best import best
from analysis.drawing import drawing_png
from analysis.files import write_errors, write_whole
from analysis.front import front
from analysis.hypervolume import hypervolume, reference_macs
from analysis.plot import distinct_names, front_plot
from analysis.plot_render import render_front
from analysis.references import references
from analysis.run import Run, read_run
from analysis.text import count_text, duration_text, percent_text, table_text
from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.measurement import Measurement

COLUMNS = (
    "rank",
    "run",
    "index",
    "accuracy",
    "macs",
    "macs_published",
    "params",
    "seconds",
    "seed",
    "genotype",
)


@dataclass(frozen=True)
class Outcome:
    """``table`` is for people; ``files`` were written."""

    table: str
    files: tuple[Path, ...]


def write_outcome(path: str | Path, max_macs: int | None = None) -> Outcome:
    """Writes into a run folder ``front.csv``, ``front.png``, ``best.json`` (a genotype), ``best.png``,
    ``outcome.json`` and ``report.html``.

    ``max_macs``: the best is the best one within it. Raises `UserError`: nothing measured, nothing within the
    budget, files that cannot be written.
    """
    run = read_run(path)
    chosen = best(run, max_macs)
    genotype = _genotype(chosen)
    genotype.save(run.path / "best.json")
    drawing = drawing_png(genotype)
    limit = reference_macs(run.ok)
    numbers = {
        "accuracy": chosen.accuracy,
        "macs": chosen.macs,
        "params": chosen.params,
        "index": chosen.index,
        "hypervolume": _hypervolume(run.ok, limit),
        "candidates": len(run.measurements),
        "failed": len(run.failed),
    }
    files = [
        run.path / "best.json",
        write_whole(run.path / "best.png", drawing),
        write_whole(run.path / "outcome.json", json.dumps(numbers, indent=1) + "\n"),
    ]
    made = _write([run], run.path, max_macs, [html.heading("The best architecture"),
                  html.paragraph(_sentence(chosen)), html.image(drawing, "the best architecture")])  # fmt: skip
    where = f"Best: {_sentence(chosen)}.\nIn {run.path}: " + ", ".join(
        file.name for file in (*files, *made.files)
    )
    return Outcome(f"{made.table}\n\n{where}", (*files, *made.files))


def report(paths: Sequence[str | Path], out: str | Path) -> Outcome:
    """The fronts of several runs over each other, as ``front.csv``, ``front.png`` and ``report.html`` in
    ``out``; of one run all that `write_outcome` writes. Raises `UserError`."""
    if len(paths) == 1 and Path(out).absolute() == Path(paths[0]).absolute():
        return write_outcome(paths[0], _budget(read_run(paths[0])))
    runs = [read_run(path) for path in paths]
    out = Path(out)
    with write_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    made = _write(runs, out, None, [])
    return Outcome(f"{made.table}\n\nIn {out}: " + ", ".join(f.name for f in made.files), made.files)


def chosen_genotype(path: str | Path, index: int | None = None) -> Genotype:
    """The genotype of a run's candidate: the best one, or the one of that index; or that of a genotype's file.

    Raises `UserError`.
    """
    path = Path(path)
    if not path.is_dir():
        return Genotype.load(path)
    run = read_run(path)
    if index is None:
        return _genotype(best(run, _budget(run)))
    for measurement in run.measurements:
        if measurement.index == index:
            return _genotype(measurement)
    known = ", ".join(str(m.index) for m in run.measurements) or "none"
    raise UserError(f"{path} has no candidate {index}; it has {known}")


def _budget(run: Run) -> int | None:
    budget = run.settings.get("max_macs")
    return budget if isinstance(budget, int) else None


def _write(runs: Sequence[Run], out: Path, max_macs: int | None, more: list[str]) -> Outcome:
    for run in runs:
        run.require_ok()
    names = distinct_names(runs)
    owner = {id(m): name for run, name in zip(runs, names, strict=True) for m in run.ok}
    everything = [m for run in runs for m in run.ok]
    points = front(everything)
    dataset = runs[0].dataset if len({run.dataset for run in runs}) == 1 else None
    plot = front_plot(runs, max_macs=max_macs, references=references(dataset))
    picture = render_front(plot)
    files = (
        write_whole(out / "front.csv", _csv(points, owner)),
        write_whole(out / "front.png", picture),
        write_whole(out / "report.html", _page(runs, names, plot.title, picture, points, more)),
    )
    several = len(runs) > 1
    columns = ["accuracy %", "MACs", "params", "candidate", *(["run"] if several else [])]
    rows = [
        [percent_text(m.accuracy), count_text(m.macs), count_text(m.params), str(m.index),
         *([owner[id(m)]] if several else [])]
        for m in points
    ]  # fmt: skip
    return Outcome(table_text(columns, rows), files)


def _csv(points: Sequence[Measurement], owner: dict[int, str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for rank, m in enumerate(points, start=1):
        key = _genotype(m).key()
        writer.writerow(
            [
                rank,
                owner[id(m)],
                m.index,
                m.accuracy,
                m.macs,
                m.macs_published,
                m.params,
                m.seconds,
                m.seed,
                key,
            ]
        )
    return text.getvalue()


def _page(
    runs: Sequence[Run],
    names: Sequence[str],
    title: str,
    picture: bytes,
    points: Sequence[Measurement],
    more: list[str],
) -> str:
    limit = reference_macs([m for run in runs for m in run.ok])
    parts = [html.image(picture, "accuracy against MACs"), *more, html.heading("The front")]
    parts.append(_candidates(points))
    parts += [
        html.heading("Runs"),
        html.paragraph(
            f"Hypervolume: the area, in accuracy times MACs over {count_text(limit)}, that a run's front dominates."
        ),
        html.table(
            ("candidates", "failed", "time", "hypervolume", "run"),
            [
                (len(run.measurements), len(run.failed), duration_text(sum(m.seconds for m in run.measurements)),
                 f"{_hypervolume(run.ok, limit):.4f}", name)
                for run, name in zip(runs, names, strict=True)
            ],
        ),
    ]  # fmt: skip
    for run, name in zip(runs, names, strict=True):
        parts += [html.heading(f"All candidates of {name}"), *map(html.paragraph, run.notes())]
        parts.append(_candidates(sorted(run.measurements, key=lambda m: m.index)))
        facts = {**run.settings, **run.provenance}
        parts += [
            html.heading(f"Settings of {name}"),
            html.table(("name", "value"), facts.items(), names=True),
        ]
    return html.page(title, parts)


def _candidates(measurements: Sequence[Measurement]) -> str:
    return html.table(
        ("candidate", "accuracy %", "MACs", "MACs (published)", "params", "time", "by epoch, %, or why it failed"),
        [
            (m.index, percent_text(m.accuracy), f"{m.macs:,}", f"{m.macs_published:,}", f"{m.params:,}",
             duration_text(m.seconds), m.error or " ".join(f"{100 * a:.1f}" for a in m.history))
            for m in measurements
        ],
    )  # fmt: skip


def _sentence(m: Measurement) -> str:
    return (
        f"candidate {m.index}, {percent_text(m.accuracy)}% validation accuracy, {count_text(m.macs)} MACs "
        f"({count_text(m.macs_published)} by the published count), {count_text(m.params)} parameters"
    )


def _hypervolume(measurements: Sequence[Measurement], limit: float) -> float:
    """In units of full accuracy times the reference's MACs: between 0 and 1."""
    return hypervolume([(m.accuracy or 0.0, m.macs) for m in measurements], (0.0, limit)) / limit


def _genotype(measurement: Measurement) -> Genotype:
    return Genotype.from_json(measurement.genotype)
