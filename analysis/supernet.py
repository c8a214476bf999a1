"""A one-shot search's supernet, epoch by epoch, and whether its architecture weights have learned anything."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records.errors import UserError

EPOCHS = "oneshot.jsonl"
# The least share of the way from equal weights (entropy ln n) to one certain primitive an edge (entropy 0) at which
# a derived architecture counts as found. For logits that differ little the entropy is ln n less half their variance,
# so with 13 primitives and "none" this is a deviation of 0.23: the strongest of an edge, some 1.7 deviations up, then
# weighs one and a half times the average. Below that the batches' noise decides which one is the strongest.
LEAST_WAY = 0.01


@dataclass(frozen=True)
class Supernet:
    """After each epoch: the supernet's validation accuracy in [0, 1], MACs of one image (expected over the
    architecture weights, and of the architecture derived from them), the weights' entropy (nats, mean over edges),
    and the epoch's seconds. ``equal_entropy`` is that of equal weights."""

    accuracies: tuple[float, ...]
    expected_macs: tuple[float, ...]
    derived_macs: tuple[float, ...]
    entropies: tuple[float, ...]
    times: tuple[float, ...]
    equal_entropy: float

    @property
    def seconds(self) -> float:
        """What all epochs took."""
        return sum(self.times)

    @property
    def found_below(self) -> float:
        """The entropy, in nats, below which a derived architecture counts as found."""
        return (1 - LEAST_WAY) * self.equal_entropy

    def warning(self) -> str | None:
        """One line if the architecture weights are still as good as equal; None if they are not."""
        if self.entropies[-1] < self.found_below:
            return None
        return (
            "the architecture weights stayed at the entropy of equal weights "
            f"({self.entropies[-1]:.4f} of {self.equal_entropy:.4f} nats): what was derived is not better founded than a "
            "random draw; more --supernet-epochs, more training images or a smaller --batch-size give them more steps"
        )


def read_supernet(folder: Path) -> Supernet | None:
    """The supernet of the run in ``folder``; None for a run without one. A last line cut short by a crash is left
    out. Raises `UserError` for a damaged line."""
    path = folder / EPOCHS
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    columns: dict[str, list[float]] = {name: [] for name in _FIELDS}
    choices = 0
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            choices = len(record["genotype"]["settings"]["primitives"]) + 1  # with "none"
            for name, column in columns.items():
                column.append(_number(record[_FIELDS[name]]))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise UserError(f"{path}, line {number}, is damaged: it is not an epoch's JSON") from error
    if not choices:
        return None
    return Supernet(
        **{name: tuple(column) for name, column in columns.items()}, equal_entropy=math.log(choices)
    )


# By the names of `Supernet`, those of an epoch's record.
_FIELDS = {
    "accuracies": "default", "expected_macs": "expected_macs", "derived_macs": "derived_macs",
    "entropies": "entropy", "times": "seconds",
}  # fmt: skip


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return value
