"""How often each operation, kind of physics, step count, width and depth stands on the front, against everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.front import front
from analysis.studies.contents import PHYSICS, PRIMITIVE, SIZE, STEPS, Contents, contents
from records.measurement import Measurement

DRAWS = 2000
MOST = 5000  # candidates that are looked at besides the front's
_OUT_OF = {
    PRIMITIVE: "all operations",
    PHYSICS: "global layers",
    STEPS: "global layers with steps",
    SIZE: "networks",
}


@dataclass(frozen=True)
class Frequency:
    """The share of ``name`` among the operations, global layers or networks (``out_of``) of the front's candidates, and of
    all candidates. ``chance`` are the 2.5% and 97.5% quantiles of that share over random draws of as many candidates as the
    front has: a share within may be the luck of so few. Shares are in [0, 1], nan where there is nothing to share."""

    group: str
    name: str
    out_of: str
    on_front: float
    everywhere: float
    chance: tuple[float, float]

    @property
    def told(self) -> str:
        """ "more", "less" or "as often", as far as chance does not do it."""
        low, high = self.chance
        return "more" if self.on_front > high else "less" if self.on_front < low else "as often"


def frequencies(measurements: Sequence[Measurement], seed: int = 0) -> list[Frequency]:
    """Of the candidates that were judged; none where all are on the front. Of very many, evenly picked ones stand for the
    others."""
    ok = [m for m in measurements if m.status == "ok"]
    best = {id(m) for m in front(ok)}
    others = [m for m in ok if id(m) not in best]
    others = others[:: -(-len(others) // MOST) or 1]
    if not others:
        return []
    kept = [m for m in ok if id(m) in best] + others
    table = _with_each_size(contents(kept))
    rng = np.random.default_rng(seed)
    size = len(best)
    drawn = np.stack([_total(table, rng.choice(len(kept), size, replace=False)) for _ in range(DRAWS)])
    wholes = np.stack([_wholes(table, row, size) for row in drawn])
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = drawn / wholes
        every = table.counts.sum(0) / _wholes(table, table.counts.sum(0), len(kept))
        own = table.counts[:size].sum(0)
        own = own / _wholes(table, own, size)
    found = []
    for column, (group, name) in enumerate(zip(table.groups, table.names, strict=True)):
        values = shares[:, column][np.isfinite(shares[:, column])]
        low, high = np.quantile(values, [0.025, 0.975]) if len(values) else (np.nan, np.nan)
        found.append(
            Frequency(
                group,
                name,
                _OUT_OF[group],
                float(own[column]),
                float(every[column]),
                (float(low), float(high)),
            )
        )
    return found


def _total(table: Contents, rows: np.ndarray) -> np.ndarray:
    return table.counts[rows].sum(0)


def _wholes(table: Contents, totals: np.ndarray, candidates: int) -> np.ndarray:
    """What each column is a share of: its group's total; for a size the number of candidates."""
    groups = np.array(table.groups)
    wholes = np.full(len(groups), float(candidates))
    for group in (PRIMITIVE, PHYSICS, STEPS):
        wholes[groups == group] = totals[groups == group].sum()
    return wholes


def _with_each_size(table: Contents) -> Contents:
    """A column for each value of a size that varies, 1 where a candidate has it."""
    names, columns = [], []
    sizes = table.of(SIZE).varied()
    for place, name in enumerate(sizes.names):
        for value in np.unique(sizes.counts[:, place]):
            names.append(f"{name} {value:g}")
            columns.append(sizes.counts[:, place] == value)
    rest = table.of(PRIMITIVE, PHYSICS, STEPS)
    counts = np.column_stack([rest.counts, *columns]) if columns else rest.counts
    return Contents(rest.groups + (SIZE,) * len(names), rest.names + tuple(names), counts.astype(float))
