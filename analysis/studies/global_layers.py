"""Do global layers pay? Candidates with them beside candidates without, at equal MACs.

Pairs are made within each run, by the assignment of least total difference in log MACs (Rosenbaum, "Optimal matching for
observational studies", JASA 84, 1989), none more than `CALIPER` apart. What is left of a difference in MACs is taken off
by the slope of accuracy over log MACs (Abadie and Imbens, "Bias-corrected matching estimators for average treatment
effects", JBES 29, 2011). The interval is Student's t over the pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.certainty.student import student_quantile
from analysis.run import Run
from records.measurement import Measurement
from search_space.contents import global_share

CALIPER = math.log(1.1)  # two candidates of a pair have MACs that differ by a tenth at most
LEAST = 6  # pairs: fewer are not relied on
MOST = 1500  # candidates of a run that are paired; of more evenly picked ones


@dataclass(frozen=True)
class Pair:
    """Two candidates of a run; ``difference`` is what the first's accuracy is above the second's at equal MACs, in
    [-1, 1]."""

    run: str
    first: Measurement
    second: Measurement
    difference: float


@dataclass(frozen=True)
class Comparison:
    """Pairs of a candidate of the ``first`` group and one of the ``second``; ``counts`` is how many candidates each group
    has, ``others`` how many are in neither, ``runs`` of how many runs. ``points`` are (MACs, accuracy, whether of the first) of all candidates."""

    first: str
    second: str
    counts: tuple[int, int]
    runs: int
    pairs: tuple[Pair, ...]
    points: tuple[tuple[int, float, bool], ...]
    others: int = 0

    @property
    def enough(self) -> bool:
        return len(self.pairs) >= LEAST

    @property
    def mean(self) -> float:
        """The mean difference in accuracy; nan without pairs."""
        return float(np.mean([pair.difference for pair in self.pairs])) if self.pairs else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of the mean; infinite for fewer than two pairs."""
        count = len(self.pairs)
        if count < 2:
            return -math.inf, math.inf
        error = float(np.std([pair.difference for pair in self.pairs], ddof=1)) / math.sqrt(count)
        reach = student_quantile(count - 1) * error
        return self.mean - reach, self.mean + reach

    @property
    def verdict(self) -> str:
        """ "yes", "no" (they cost accuracy) or "unknown"."""
        low, high = self.interval
        if not self.enough or low <= 0 <= high:
            return "unknown"
        return "yes" if low > 0 else "no"

    @property
    def answer(self) -> str:
        """One sentence."""
        count = f"n = {len(self.pairs)} pair{'s'[: len(self.pairs) != 1]} from {self.runs} run{'s'[: self.runs != 1]}"
        if not self.enough:
            unknown = (
                f"Whether candidates {self.first} are better at equal MACs cannot be told from these runs"
            )
            return f"{unknown}: {self._too_few(count)}"
        low, high = (100 * end for end in self.interval)
        numbers = (
            f"{100 * self.mean:+.2f} points of accuracy, 95% interval {low:+.2f} to {high:+.2f}, {count}"
        )
        if self.verdict == "unknown":
            return f"Whether candidates {self.first} are better at equal MACs cannot be told from these runs: {numbers}"
        worth = "pay" if self.verdict == "yes" else "do not pay"
        return f"At equal MACs candidates {self.first} {worth}: {numbers}, against those {self.second}"

    def _too_few(self, count: str) -> str:
        some, others = self.counts
        median = _median_of(self.runs)
        neither = f"{self.others} with just {median}, which are in neither group"
        if not some and not others:
            return (
                f"all {self.others} candidates have just {median}"
                if self.others
                else "no candidate is of either kind"
            )
        if not some or not others:
            all_of_them, none = (self.first, self.second) if some else (self.second, self.first)
            if self.others:
                return f"{_candidates(some + others)} {all_of_them}, none {none}, {neither}"
            return f"all {some + others} candidates are {all_of_them}, none is {none}"
        groups = f"{_candidates(some)} {self.first}, {others} {self.second}"
        groups += f", {neither}" if self.others else ""
        return f"{count} of like MACs ({groups}), and it takes {LEAST} pairs"


