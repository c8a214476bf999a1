"""The noise of accuracies, and which candidates it makes equal.

An accuracy p of n images is the mean of n answers that are right or wrong: its standard error is the binomial
one, ``sqrt(p (1 - p) / n)``. Two candidates that were both trained again by other seeds are compared by their means;
the noise of this difference is that of seeds (Welch's t) and of images (two standard errors) together. Otherwise both
are compared by what the search measured, with the noise of images alone. The errors of two networks on the same images go
together, so the noise of their difference is at most what is computed here from both alone (McNemar's paired test
needs the answers, which no run keeps).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from analysis.certainty.images import ValidationImages, validation_images
from analysis.certainty.student import noise_of_difference
from analysis.run import Run
from records.measurement import Measurement
from records.text import count_text, percent_text

SURE = 2.0  # standard errors: 95 in 100


def standard_error(accuracy: float, images: int) -> float:
    """Of an accuracy in [0, 1] on ``images``. Where none is wrong, or right, it is as if one were."""
    least = 1 / max(images, 2)
    share = min(max(accuracy, least), 1 - least)
    return math.sqrt(share * (1 - share) / images)


@dataclass(frozen=True)
class Tie:
    """A candidate that may be as good as another one, whose accuracy is ``lead`` above its own (below, where negative),
    for the ``noise`` of the difference is no less; both in [0, 1].

    ``noise_of`` is what that noise holds, such as "seeds and images"; ``by_seeds``: the means over other seeds were
    compared, otherwise what the search measured.
    """

    measurement: Measurement
    lead: float
    noise: float
    noise_of: str = "images"
    by_seeds: bool = False


@dataclass(frozen=True)
class Certainty:
    """How sure the accuracies of ``run`` are; ``images`` is None where it cannot be known on how many they were
    measured."""

    run: Run
    images: ValidationImages | None

    @classmethod
    def of(cls, run: Run) -> Certainty:
        return cls(run, validation_images(run))

    def _error(self, accuracy: float) -> float:
        """The standard error of an accuracy over the images, whose number is known."""
        assert self.images is not None
        return standard_error(accuracy, self.images.count)

    def margin(self, measurement: Measurement) -> float | None:
        """Twice the standard error over the images of what a candidate was measured at in the search."""
        return None if self.images is None else SURE * self._error(measurement.accuracy or 0.0)

    def tie(self, chosen: Measurement, other: Measurement) -> Tie | None:
        """Whether ``other`` may be as good as ``chosen``; None also where that cannot be known."""
        one, two = self.run.confirmed.get(chosen.index), self.run.confirmed.get(other.index)
        if one is not None and two is not None:
            accuracies = one.mean, two.mean
            of_seeds = noise_of_difference(one.accuracies, two.accuracies)
        else:
            accuracies = chosen.accuracy or 0.0, other.accuracy or 0.0
            of_seeds = None
        of_images = None if self.images is None else SURE * math.hypot(*map(self._error, accuracies))
        known = {
            name: each for name, each in (("seeds", of_seeds), ("images", of_images)) if each is not None
        }
        lead, noise = accuracies[0] - accuracies[1], math.hypot(*known.values())
        by_seeds = one is not None and two is not None
        return Tie(other, lead, noise, " and ".join(known), by_seeds) if known and lead <= noise else None

    def ties(self, chosen: Measurement, among: Iterable[Measurement]) -> list[Tie]:
        """Those ``among`` judged candidates that may be as good as ``chosen``, by rising MACs."""
        tied = [self.tie(chosen, m) for m in among if m.index != chosen.index and m.status == "ok"]
        return sorted(
            (tie for tie in tied if tie is not None), key=lambda t: (t.measurement.macs, t.measurement.index)
        )

    def doubt(self, chosen: Measurement) -> str | None:
        """A sentence where ``chosen`` leads one that may be as good: the smallest such one, if it has fewer MACs, else
        the one nearest in accuracy; else None. One trained again is compared with those that were, too, and where it
        leads all of these, with the others."""
        again = chosen.index in self.run.confirmed
        ties = self.ties(chosen, self.run.ok)
        ties = [tie for tie in ties if tie.by_seeds == again] or ties
        smaller = [tie for tie in ties if tie.measurement.macs < chosen.macs]
        larger = [tie for tie in ties if tie.lead >= 0]
        if not smaller and not larger:
            return None
        tie = smaller[0] if smaller else min(larger, key=lambda each: each.lead)
        other = tie.measurement
        trusted = self.run.trusted(other) if tie.by_seeds or not again else other.accuracy
        accuracy = f"{percent_text(trusted)}%{' by other seeds' if tie.by_seeds else ', measured once' if again else ''}"
        fewer = f", with {100 * (1 - other.macs / chosen.macs):.0f}% fewer MACs" if smaller else ""
        known = f"candidate {other.index} ({accuracy}, {count_text(other.macs)} MACs)"
        if tie.lead <= 0:
            once = "" if again else " was trained once, and"
            return f"candidate {chosen.index}{once} is no more accurate than {known}: that one may be as good{fewer}"
        lead = "'s lead" if again else " was trained once, and its lead"
        return (
            f"candidate {chosen.index}{lead} over {known} is within the noise of {tie.noise_of} "
            f"({100 * tie.noise:.2f} points): that one may be as good{fewer}"
        )
