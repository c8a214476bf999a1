"""How sure a front is over several runs: what a quarter, half and three quarters of them attained, and their hypervolumes.

Sources: Fonseca and Fleming, "On the performance assessment and comparison of stochastic multiobjective optimizers",
PPSN 1996, for attainment surfaces; computed by moocore (López-Ibáñez, Paquete and Stützle, "Exploratory analysis of
stochastic local search algorithms in biobjective optimization", 2010).
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.front import front
from analysis.hypervolume import dominated_share, reference_macs
from analysis.run import Run

QUANTILES = (25, 50, 75)  # percent of the runs
_NOT_ALIKE = ("seed", "run_dir", "port", "portal", "host", "resume", "hosts", "concurrency", "device")
Point = tuple[float, float]  # (MACs, accuracy in [0, 1])


@dataclass(frozen=True)
class Attainment:
    """Of ``runs``, by name. ``surfaces``: by percent of the runs, the corners by rising MACs of what at least so many of them
    attained; one that fewer of them reached anywhere is empty. ``hypervolumes`` in [0, 1] are each run's own, to the
    common ``limit`` of MACs; ``alike``: the runs differ in their seeds alone."""

    runs: tuple[str, ...]
    surfaces: dict[int, tuple[Point, ...]]
    hypervolumes: tuple[float, ...]
    limit: float
    alike: bool = True

    @property
    def quartiles(self) -> tuple[float, float, float]:
        """Lower quartile, median and upper quartile of the hypervolumes."""
        low, middle, high = np.quantile(self.hypervolumes, [q / 100 for q in QUANTILES])
        return float(low), float(middle), float(high)

    @property
    def deviation(self) -> float | None:
        return statistics.stdev(self.hypervolumes) if len(self.hypervolumes) > 1 else None


def attainment(runs: Sequence[Run], names: Sequence[str]) -> Attainment | None:
    """None for fewer than two runs that measured something, and for runs of different data sets."""
    judged = [(run, name) for run, name in zip(runs, names, strict=True) if run.ok]
    if len(judged) < 2 or len({run.dataset for run, _ in judged}) > 1:
        return None
    fronts = [[(float(m.macs), m.accuracy or 0.0) for m in front(run.ok)] for run, _ in judged]
    limit = reference_macs(m for run, _ in judged for m in run.ok)
    return Attainment(
        tuple(name for _, name in judged),
        surfaces(fronts),
        tuple(dominated_share(run.ok, limit) for run, _ in judged),
        limit,
        len({_question(run) for run, _ in judged}) == 1,
    )


def surfaces(
    fronts: Sequence[Sequence[Point]], quantiles: Sequence[int] = QUANTILES
) -> dict[int, tuple[Point, ...]]:
    """By percent, the corners of what at least that share of ``fronts`` attained, rounded up to whole fronts."""
    import moocore  # takes a fifth of a second

    table = np.array([(macs, -accuracy) for points in fronts for macs, accuracy in points])
    owner = np.repeat(np.arange(1, len(fronts) + 1), [len(points) for points in fronts])
    found = moocore.eaf(table, owner, percentiles=list(quantiles))
    return {
        quantile: tuple(sorted((float(m), -float(a)) for m, a, of in found if of == quantile))
        for quantile in quantiles
    }


def _question(run: Run) -> str:
    """What a run was asked for, but for its seed and where it ran."""
    return repr(sorted((name, repr(value)) for name, value in run.settings.items() if name not in _NOT_ALIKE))
