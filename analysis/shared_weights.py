"""A `supernet-pareto` search: do shared weights rank as training does, and is its front better than chance?"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records.measurement import Measurement
from records.run_files.scored import identity
from records.run_files.shared_files import (
    CHOSEN,
    EPOCHS,
    FRONT,
    JUDGED,
    LIKE,
    RANDOM,
    read_chosen_records,
    read_seconds,
)
from records.text import percent_text


@dataclass(frozen=True)
class SharedRanking:
    """``pairs``: of each candidate that was judged both ways, its accuracy on shared weights and trained from
    scratch, in [0, 1], and ``macs`` its MACs. ``against_random``: for each random architecture, its accuracy and that of
    the front's point with the nearest MACs. ``seconds`` is what the supernet and its judging took."""

    pairs: tuple[tuple[float, float], ...]
    macs: tuple[int, ...]
    against_random: tuple[tuple[float, float], ...]
    seconds: float
    gone: bool = False  # the file that tells what was chosen

    @property
    def tau(self) -> float | None:
        """Kendall's tau-b of the pairs, in [-1, 1]; None where it has no value, as for a single one."""
        import pandas

        table = pandas.DataFrame(list(self.pairs), columns=["shared", "trained"])
        tau = table["shared"].corr(table["trained"], method="kendall") if len(table) > 1 else math.nan
        return None if math.isnan(tau) else float(tau)

    @property
    def like(self) -> tuple[int, int]:
        """Of how many two candidates whose MACs differ by a ratio of at most `LIKE` shared weights say rightly which is
        the better one, and how many such twos there are; equal accuracies tell nothing."""
        right = count = 0
        for (one, its_macs), (other, macs) in itertools.combinations(
            zip(self.pairs, self.macs, strict=True), 2
        ):
            product = (one[0] - other[0]) * (one[1] - other[1])
            if product and max(its_macs, macs) <= LIKE * min(its_macs, macs):
                right, count = right + (product > 0), count + 1
        return right, count

    @property
    def gain(self) -> float | None:
        """Mean of the front's accuracies less those of random architectures; None without any."""
        differences = [front - chance for chance, front in self.against_random]
        return sum(differences) / len(differences) if differences else None

    def sentences(self) -> list[str]:
        """What a reader of the results should know, a sentence each."""
        if self.gone:
            return [
                f"{CHOSEN} is gone, so what shared weights said of the candidates, and which are random, is not known"
            ]
        tau = "undefined" if self.tau is None else f"{self.tau:.2f}"
        said = [
            f"Kendall's tau between accuracy on shared weights and trained from scratch: {tau} (n = {len(self.pairs)})"
        ]
        right, count = self.like
        if count:
            said.append(
                f"Of two candidates with MACs within a factor of {LIKE:g}, among which shared weights choose, they say rightly "
                f"which is better in {right} of {count} cases"
            )
        if self.gain is not None:
            chance = sum(chance for chance, _ in self.against_random) / len(self.against_random)
            said.append(
                f"Random architectures of the same MACs reach {percent_text(chance)}% on average (n = "
                f"{len(self.against_random)}), the front's nearest points {100 * self.gain:+.2f} points on that"
            )
        return said

    def to_json(self) -> dict[str, Any]:
        return {
            "kendall_tau": self.tau, "pairs": len(self.pairs), "like_pairs": self.like[1], "like_pairs_right": self.like[0],
            "gain_over_random": self.gain,
            "random": len(self.against_random),
        }  # fmt: skip


def read_shared_ranking(folder: Path, measurements: Sequence[Measurement]) -> SharedRanking | None:
    """Of the run in ``folder``; None for a run of another kind. Raises `UserError` for a damaged file."""
    path, seconds = folder / CHOSEN, read_seconds(folder / EPOCHS) + read_seconds(folder / JUDGED)
    if not path.is_file():  # not chosen yet, or taken away
        return SharedRanking((), (), (), seconds, gone=True) if seconds and measurements else None
    chosen = {identity(each.genotype): (each.role, each.accuracy) for each in read_chosen_records(path)}
    judged = [
        (m, *chosen[key])
        for m in measurements
        if m.status == "ok" and (key := identity(m.genotype)) in chosen
    ]
    pairs = tuple((accuracy, m.accuracy) for m, _, accuracy in judged if m.accuracy is not None)
    macs = tuple(m.macs for m, _, _ in judged if m.accuracy is not None)
    front = [m for m, role, _ in judged if role == FRONT]
    against = []
    for measurement, role, _ in judged:
        if role == RANDOM and front:
            nearest = min(front, key=lambda m: abs(math.log(m.macs / measurement.macs)))
            against.append((measurement.accuracy, nearest.accuracy))
    return SharedRanking(pairs, macs, tuple(against), seconds)  # type: ignore[arg-type]
