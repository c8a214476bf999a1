"""Questions to runs, each answered in a sentence, with its numbers, a picture and a page."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.pages import html
from analysis.pages.sections.global_layers import comparison_html
from analysis.pictures.plot import distinct_names
from analysis.pictures.studies import draw_comparison, picture
from analysis.run import Run, read_run
from analysis.selection.choice import holds_searches, searches
from analysis.studies.global_layers import Comparison, global_question
from records.checks import as_path, one_of
from records.errors import UserError
from records.files import write_errors, write_whole
from records.run_files.settings_file import SETTINGS

QUESTIONS = ("global",)


@dataclass(frozen=True)
class Answer:
    """``text`` is for people, a sentence a line; ``comparisons`` are the records behind it, ``files`` were written.

    Examples:
        >>> Answer("At equal MACs they pay.", (), ()).text
        'At equal MACs they pay.'
    """

    text: str
    comparisons: tuple[Comparison, ...]
    files: tuple[Path, ...]


def answer(
    question: str, paths: str | Path | Sequence[str | Path], *, out: str | Path | None = None
) -> Answer:
    """Whether global layers pay (``global``): ``question-global.json``, ``.png`` and ``.html`` in ``out``, without it in
    the first run's folder. The folder of a hub or a sweep stands for its searches, as far as they are.

    Raises `UserError` for another question, a run without a candidate that was judged, one that is named twice, and an
    ``out`` that is another run's folder.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     found = answer("global", "results/first-search/digits", out=folder)
        >>> found.comparisons[0].verdict
        'unknown'
    """
    one_of("question", question, QUESTIONS)
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    if not paths:
        raise UserError("no run folder is named; accepted: one or more")
    runs = asked_runs(paths)
    folder = as_path("out", paths[0] if out is None else out)
    if (folder / SETTINGS).is_file() and folder.resolve() not in [Path(path).resolve() for path in paths]:
        raise UserError(
            f"{folder} is the folder of another run; accepted: a new folder, or that of a run named here"
        )
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    names = distinct_names(runs)
    found = global_question(runs, names)
    shown = next((each for each in found if each.pairs), found[0])
    stem = f"question-{question}"
    page = html.page("Do global layers pay?", [comparison_html(found)])
    files = (
        write_whole(folder / f"{stem}.json", json.dumps([_record(each) for each in found], indent=1) + "\n"),
        write_whole(folder / f"{stem}.png", picture(lambda axes: draw_comparison(axes, shown))),
        write_whole(folder / f"{stem}.html", page),
    )
    return Answer("\n".join(f"{each.answer}." for each in found), tuple(found), files)


def asked_runs(paths: Sequence[str | Path]) -> list[Run]:
    """The runs in these folders that measured something, a hub's or sweep's searches for itself. Raises `UserError`."""
    runs: list[Run] = []
    for path in paths:
        run = read_run(path)
        several = holds_searches(run)
        for each in searches(run.path, finished=False) if several else [run]:
            if any(each.path.resolve() == other.path.resolve() for other in runs):
                raise UserError(f"{each.path} is named twice; accepted: different run folders")
            each.require_ok()
            runs.append(each)
    return runs


def _record(found: Comparison) -> dict[str, Any]:
    low, high = found.interval
    return {
        "answer": found.answer,
        "verdict": found.verdict,
        "groups": [found.first, found.second],
        "candidates": list(found.counts),
        "runs": found.runs,
        "pairs": [
            {"run": p.run, "first": p.first.index, "second": p.second.index, "difference": p.difference}
            for p in found.pairs
        ],
        "mean": found.mean if math.isfinite(found.mean) else None,
        "interval": [low, high] if math.isfinite(low) else None,
        "confidence": 0.95,
    }