def _median_of(runs: int) -> str:
    return "the median" if runs == 1 else "their run's median"


def _candidates(count: int) -> str:
    return f"{count} candidate{'s'[: count != 1]}"


def global_question(runs: Sequence[Run], names: Sequence[str]) -> list[Comparison]:
    """Candidates with a global layer against those without; and, where most have some, those with a larger share of them
    than the run's median against those with a smaller one."""
    shares = [_shares(run) for run in runs]
    found = [_compared(names, shares, ("with global layers", "without"), lambda share, _: share > 0)]
    if not found[0].enough:
        groups = (f"with more global layers than {_median_of(len(runs))}", "with fewer")
        found.append(_compared(names, shares, groups, _above))
    return found


def _above(share: float, middle: float) -> bool | None:
    return None if share == middle else share > middle


_Shares = list[tuple[Measurement, float]]


def _shares(run: Run) -> _Shares:
    ok = [m for m in run.ok if m.macs > 0]
    ok = ok[:: -(-len(ok) // MOST) or 1]
    known = [(m, global_share(m.genotype.get("architecture"))) for m in ok]
    return [(m, share) for m, share in known if share is not None]


def _compared(
    names: Sequence[str],
    shares: Sequence[_Shares],
    groups: tuple[str, str],
    belongs: Callable[[float, float], bool | None],
) -> Comparison:
    pairs: list[Pair] = []
    points: list[tuple[int, float, bool]] = []
    counts, others = [0, 0], 0
    for name, own in zip(names, shares, strict=True):
        middle = float(np.median([share for _, share in own])) if own else 0.0
        sides = [(m, belongs(share, middle)) for m, share in own]
        first = [m for m, side in sides if side is True]
        second = [m for m, side in sides if side is False]
        counts = [counts[0] + len(first), counts[1] + len(second)]
        others += len(sides) - len(first) - len(second)
        points += [(m.macs, _accuracy(m), side) for m, side in sides if side is not None]
        pairs += _pairs(name, first, second)
    return Comparison(*groups, (counts[0], counts[1]), len(names), tuple(pairs), tuple(points), others)


def _pairs(name: str, first: Sequence[Measurement], second: Sequence[Measurement]) -> list[Pair]:
    if not first or not second:
        return []
    from scipy.optimize import linear_sum_assignment

    x, y = (np.log([m.macs for m in group]) for group in (first, second))
    apart = np.abs(x[:, None] - y[None, :])
    # Beyond the caliper a pair costs more than all that are within: as many of these as can be are made.
    rows, columns = linear_sum_assignment(np.where(apart <= CALIPER, apart, CALIPER * 2 * (len(x) + len(y))))
    slope = _slope(x, list(map(_accuracy, first)), y, list(map(_accuracy, second)))
    return [
        Pair(
            name,
            first[i],
            second[j],
            _accuracy(first[i]) - _accuracy(second[j]) - slope * float(x[i] - y[j]),
        )
        for i, j in zip(rows, columns, strict=True)
        if apart[i, j] <= CALIPER
    ]


def _accuracy(m: Measurement) -> float:
    """The search's own: those of confirmed candidates are from longer trainings."""
    return m.accuracy or 0.0


def _slope(x: np.ndarray, a: Sequence[float], y: np.ndarray, b: Sequence[float]) -> float:
    """Of accuracy over log MACs, by least squares within both groups; 0 where their MACs do not differ."""
    log = np.concatenate([x - x.mean(), y - y.mean()])
    accuracy = np.concatenate([np.array(a) - np.mean(a), np.array(b) - np.mean(b)])
    spread = float(log @ log)
    return float(log @ accuracy) / spread if spread > 1e-12 else 0.0
