"""What a run leaves for its user: the front as table, CSV and picture, the best architecture, a report."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.best import best
from analysis.choice import budget, holds_searches, searches
from analysis.drawing import drawing_png
from analysis.front import front
from analysis.hypervolume import dominated_share, reference_macs
from analysis.page import Subject, report_page
from analysis.plot import distinct_names, front_plot
from analysis.plot_render import render_front
from analysis.references import references
from analysis.run import Run, read_run
from analysis.text import count_text, percent_text, table_text
from search_space.errors import UserError
from search_space.files import write_errors, write_whole
from search_space.genotype import Genotype
from search_space.measurement import Measurement

COLUMNS = ("rank", "run", "index", "accuracy", "macs", "macs_published", "params", "seconds", "seed", "genotype")  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """``table`` is for people; ``files`` were written."""

    table: str
    files: tuple[Path, ...]


def write_outcome(path: str | Path, max_macs: int | None = None, out: str | Path | None = None) -> Outcome:
    """Writes ``front.csv``, ``front.png``, ``best.json`` (a genotype), ``best.png`` (its drawing),
    ``outcome.json`` and ``report.html``, into the run folder unless ``out`` names another one; where the paper
    has points for the data set, ``front_close.png`` too, without them.

    ``max_macs``: the best is the best one within it.

    Raises:
        UserError: nothing measured; files that cannot be written; nothing within the budget, or a best
            genotype that cannot be read here, after the front and the report were written without it.
    """
    run = read_run(path)
    out = _made(run.path if out is None else Path(out))
    run.require_ok()
    try:
        chosen = best(run, max_macs)
        genotype = _genotype(chosen)
    except UserError:
        _write([run], out, max_macs, None)
        raise
    drawing = drawing_png(genotype)
    numbers = {
        "accuracy": chosen.accuracy,
        "macs": chosen.macs,
        "params": chosen.params,
        "index": chosen.index,
        "hypervolume": dominated_share(run.ok, reference_macs(run.ok)),
        "candidates": len(run.measurements),
        "failed": len(run.failed),
    }
    files: tuple[Path, ...] = (
        genotype.save(out / "best.json"),
        write_whole(out / "best.png", drawing),
        write_whole(out / "outcome.json", json.dumps(numbers, indent=1) + "\n"),
    )
    made = _write([run], out, max_macs, Subject(_sentence(chosen), drawing))
    files += made.files
    where = f"Best: {_sentence(chosen)}.\nIn {out}: {', '.join(file.name for file in files)}"
    return Outcome(f"{made.table}\n\n{where}", files)


def report(paths: Sequence[str | Path], out: str | Path) -> Outcome:
    """The fronts of several runs over each other, as ``comparison.csv``, ``comparison.png`` and
    ``comparison.html`` in ``out``; of one run all that `write_outcome` writes. The folder of a hub or a sweep
    stands for its finished searches.

    Raises `UserError`, also for a run that is named twice.
    """
    if not paths:
        raise UserError("no run folder is named; accepted: one or more")
    named = [read_run(path) for path in paths]
    if len(named) == 1 and not holds_searches(named[0]):
        return write_outcome(paths[0], budget(named[0]), out)
    runs: list[Run] = []
    for run in named:
        runs += searches(run.path, finished=True) if holds_searches(run) else [run]
    for position, run in enumerate(runs):
        if any(run.path.resolve() == other.path.resolve() for other in runs[:position]):
            raise UserError(f"{run.path} is named twice; accepted: different run folders")
    out = _made(Path(out))
    made = _write(runs, out, None, None, compared=True)
    return Outcome(f"{made.table}\n\nIn {out}: " + ", ".join(f.name for f in made.files), made.files)


def _made(folder: Path) -> Path:
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write(
    runs: Sequence[Run], out: Path, max_macs: int | None, subject: Subject | None, *, compared: bool = False
) -> Outcome:
    """Table, picture and page of the common front."""
    names = distinct_names(runs)
    owner = {id(m): name for run, name in zip(runs, names, strict=True) for m in run.require_ok()}
    points = front(m for run in runs for m in run.ok)
    dataset = runs[0].dataset if len({run.dataset for run in runs}) == 1 else None
    plot = front_plot(runs, max_macs=max_macs, references=references(dataset))
    picture = render_front(plot)
    # The poster's networks may lie so far off that the candidates become a dot.
    close = render_front(front_plot(runs, max_macs=max_macs)) if plot.references else None
    stem, page = ("comparison", "comparison.html") if compared else ("front", "report.html")
    files = [write_whole(out / f"{stem}.csv", _csv(points, owner)), write_whole(out / f"{stem}.png", picture)]
    if close is not None:
        files.append(write_whole(out / f"{stem}_close.png", close))
    pictures = [picture] if close is None else [picture, close]
    files.append(write_whole(out / page, report_page(plot.title, pictures, runs, names, points, subject)))
    columns = ["accuracy %", "MACs", "params", "candidate", *(["run"] if compared else [])]
    rows = [
        [percent_text(m.accuracy), count_text(m.macs), count_text(m.params), str(m.index),
         *([owner[id(m)]] if compared else [])]
        for m in points
    ]  # fmt: skip
    text = table_text(columns, rows)
    if compared:
        limit = reference_macs(m for run in runs for m in run.ok)
        shares = [
            [f"{100 * dominated_share(run.ok, limit):.2f}", n] for run, n in zip(runs, names, strict=True)
        ]
        text += "\n\n" + table_text(["hypervolume %", "run"], shares)
    return Outcome(text, tuple(files))


def _csv(points: Sequence[Measurement], owner: dict[int, str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for rank, m in enumerate(points, start=1):
        numbers = (m.accuracy, m.macs, m.macs_published, m.params, m.seconds, m.seed)
        writer.writerow([rank, owner[id(m)], m.index, *numbers, _key(m)])
    return text.getvalue()


def _key(measurement: Measurement) -> str:
    """The genotype's key; empty for one that cannot be read here, for want of a plugin's primitive say."""
    try:
        return _genotype(measurement).key()
    except UserError:
        return ""


def _sentence(m: Measurement) -> str:
    return (
        f"candidate {m.index}, {percent_text(m.accuracy)}% validation accuracy, {count_text(m.macs)} MACs "
        f"({count_text(m.macs_published)} by the published count), {count_text(m.params)} parameters"
    )


def _genotype(measurement: Measurement) -> Genotype:
    return Genotype.from_json(measurement.genotype)
