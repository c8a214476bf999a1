"""The noise of accuracies, and which candidates it makes equal.

An accuracy p of n images is the mean of n answers that are right or wrong: its standard error is the binomial
one, ``sqrt(p (1 - p) / n)``. Two accuracies may be equal where they differ by less than twice the standard error of their
difference. The errors of two networks on the same images go together, so the noise of their difference is at most
what is computed here from both alone (McNemar's paired test needs the answers, which no run keeps).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from analysis.certainty.images import ValidationImages, validation_images
from analysis.run import Run
from records.measurement import Measurement

SURE = 2.0  # standard errors: 95 in 100


def standard_error(accuracy: float, images: int) -> float:
    """Of an accuracy in [0, 1] on ``images``. Where none is wrong, or right, it is as if one were."""
    least = 1 / max(images, 2)
    share = min(max(accuracy, least), 1 - least)
    return math.sqrt(share * (1 - share) / images)


@dataclass(frozen=True)
class Tie:
    """A candidate that may be as good as another one, whose accuracy is ``lead`` above its own (below, where negative),
    for the ``noise`` of the difference is no less; both in [0, 1]."""

    measurement: Measurement
    lead: float
    noise: float


@dataclass(frozen=True)
class Certainty:
    """How sure the accuracies of ``run`` are; ``images`` is None where it cannot be known on how many they were
    measured."""

    run: Run
    images: ValidationImages | None

    @classmethod
    def of(cls, run: Run) -> Certainty:
        return cls(run, validation_images(run))

    def error(self, accuracy: float) -> float | None:
        """The standard error of one training's accuracy."""
        return None if self.images is None else standard_error(accuracy, self.images.count)

    def margin(self, measurement: Measurement) -> float | None:
        """Twice the standard error of what a candidate was measured at in the search."""
        error = self.error(measurement.accuracy or 0.0)
        return None if error is None else SURE * error

    def tie(self, chosen: Measurement, other: Measurement) -> Tie | None:
        """Whether ``other`` may be as good as ``chosen``; None also where that cannot be known.

        Those that were both trained again are compared by their means, with the noise of seeds and of images; else
        what both were measured at in the search, with that of images.
        """
        one, two = self.run.confirmed.get(chosen.index), self.run.confirmed.get(other.index)
        errors: list[float | None]
        if one is not None and two is not None:
            accuracies = one.mean, two.mean
            errors = [one.error, two.error]
        else:
            accuracies = chosen.accuracy or 0.0, other.accuracy or 0.0
            errors = []
        errors += map(self.error, accuracies)
        known = [error for error in errors if error is not None]
        lead, noise = accuracies[0] - accuracies[1], SURE * math.hypot(*known)
        return Tie(other, lead, noise) if known and lead <= noise else None

    def ties(self, chosen: Measurement, among: Iterable[Measurement]) -> list[Tie]:
        """Those ``among`` judged candidates that may be as good as ``chosen``, by rising MACs."""
        tied = [self.tie(chosen, m) for m in among if m.index != chosen.index and m.status == "ok"]
        return sorted(
            (tie for tie in tied if tie is not None), key=lambda t: (t.measurement.macs, t.measurement.index)
        )
