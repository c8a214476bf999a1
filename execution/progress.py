"""How far a search is, for whoever started it: bars on a terminal, elsewhere a line for each step."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tqdm import tqdm

from records.interface.terminal import say
from records.measurement import Measurement
from records.text import count_text, percent_text


class Best:
    """The best accuracy so far, the first of equal ones, and how many candidates came to which end."""

    def __init__(self, known: Iterable[Measurement] = ()) -> None:
        self.measurement: Measurement | None = None
        self.ends: Counter[str] = Counter()
        for measurement in known:
            self.add(measurement)

    def add(self, measurement: Measurement) -> None:
        self.ends[measurement.status] += 1
        if (
            measurement.status == "ok"
            and measurement.accuracy is not None
            and (self.measurement is None or measurement.accuracy > (self.measurement.accuracy or 0.0))
        ):
            self.measurement = measurement

    @property
    def text(self) -> str:
        if self.measurement is None:
            return "best none yet"
        return f"best {percent_text(self.measurement.accuracy)}%"

    @property
    def summary(self) -> str:
        """The best, and how many ended otherwise than well."""
        others = [f", {count} {end}" for end, count in sorted(self.ends.items()) if end != "ok"]
        return self.text + "".join(others)


class Progress:
    """Candidates as they are measured, ``known`` ones from before a resume: a bar with the best so far, or lines."""

    def __init__(self, total: int, known: list[Measurement]) -> None:
        self.total, self.best = total, Best(known)
        self.bar = tqdm(
            total=total, initial=len(known), unit="candidate", dynamic_ncols=True, disable=None
        )  # None: only on a terminal

    def add(self, measurement: Measurement, total: int) -> None:
        """A candidate more, of ``total``, which the portal's user may have changed."""
        self.total = self.bar.total = total
        self.best.add(measurement)
        if measurement.error is not None and not self.bar.disable:
            self.bar.write(
                f"candidate {measurement.index} {measurement.status}: {measurement.error}", file=sys.stderr
            )
        say(candidate_line(measurement, self.best, self.total))
        self.bar.set_postfix_str(self.best.summary)
        self.bar.update()

    def close(self) -> None:
        self.bar.close()


def candidate_line(measurement: Measurement, best: Best, total: int) -> str:
    """What became of a candidate, of ``total``; ``best`` has counted it."""
    words = [
        f"candidate {measurement.index}: {measurement.status}",
        *([] if measurement.accuracy is None else [f"accuracy {percent_text(measurement.accuracy)}%"]),
        *([] if measurement.epochs is None else [f"until epoch {measurement.epochs}"]),
        f"{count_text(measurement.macs)} MACs",
        f"{count_text(measurement.params)} params",
        f"{measurement.seconds:.1f} s",
        best.text + ("" if best.measurement is None else f" (candidate {best.measurement.index})"),
    ]
    reason = f" ({measurement.error})" if measurement.error else ""
    return f"[{best.ends.total()}/{total}] " + ", ".join(words) + reason


def epoch_line(record: Mapping[str, Any], epochs: int, choices: int) -> str:
    """A supernet's epoch, of ``epochs``; ``choices``: of an edge, "none" among them."""
    return (
        f"[{record['epoch']}/{epochs}] supernet: accuracy {percent_text(record['default'])}%, "
        f"{count_text(record['expected_macs'])} MACs expected, {count_text(record['derived_macs'])} MACs derived, "
        f"entropy {record['entropy']:.4f} nats ({record.get('equal_entropy', math.log(choices)):.4f} with equal weights), "
        f"{record['seconds']:.1f} s"
    )
