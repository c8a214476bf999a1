"""A one-shot search's supernet, epoch by epoch, and whether its architecture weights have found anything."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from records.checks import finite
from records.errors import UserError
from records.files import read_present
from records.run_files.json_lines import WITHOUT_IT
from records.run_files.kept_files import EPOCHS

# The least share of the way from equal weights (entropy ln n) to one certain primitive an edge (entropy 0) at which
# a derived architecture counts as found. For logits that differ little the entropy is ln n less half their variance,
# so with 13 primitives and "none" this is a deviation of 0.23: the strongest of an edge, some 1.7 deviations up, then
# weighs one and a half times the average. Below that the batches' noise decides which one is the strongest.
LEAST_WAY = 0.01
# The largest share of a derived architecture's edges that may be skip connections or none before it counts as a
# collapse (Liang et al., "DARTS+", 2019, stop a search at two skips in the normal cell's eight edges, a stricter rule).
MOST_SKIPS = 0.5


@dataclass(frozen=True)
class Supernet:
    """After each epoch: the supernet's validation accuracy in [0, 1], MACs of one image (expected over the
    architecture weights, and of the architecture derived from them), the weights' entropy (nats, mean over edges),
    and the epoch's seconds. ``equal_entropy`` is that of equal weights. Of the last epoch's derived cells ``edges``
    is how many edges they have, and ``skips`` how many of them are skip connections or none. ``weights``: by primitive
    the mean number of edges that have it by the architecture weights, after each epoch that says so (an earlier version's
    do not); ``derived``: by primitive, how many edges of each epoch's derived cells have it."""

    accuracies: tuple[float, ...]
    expected_macs: tuple[float, ...]
    derived_macs: tuple[float, ...]
    entropies: tuple[float, ...]
    times: tuple[float, ...]
    equal_entropy: float
    skips: int = 0
    edges: int = 0
    weights: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    derived: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """What all epochs took."""
        return sum(self.times)

    @property
    def found_below(self) -> float:
        """The entropy, in nats, below which a derived architecture counts as found."""
        return (1 - LEAST_WAY) * self.equal_entropy

    def warning(self) -> str | None:
        """One line if what was derived is noise, for the architecture weights are still as good as equal, or a
        collapse, for skips won; else None."""
        if self.entropies[-1] < self.found_below:
            return self._collapse()
        return (
            "the architecture weights stayed at the entropy of equal weights "
            f"({self.entropies[-1]:.4f} of {self.equal_entropy:.4f} nats): what was derived is not better founded than a "
            "random draw; more --supernet-epochs, more training images or a smaller --batch-size give them more steps"
        )

    def _collapse(self) -> str | None:
        if self.skips <= MOST_SKIPS * self.edges:
            return None
        return (
            f"the supernet collapsed: {self.skips} of the {self.edges} edges of the derived cells are skip connections "
            "or none, which supernets come to prefer whatever they are worth; --auxiliary-skip 1, --operation-stop 0.4 "
            "or fewer --supernet-epochs counter that, and so does a smaller --mac-penalty"
        )


def read_supernet(folder: Path) -> Supernet | None:
    """The supernet of the run in ``folder``; None for a run without one. A last line cut short by a crash is left
    out. Raises `UserError` for a damaged line."""
    path = folder / EPOCHS
    lines = (read_present(path) or b"").split(b"\n")[:-1]
    columns: dict[str, list[float]] = {name: [] for name in _FIELDS}
    choices, equal = 0, 0.0
    counts: Mapping[str, float] = {}
    weights: list[Mapping[str, float]] = []
    derived: list[Mapping[str, float]] = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            counts = _derived(record)
            expected = _expected(record.get("expected_counts") or {})
            choices = len(expected or record["genotype"]["settings"]["primitives"]) + 1  # with "none"
            equal = _number(record.get("equal_entropy", math.log(choices)))
            derived.append(counts)
            weights.append(expected)
            for name, column in columns.items():
                column.append(_number(record[_FIELDS[name]]))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise UserError(
                f"{path}, line {number}, is damaged: it is not an epoch's JSON; {WITHOUT_IT}"
            ) from error
    if not choices:
        return None
    return Supernet(
        **{name: tuple(column) for name, column in columns.items()},
        equal_entropy=equal,
        skips=round(sum(count for primitive, count in counts.items() if primitive.startswith(_IDLE))),
        edges=round(sum(counts.values())),
        weights=_over_epochs(weights),
        derived=_over_epochs(derived),
    )


def _expected(counts: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """By primitive, of all cells."""
    return {name: sum(map(_number, cells.values())) for name, cells in counts.items()}


def _over_epochs(epochs: Sequence[Mapping[str, float]]) -> dict[str, tuple[float, ...]]:
    """By name, a value for each epoch that has any."""
    held = [epoch for epoch in epochs if epoch]
    return {
        name: tuple(epoch.get(name, 0.0) for epoch in held) for name in sorted({n for e in held for n in e})
    }


_IDLE = ("skip", "none")


def _derived(record: dict[str, Any]) -> Mapping[str, float]:
    """By primitive, how many of the derived cells' edges have it; of an earlier version's record by its genotype."""
    if "derived_counts" in record:
        return {name: _number(count) for name, count in record["derived_counts"].items()}
    cells = record["genotype"].get("architecture", {}).values()
    return Counter(primitive for nodes in cells for pairs in nodes for primitive, _ in pairs)


# By the names of `Supernet`, those of an epoch's record.
_FIELDS = {
    "accuracies": "default", "expected_macs": "expected_macs", "derived_macs": "derived_macs",
    "entropies": "entropy", "times": "seconds",
}  # fmt: skip


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not finite(value):
        raise ValueError(f"{value!r} is no number")
    return value
