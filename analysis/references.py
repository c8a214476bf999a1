"""The paper's own results, to be drawn beside what a search found.

Source: the poster of Kag and Saligrama, "Condensing CNNs with Partial Differential Equations", CVPR 2022.
Its accuracies are on the test set, and its MACs are the published count (nothing of the PDE, see
``pde_ops.cost``); a search's are on the validation set and the full count.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib import resources

_DATASETS = {
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "mnist": "MNIST",
    "imagenet": "ImageNet-1K",
}


@dataclass(frozen=True)
class Reference:
    """One network of the poster: test accuracy in [0, 1], MACs by its published count, parameters."""

    name: str
    accuracy: float
    macs_published: int
    params: int
    uses_global_layer: bool
    tiny: bool = False  # of the poster's comparison at tiny widths


def references(dataset: str | None) -> tuple[Reference, ...]:
    """The poster's networks on that data set that have MACs, each once, by rising MACs; none for others."""
    wanted = _DATASETS.get(dataset or "")
    text = resources.files("analysis").joinpath("references.csv").read_text(encoding="utf-8")
    found = {
        Reference(
            row["system"],
            round(float(row["accuracy_percent"]) / 100, 6),
            int(row["macs"]),
            int(row["params"]),
            row["uses_global_layer"] == "yes",
            row["note"] == "tiny width",
        )
        for row in csv.DictReader(text.splitlines())
        if row["dataset"] == wanted and row["macs"]
    }
    nearly_same: dict[tuple[str, int], Reference] = {}
    for point in sorted(found, key=lambda p: (p.macs_published, p.name, -p.accuracy)):
        # Two tables give one network with slightly different roundings.
        nearly_same.setdefault((point.name, point.macs_published), point)
    return tuple(nearly_same.values())
