"""Student's t: how far means over a few values can be off.

Confidence is 95% in all that is here: the quantile is the one at 97.5%.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

TAIL = 0.975  # 95 in 100 lie between this quantile and its negative


def student_quantile(freedom: float) -> float:
    """Of Student's t at 97.5%, for ``freedom`` > 0 degrees of freedom, which need not be whole.

    Examples:
        >>> f"{student_quantile(1):.3f} {student_quantile(1e9):.3f}"
        '12.706 1.960'
    """
    from scipy.special import stdtrit  # a tenth of the time that scipy.stats takes to import

    return float(stdtrit(freedom, TAIL))


def noise_of_difference(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Half the 95% interval of the difference of two means, by Welch's t; None where either is of one value alone.

    Source: Welch, "The generalization of Student's problem when several different population variances are involved",
    Biometrika 34, 1947.

    Examples:
        >>> f"{noise_of_difference([86.0, 86.2, 86.4], [80.0, 80.2, 80.4]):.2f}"
        '0.45'
    """
    if min(len(one), len(other)) < 2:
        return None
    parts = [statistics.variance(values) / len(values) for values in (one, other)]
    error = math.sqrt(sum(parts))
    if not error:
        return 0.0
    shares = [(part / sum(parts)) ** 2 / (len(v) - 1) for part, v in zip(parts, (one, other), strict=True)]
    return student_quantile(1 / sum(shares)) * error
