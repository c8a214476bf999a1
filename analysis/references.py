"""The paper's own results, to be drawn beside what a search found.

Source: the poster of Kag and Saligrama, "Condensing CNNs with Partial Differential Equations", CVPR 2022, as
``search_space/published.csv`` holds it. Its accuracies are on the test set, and its MACs are the published
count (nothing of the PDE, see ``pde_ops.cost``); a search's are on the validation set and the full count.
"""

from __future__ import annotations

from dataclasses import dataclass

from search_space.paper.rows import Fact, facts, printed_number

DATASETS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "mnist": "MNIST", "imagenet": "ImageNet-1K"}
_TINY = "same-footprint-tiny"  # the poster's table of networks at tiny widths


@dataclass(frozen=True)
class Reference:
    """One network of the poster: test accuracy in [0, 1] and MACs by its published count, as printed there."""

    name: str
    accuracy: float
    macs_published: int
    uses_global_layer: bool


def references(dataset: str | None) -> tuple[Reference, ...]:
    """The poster's networks on a data set (named as in the settings) that have MACs, by rising MACs."""
    wanted = DATASETS.get(dataset or "")
    found = [made for fact in facts() if fact.dataset == wanted and (made := _reference(fact))]
    once: dict[tuple[str, int], Reference] = {}
    for point in sorted(found, key=lambda p: (p.macs_published, p.name, -p.accuracy)):
        # Two of the poster's tables give one network, rounded differently.
        once.setdefault((point.name, point.macs_published), point)
    return tuple(once.values())


def _reference(fact: Fact) -> Reference | None:
    macs = printed_number(fact.macs)
    if macs is None or fact.accuracy_percent is None:
        return None
    name = fact.system + (" (tiny)" if fact.table == _TINY else "")
    return Reference(name, round(fact.accuracy_percent / 100, 6), macs[0], "Global" in fact.system)
