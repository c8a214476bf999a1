"""What a run leaves for its user: the front as table, CSV and picture, the best architecture, a report."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.certainty.noise import Certainty
from analysis.front import front
from analysis.hypervolume import dominated_share, reference_macs
from analysis.pages.page import Recommended, report_page, warnings
from analysis.pictures.drawing import drawing_png
from analysis.pictures.plot import distinct_names, front_plot, have_latency, run_title
from analysis.pictures.plot_render import render_front
from analysis.references import references
from analysis.run import Run, read_run
from analysis.selection.best import best
from analysis.selection.choice import budget, genotype_of, holds_searches, searches
from analysis.selection.confirmed import by_other_seeds
from analysis.tables import front_csv
from analysis.text_table import count_text, percent_text, table_text
from records.checks import as_path
from records.errors import UserError
from records.files import write_errors, write_whole
from records.measurement import Measurement
from records.run_files.search_rows import unfinished_searches
from records.run_files.settings_file import SETTINGS
from records.text import command_text
from search_space.genotype import Genotype

_MOST_NAMED = 5


@dataclass(frozen=True)
class Outcome:
    """What one run or several left. ``table`` is for people; ``files`` were written, into ``folder``.

    ``front`` is the (common) front by rising MACs, ``hypervolume`` the share in [0, 1] that it dominates of the
    rectangle up to full accuracy and a tenth above the largest candidate's MACs. ``warnings`` must be known before
    the results are relied on. Of one run ``best`` is the candidate to take and ``genotype`` its architecture; of
    several they are None. ``unfinished`` names the searches of hubs and sweeps that have not come to an end, whose
    candidates are not among these.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     outcome = write_outcome("results/first-search/digits", out=folder)
        >>> len(outcome.front), f"{outcome.hypervolume:.3f}", outcome.best.index
        (4, '0.318', 5)
    """

    table: str
    files: tuple[Path, ...]
    folder: Path
    front: tuple[Measurement, ...]
    hypervolume: float
    warnings: tuple[str, ...] = ()
    best: Measurement | None = None
    genotype: Genotype | None = None
    unfinished: tuple[str, ...] = ()

    def require_finished(self) -> None:
        """Raises `UserError` where a search of the hub or sweep in ``folder`` has not come to an end."""
        if self.unfinished:
            raise UserError(
                f"not every search of {self.folder} came to an end, why stands above; "
                f"{command_text('resume', self.folder)} goes on"
            )


def write_outcome(
    path: str | Path, max_macs: int | None = None, out: str | Path | None = None, *, ended: bool = True
) -> Outcome:
    """Writes ``front.csv``, ``front.png``, ``best.json`` (a genotype), ``best.png`` (its drawing),
    ``outcome.json`` and ``report.html``, into the run folder unless ``out`` names another one; where the paper
    has points for the data set, ``front_close.png`` too, without them.

    ``max_macs``: the best is the best one within it. ``ended``: the search itself calls, at its end, which
    ``outcome.json`` says; without it that file is left as it is, or absent.

    Raises:
        UserError: nothing measured, after a report was written that says so; files that cannot be written; nothing within the budget, or a best
            genotype that cannot be read here, after the front and the report were written without it.
    """
    run = read_run(path)
    out = _made(run.path if out is None else as_path("out", out))
    if not run.ok:  # the page says so, and why
        title = run_title([run])
        write_whole(out / "report.html", report_page(title, [], [run], distinct_names([run]), [], None))
    run.require_ok()
    try:
        chosen = best(run, max_macs)
        genotype = genotype_of(chosen, run)
    except UserError:
        _write([run], out, max_macs, None)
        raise
    drawing = drawing_png(genotype)
    files: tuple[Path, ...] = (genotype.save(out / "best.json"), write_whole(out / "best.png", drawing))
    made = _write([run], out, max_macs, Recommended(_sentence(run, chosen), drawing))
    files += made.files
    if ended:  # last: it says that all the others are there
        files += (write_whole(out / "outcome.json", json.dumps(_numbers(run, chosen), indent=1) + "\n"),)
    ranking = "".join(f"{each}.\n" for each in run.rankings())
    where = f"Best: {_sentence(run, chosen)}.\n{ranking}{_cost(run)}\nIn {out}: {', '.join(file.name for file in files)}"
    return dataclasses.replace(
        made, table=f"{made.table}\n\n{where}", files=files, best=chosen, genotype=genotype
    )


def _numbers(run: Run, chosen: Measurement) -> dict[str, Any]:
    known = run.confirmed.get(chosen.index)
    confirmed = None if known is None else {
        "mean": known.mean, "deviation": known.deviation, "seeds": len(known.accuracies), "epochs": known.epochs,
    }  # fmt: skip
    return {
        "accuracy": chosen.accuracy,
        **({} if confirmed is None else {"confirmed": confirmed}),
        "doubt": Certainty.of(run).doubt(chosen),
        "macs": chosen.macs,
        "params": chosen.params,
        "index": chosen.index,
        "hypervolume": dominated_share(run.ok, reference_macs(run.ok)),
        "warning": run.warning,
        "candidates": len(run.measurements),
        "failed": len(run.failed),
        "cancelled": len(run.cancelled),
        "rejected": len(run.rejected),
        **({} if run.shared is None else {"shared_weights": run.shared.to_json()}),
        **({} if run.scores is None else {"screened": run.scores.to_json()}),
        "partial": len(run.partial),
    }


def report(paths: str | Path | Sequence[str | Path], *, out: str | Path | None = None) -> Outcome:
    """The fronts of several runs over each other, as ``comparison.csv``, ``comparison.png`` and
    ``comparison.html`` in ``out``, without it in the first one's folder; of one run all that `write_outcome` writes
    but ``outcome.json``. The folder of a hub or a sweep stands for its finished searches.

    Raises `UserError`, also for a run that is named twice, and for an ``out`` that is another run's folder.
    """
    if isinstance(paths, str | Path) or not isinstance(paths, Iterable):
        paths = [paths]
    paths = [as_path("run", path) for path in paths]
    if not paths:
        raise UserError("no run folder is named; accepted: one or more")
    out = as_path("out", paths[0] if out is None else out)
    named = [read_run(path) for path in paths]
    if (out / SETTINGS).is_file() and out.resolve() not in [run.path.resolve() for run in named]:
        raise UserError(
            f"{out} is the folder of another run; accepted: a new folder, or that of a run named here"
        )
    if len(named) == 1 and not holds_searches(named[0]):
        return write_outcome(paths[0], budget(named[0]), out, ended=False)
    runs: list[Run] = []
    unfinished: list[str] = []
    lacks: list[str] = []
    for run in named:
        if holds_searches(run):
            runs += searches(run.path, finished=True)
            if left := unfinished_searches(run.path):
                unfinished += left
                lacks.append(_lacking(run.name, left))
        else:
            runs.append(run)
    for position, run in enumerate(runs):
        if any(run.path.resolve() == other.path.resolve() for other in runs[:position]):
            raise UserError(f"{run.path} is named twice; accepted: different run folders")
    runs, without = _judged(runs)
    lacks += without
    out = _made(out)
    made = _write(runs, out, None, None, compared=True, lacks=lacks)
    table = f"{made.table}\n\nIn {out}: " + ", ".join(f.name for f in made.files)
    return dataclasses.replace(made, table=table, unfinished=tuple(unfinished))


def _judged(runs: Sequence[Run]) -> tuple[list[Run], list[str]]:
    """Those with a candidate that was judged, and what is to be said of the others. Raises `UserError` where that is all."""
    judged, without, errors = [], [], []
    for run in runs:
        try:
            run.require_ok()
        except UserError as error:
            without.append(f"this front is without {run.name} ({error})")
            errors.append(error)
        else:
            judged.append(run)
    if errors and not judged:
        raise errors[0]
    return judged, without


def _lacking(name: str, left: Sequence[str]) -> str:
    shown = ", ".join(left[:_MOST_NAMED]) + (
        f" and {len(left) - _MOST_NAMED} more" if left[_MOST_NAMED:] else ""
    )
    searches = "1 search" if len(left) == 1 else f"{len(left)} searches"
    return f"this front is without {searches} of {name}, not at an end: {shown}"


def _made(folder: Path) -> Path:
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write(
    runs: Sequence[Run],
    out: Path,
    max_macs: int | None,
    subject: Recommended | None,
    *,
    compared: bool = False,
    lacks: Sequence[str] = (),
) -> Outcome:
    """Table, picture and page of the common front; what it ``lacks``, in sentences, comes before other warnings."""
    names = distinct_names(runs)
    owner = {id(m): (run, name) for run, name in zip(runs, names, strict=True) for m in run.require_ok()}
    points = front(m for run in runs for m in run.ok)
    dataset = runs[0].dataset if len({run.dataset for run in runs}) == 1 else None
    plot = front_plot(runs, max_macs=max_macs, references=references(dataset))
    picture = render_front(plot)
    # The poster's networks may lie so far off that the candidates become a dot.
    close = render_front(front_plot(runs, max_macs=max_macs)) if plot.references else None
    stem, page = ("comparison", "comparison.html") if compared else ("front", "report.html")
    of_runs, of_names = zip(*(owner[id(m)] for m in points), strict=True)
    table = front_csv(points, of_runs, of_names)
    files = [write_whole(out / f"{stem}.csv", table), write_whole(out / f"{stem}.png", picture)]
    if close is not None:
        files.append(write_whole(out / f"{stem}_close.png", close))
    pictures = [picture] if close is None else [picture, close]
    if have_latency(runs):
        pictures.append(render_front(front_plot(runs, latency=True)))
        files.append(write_whole(out / f"{stem}_latency.png", pictures[-1]))
    text = report_page(
        plot.title, pictures, runs, names, points, subject, max_macs=max_macs, references=references(dataset),
        lacks=lacks,
    )  # fmt: skip
    files.append(write_whole(out / page, text))
    again = [each for run in runs for each in run.confirmed.values()]
    columns = [
        "accuracy %", *([by_other_seeds(again)] if again else []), "MACs", "params", "candidate",
        *(["run"] if compared else []),
    ]  # fmt: skip
    rows = [
        [percent_text(m.accuracy), *([str(run.confirmed.get(m.index, ""))] if again else []), count_text(m.macs),
         count_text(m.params), str(m.index), *([name] if compared else [])]
        for m, run, name in zip(points, of_runs, of_names, strict=True)
    ]  # fmt: skip
    text = table_text(columns, rows)
    limit = reference_macs(m for run in runs for m in run.ok)
    if compared:
        shares = [
            [f"{100 * dominated_share(run.ok, limit):.2f}", n] for run, n in zip(runs, names, strict=True)
        ]
        text += "\n\n" + table_text(["hypervolume %", "run"], shares)
    said = [*lacks, *warnings(runs, names)]
    text += "".join(f"\n\nWarning: {warning}." for warning in said)
    return Outcome(text, tuple(files), out, tuple(points), dominated_share(points, limit), tuple(said))


def _sentence(run: Run, m: Measurement) -> str:
    known = run.confirmed.get(m.index)
    again = "" if known is None else f", {known.said}"
    sentence = (
        f"candidate {m.index}, {percent_text(m.accuracy)}% validation accuracy{again}, {count_text(m.macs)} MACs "
        f"({count_text(m.macs_published)} by the published count), {count_text(m.params)} params"
    )
    uncertain = Certainty.of(run).doubt(m)
    return sentence if uncertain is None else f"{sentence}. But {uncertain}"


def _cost(run: Run) -> str:
    """What the search took, as a sentence. A candidate that was rejected took the time to measure it, not to train it."""
    count = len(run.measurements) - len(run.rejected)
    candidates = f"{count} candidate{'s' if count != 1 else ''}"
    if not run.supernet_seconds and not run.confirmed and not run.rejected:
        return f"{run.seconds:,.1f} s of training: {candidates}."
    supernet, again = run.supernet_seconds, sum(each.seconds for each in run.confirmed.values())
    without = sum(each.seconds for each in run.rejected)
    parts = [f"supernet {supernet:,.1f} s"] if supernet else []
    parts.append(f"{candidates} {run.seconds - supernet - again - without:,.1f} s")
    parts += [f"{len(run.confirmed)} of them again {again:,.1f} s"] if run.confirmed else []
    parts += [f"{len(run.rejected)} rejected without training {without:,.1f} s"] if run.rejected else []
    what = "" if run.rejected else " of training"
    return f"{run.seconds:,.1f} s{what}: {', '.join(parts)}."
