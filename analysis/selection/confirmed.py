"""Candidates that were trained again by other seeds: how far a candidate's accuracy can be trusted."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from records.measurement import Measurement
from records.text import count_text, percent_text


@dataclass(frozen=True)
class Confirmation:
    """What a candidate came to when it was trained again: ``accuracies`` in [0, 1], a seed each, after ``epochs``
    epochs, and the ``seconds`` of all these trainings.

    Examples:
        >>> confirmation = Confirmation((0.9, 0.92, 0.94), epochs=6)
        >>> f"{confirmation.mean:.2f} {confirmation.deviation:.2f} {confirmation}"
        '0.92 0.02 92.00 ± 2.00% (n = 3)'
    """

    accuracies: tuple[float, ...]
    epochs: int
    seconds: float = 0.0

    @property
    def mean(self) -> float:
        return statistics.mean(self.accuracies)

    @property
    def deviation(self) -> float | None:
        """Standard deviation over the seeds; None of a single one."""
        return statistics.stdev(self.accuracies) if len(self.accuracies) > 1 else None

    @property
    def error(self) -> float | None:
        """Standard error of the mean; None of a single seed."""
        return None if self.deviation is None else self.deviation / math.sqrt(len(self.accuracies))

    def __str__(self) -> str:
        spread = "" if self.deviation is None else f" ± {100 * self.deviation:.2f}"
        return f"{percent_text(self.mean)}{spread}% (n = {len(self.accuracies)})"


def confirmations(measurements: Sequence[Measurement]) -> dict[int, Confirmation]:
    """By candidate's index, of the longest trainings there are; failed ones are left out."""
    ok = [m for m in measurements if m.status == "ok" and m.accuracy is not None]
    longest = max((len(m.history) for m in ok), default=0)
    groups: dict[int, list[Measurement]] = {}
    for measurement in sorted(ok, key=lambda m: (m.index, m.seed)):
        if len(measurement.history) == longest:
            groups.setdefault(measurement.index, []).append(measurement)
    return {
        index: Confirmation(
            tuple(m.accuracy for m in group if m.accuracy is not None), longest, sum(m.seconds for m in group)
        )
        for index, group in groups.items()
    }


def doubt(
    chosen: Measurement, others: Sequence[Measurement], confirmed: Mapping[int, Confirmation]
) -> str | None:
    """A sentence where ``chosen``'s lead over one of ``others`` with fewer MACs is within the noise of the seeds; None
    where it is not, or nothing was confirmed.

    The noise of a difference of two means is twice its standard error, from the deviations of both.
    """
    best = confirmed.get(chosen.index)
    if best is None or best.error is None:
        return None
    rivals = []
    for other in others:
        known = confirmed.get(other.index)
        if known is None or known.error is None or other.macs >= chosen.macs:
            continue
        noise = 2 * math.hypot(best.error, known.error)
        if best.mean - known.mean <= noise:
            rivals.append((other, known, noise))
    if not rivals:
        return None
    other, known, noise = min(rivals, key=lambda rival: rival[0].macs)
    return (
        f"candidate {chosen.index}'s lead over candidate {other.index} ({known}, {count_text(other.macs)} MACs) is "
        f"within the noise of the seeds ({100 * noise:.2f} points): that one may be as good, with "
        f"{100 * (1 - other.macs / chosen.macs):.0f}% fewer MACs"
    )
