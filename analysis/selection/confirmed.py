"""Candidates that were trained again by other seeds: how far a candidate's accuracy can be trusted."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from records.measurement import Measurement
from records.text import percent_text


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
    def said(self) -> str:
        """As in a sentence: what stands after ± is named."""
        if self.deviation is None:
            return f"{percent_text(self.mean)}% {by_other_seeds([self])} (1 seed)"
        number = f"{percent_text(self.mean)} ± {100 * self.deviation:.2f}%"
        return f"{number} {by_other_seeds([self])} (standard deviation over {len(self.accuracies)} seeds)"

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


def by_other_seeds(confirmed: Iterable[Confirmation]) -> str:
    """What the numbers of these are called, such as "by other seeds, 6 epochs"."""
    epochs = sorted({each.epochs for each in confirmed})
    if not epochs:
        return "by other seeds"
    length = f"{epochs[0]}" if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]}"
    return f"by other seeds, {length} epoch{'s'[: epochs != [1]]}"
