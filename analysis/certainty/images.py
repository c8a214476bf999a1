"""On how many validation images the accuracies of a run were measured."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from analysis.run import Run

MOST_IMAGES = 200_000  # more are not derived from accuracies


@dataclass(frozen=True)
class ValidationImages:
    """``derived``: the run does not say the number; its accuracies are the multiples of 1 / ``count``."""

    count: int
    derived: bool = False


def validation_images(run: Run) -> ValidationImages | None:
    """What the run says, else what its accuracies tell; None where neither does."""
    count = run.resolved.get("validation_images")
    if type(count) is int and count > 0:
        return ValidationImages(count)
    values = [value for m in run.ok for value in (m.accuracy, *m.history) if value is not None]
    derived = common_denominator(values)
    return None if derived is None else ValidationImages(derived, derived=True)


def common_denominator(shares: Iterable[float]) -> int | None:
    """The least n of which all ``shares`` in [0, 1] are multiples of 1 / n, where that is certain enough to be told.

    None beyond `MOST_IMAGES`, and for an n that divides a power of ten, as of accuracies that were rounded.
    """
    found = 1
    for share in set(shares):
        fraction = Fraction(share).limit_denominator(MOST_IMAGES)
        if fraction.numerator / fraction.denominator != share:
            return None
        found = math.lcm(found, fraction.denominator)
        if found > MOST_IMAGES:
            return None
    return None if 10**12 % found == 0 else found
