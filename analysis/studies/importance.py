"""Which decisions matter: a random forest that predicts accuracy or MACs, and how much worse it does without each one.

Sources: Breiman, "Random forests", Machine Learning 45 (2001), for permutation importance; Gregorutti, Michel and
Saint-Pierre, "Correlation and variable importance in random forests", Statistics and Computing 27 (2017): where
decisions are independent and their effects add up, it is twice the variance that a decision is the cause of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.front import front
from analysis.studies.contents import PRIMITIVE, SIZE, contents
from records.measurement import Measurement

LEAST, MOST = 30, 600  # candidates: fewer say nothing, of more evenly picked ones
FOLDS, TREES, REPEATS = 3, 60, 5
LEAST_EXPLAINED = 0.05  # of the variance: below, importances are those of noise
NEAR = 0.25  # the share of candidates that counts as near the front


@dataclass(frozen=True)
class Importance:
    """``shares``: by decision, the share of the target's variance that it is the cause of, by falling share, each with the
    standard deviation over folds. ``explained`` is the share of the variance of candidates that were not learned from
    which the forest predicts. ``reason`` says why there are no shares, where there are none."""

    target: str
    among: str
    candidates: int
    explained: float = 0.0
    shares: tuple[tuple[str, float, float], ...] = ()
    reason: str = ""


def importances(measurements: Sequence[Measurement]) -> list[Importance]:
    """For accuracy and for MACs, among all candidates that were judged and among those near the front. The decisions are
    how often a candidate has each operation, and its sizes."""
    ok = [m for m in measurements if m.status == "ok" and m.accuracy is not None]
    found = []
    for among, chosen in (("all candidates", ok), ("candidates near the front", near_front(ok))):
        chosen = chosen[:: -(-len(chosen) // MOST) or 1]
        table = contents(chosen).of(PRIMITIVE, SIZE).varied()
        for target, values in (
            ("accuracy", [m.accuracy for m in chosen]),
            ("MACs", [float(np.log(max(m.macs, 1))) for m in chosen]),
        ):
            found.append(importance(table.counts, table.names, np.array(values, float), target, among))
    return found


def near_front(measurements: Sequence[Measurement]) -> list[Measurement]:
    """The quarter of them that lacks least accuracy of what the front has for no more MACs."""
    if not measurements:
        return []
    points = front(measurements)
    macs = np.array([m.macs for m in measurements], float)
    at = np.searchsorted([m.macs for m in points], macs, side="right") - 1
    best = np.array([m.accuracy for m in points], float)[at]
    lacking = best - np.array([m.accuracy for m in measurements], float)
    kept = np.argsort(lacking, kind="stable")[: max(int(NEAR * len(measurements)), len(points))]
    return [measurements[place] for place in sorted(kept.tolist())]


def importance(
    table: np.ndarray, names: Sequence[str], values: np.ndarray, target: str, among: str = "all candidates"
) -> Importance:
    """Of the columns of ``table`` (candidates, decisions) for ``values``. Each of `FOLDS` parts is predicted by a forest that
    learned from the others; a decision's column of that part is then shuffled, and half of what the share of explained
    variance falls by is the decision's."""
    count = len(values)
    if count < LEAST:
        return Importance(target, among, count, reason=f"{count} candidates are too few; it takes {LEAST}")
    if np.ptp(values) == 0 or not names:
        return Importance(target, among, count, reason="they do not differ")
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import KFold

    falls, explained = [], []
    for learned, held in KFold(FOLDS, shuffle=True, random_state=0).split(table):
        forest = RandomForestRegressor(TREES, min_samples_leaf=2, max_features=0.5, random_state=0, n_jobs=1)
        forest.fit(table[learned], values[learned])
        explained.append(explained_share(forest, table[held], values[held]))
        shuffled = permutation_importance(
            forest, table[held], values[held], scoring=explained_share, n_repeats=REPEATS, random_state=0,
            n_jobs=1,
        )  # fmt: skip
        falls.append(shuffled.importances_mean / 2)
    score = float(np.mean(explained))
    if score < LEAST_EXPLAINED:
        told = (
            f"the forest explains {max(100 * score, 0):.0f}% of the variance: no decision is seen to matter"
        )
        return Importance(target, among, count, score, reason=told)
    means, spread = np.mean(falls, 0), np.std(falls, 0, ddof=1)
    order = np.argsort(-means, kind="stable")
    shares = tuple((names[i], float(means[i]), float(spread[i])) for i in order)
    return Importance(target, among, count, score, shares)


def explained_share(forest: Any, table: np.ndarray, values: np.ndarray) -> float:
    """The share of the variance of ``values`` (candidates,) that ``forest`` predicts from ``table`` (candidates,
    decisions): its own ``score``, ten times as fast, since a table is checked once and not for each tree."""
    from sklearn.metrics import r2_score

    checked = np.ascontiguousarray(table, np.float32)  # as trees take it
    predicted = np.mean([tree.tree_.predict(checked)[:, 0] for tree in forest.estimators_], axis=0)
    return float(r2_score(values, predicted))
