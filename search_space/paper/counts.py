"""What the poster counts of a network, and what it leaves out."""

from __future__ import annotations

import torch
from torch import nn

from pde_ops.cost import Cost, linear_cost
from search_space.genotype import Genotype
from search_space.paper.networks import PublishedNetwork, published


def printed_cost(network: PublishedNetwork, classes: int) -> Cost:
    """The network's cost for that number of classes, counted as the poster counts it."""
    genotype = published(network.name, num_classes=classes)
    cost = genotype.cost()
    if network.classifier_left_out:
        cost += -1 * classifier_cost(genotype)
    return cost


def remarks(network: PublishedNetwork, classes: int) -> str:
    """What there is to know about the row beside `printed_cost`, on one line."""
    said = [network.note] if network.note else []
    if network.classifier_left_out:
        cost = published(network.name, num_classes=classes).cost()
        said.append(
            f"without the classifier, which the poster leaves out; with it {cost.params:,} and {cost.macs_published:,}"
        )
    return "; ".join(said)


def classifier_cost(genotype: Genotype) -> Cost:
    """Cost of the network's last linear layer."""
    with torch.device("meta"):
        layers = [module for module in genotype.build().modules() if isinstance(module, nn.Linear)]
    last = layers[-1]
    return linear_cost(last.in_features, last.out_features, bias=last.bias is not None)
