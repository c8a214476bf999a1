"""A search that began with architectures chosen without training: do the scores rank as training does?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records.measurement import Measurement
from records.run_files.scored import identity, read_scored


@dataclass(frozen=True)
class ScoreRanking:
    """``rows`` are the candidates that were scored and trained: bin of MACs, accuracy in [0, 1], and each score by its
    name, "params" and "MACs" among them, which a score should beat. ``scored`` architectures were scored in all, in
    ``seconds``."""

    rows: tuple[tuple[int, float, dict[str, float | None]], ...]
    scored: int
    seconds: float

    def taus(self) -> dict[str, float | None]:
        """Kendall's tau-b of each score with the accuracies, over the pairs within bins; None without such pairs."""
        names = {name for _, _, scores in self.rows for name in scores}
        return {name: self._tau(name) for name in sorted(names)}

    def _tau(self, name: str) -> float | None:
        rows = [
            (b, accuracy, scores[name]) for b, accuracy, scores in self.rows if scores.get(name) is not None
        ]
        agreement = by_score = by_accuracy = 0
        for place, (b, accuracy, score) in enumerate(rows):
            for other_bin, other_accuracy, other_score in rows[:place]:
                if other_bin == b:
                    one, two = _sign(score, other_score), _sign(accuracy, other_accuracy)
                    agreement, by_score, by_accuracy = (
                        agreement + one * two,
                        by_score + one * one,
                        by_accuracy + two * two,
                    )
        return agreement / math.sqrt(by_score * by_accuracy) if by_score and by_accuracy else None

    def sentences(self) -> list[str]:
        """What a reader of the results should know."""
        said = ", ".join(
            f"{name} {'undefined' if tau is None else f'{tau:+.2f}'}" for name, tau in self.taus().items()
        )
        return [
            f"Scored without training: {self.scored} architectures in {self.seconds:,.1f} s. Kendall's tau with the "
            f"accuracies, within bins of MACs: {said or 'undefined'} (n = {len(self.rows)})"
        ]

    def to_json(self) -> dict[str, Any]:
        return {"kendall_tau": self.taus(), "candidates": len(self.rows), "scored": self.scored}


def _sign(first: Any, second: Any) -> int:
    return (first > second) - (first < second)


def read_score_ranking(folder: Path, measurements: Sequence[Measurement]) -> ScoreRanking | None:
    """Of the run in ``folder``; None for a run without scores. Raises `UserError` for a damaged file."""
    scored = {each.identity: each for each in read_scored(folder)}
    if not scored:
        return None
    rows = []
    for measurement in measurements:
        known = scored.get(identity(measurement.genotype))
        if known is not None and measurement.status == "ok" and measurement.accuracy is not None:
            costs = {"params": float(measurement.params), "MACs": float(measurement.macs)}
            rows.append((known.bin, measurement.accuracy, {**known.scores, **costs}))
    return ScoreRanking(tuple(rows), len(scored), sum(each.seconds for each in scored.values()))
