"""Candidates as tables of pandas, for whoever goes on with them in a notebook, and a front as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.front import front
from analysis.run import Run, read_run
from records.genotype_key import genotype_key
from records.measurement import Measurement

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "run",
    "index",
    "accuracy_percent",
    "macs",
    "macs_published",
    "params",
    "latency_ms",
    "seconds",
    "seed",
    "genotype",
)

_AGAIN = ("confirmed_percent", "confirmed_deviation", "confirmed_seeds")


def candidates_table(*paths: str | Path) -> pd.DataFrame:
    """Every candidate of the run folders, a row each: ``run`` (the folder's name), ``index``, ``status``,
    ``accuracy_percent`` (of the validation images; NaN unless the status is ok), ``macs``, ``macs_published`` and
    ``params`` of one image, ``latency_ms`` (NaN where it was not measured), ``seconds``, ``seed``, ``on_front`` (of all these runs together), ``genotype`` (its
    key) and ``error``. Raises `UserError`.

        candidates_table("runs/first").plot.scatter("macs", "accuracy_percent")
    """
    import pandas as pd

    runs = [read_run(path) for path in paths]
    best = {id(m) for m in front(m for run in runs for m in run.ok)}
    rows = [
        {**_row(m, run.name), "status": m.status, "on_front": id(m) in best, "error": m.error}
        for run in runs
        for m in run.measurements
    ]
    columns = [*COLUMNS[:2], "status", *COLUMNS[2:-1], "on_front", COLUMNS[-1], "error"]
    return pd.DataFrame(rows, columns=columns)


def front_csv(points: Sequence[Measurement], runs: Sequence[Run], names: Iterable[str]) -> str:
    """The points of a front in their order, ranked from 1, as CSV; ``runs`` are those that they are of, and ``names``
    their names. ``confirmed_percent``, ``confirmed_deviation`` and ``confirmed_seeds`` are of those that were trained
    again by other seeds; they are left out where none was."""
    again = _AGAIN if any(run.confirmed for run in runs) else ()
    text = io.StringIO()
    table = csv.DictWriter(text, ["rank", *COLUMNS[:3], *again, *COLUMNS[3:]], lineterminator="\n")
    table.writeheader()
    for rank, (m, run, name) in enumerate(zip(points, runs, names, strict=True), start=1):
        table.writerow({"rank": rank} | _row(m, name) | _again(m, run))
    return text.getvalue()


def _again(m: Measurement, run: Run) -> dict[str, object]:
    known = run.confirmed.get(m.index)
    if known is None:
        return {}
    deviation = None if known.deviation is None else round(100 * known.deviation, 8)
    return dict(zip(_AGAIN, (round(100 * known.mean, 8), deviation, len(known.accuracies)), strict=True))


def _row(m: Measurement, name: str) -> dict[str, object]:
    percent = None if m.accuracy is None else round(100 * m.accuracy, 8)
    values = (
        name,
        m.index,
        percent,
        m.macs,
        m.macs_published,
        m.params,
        m.latency,
        m.seconds,
        m.seed,
        genotype_key(m.genotype),
    )
    return dict(zip(COLUMNS, values, strict=True))


def front_of(*paths: str | Path) -> pd.DataFrame:
    """The rows of `candidates_table` that are on the common front, by rising MACs. Raises `UserError`."""
    table = candidates_table(*paths)
    return table[table["on_front"]].sort_values(["macs", "index"]).reset_index(drop=True)


def importance_table(*paths: str | Path) -> pd.DataFrame:
    """How much each decision matters in the runs together, a row each: ``target`` (accuracy or MACs), ``among`` (all
    candidates, or those near the front), ``decision``, ``share_percent`` of the target's variance, its ``deviation`` over
    folds, how many ``candidates`` it is from and the ``explained_percent`` of the variance; see
    `analysis.studies.importance`. No rows where nothing can be said. Raises `UserError`."""
    import pandas as pd

    from analysis.studies.importance import importances

    found = importances([m for path in paths for m in read_run(path).ok])
    rows = [
        (each.target, each.among, name, 100 * share, 100 * spread, each.candidates, 100 * each.explained)
        for each in found
        for name, share, spread in each.shares
    ]
    columns = ["target", "among", "decision", "share_percent", "deviation", "candidates", "explained_percent"]
    return pd.DataFrame(rows, columns=columns)
