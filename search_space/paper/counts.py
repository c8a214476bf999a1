"""What the poster counts of a network, and what it leaves out."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from pde_ops.cost import Cost, linear_cost
from search_space.equilibrium.configurations import CONFIGURATIONS
from search_space.equilibrium.space import EquilibriumSpace
from search_space.genotype import Genotype
from search_space.paper.networks import PublishedNetwork, published
from search_space.space import get_space


def printed_cost(network: PublishedNetwork, classes: int) -> Cost:
    """The network's cost for that number of classes, counted as the poster counts it."""
    genotype = published(network.name, num_classes=classes)
    cost = genotype.cost()
    if network.classifier_left_out:
        cost += -1 * classifier_cost(genotype)
    if network.training_pass:
        cost += evaluation_cost(genotype)
    return cost


def remarks(network: PublishedNetwork, classes: int) -> str:
    """What there is to know about the row beside `printed_cost`, on one line."""
    said = [network.note] if network.note else []
    if network.classifier_left_out:
        cost = published(network.name, num_classes=classes).cost()
        said.append(
            f"without the classifier, which the poster leaves out; with it {cost.params:,} and {cost.macs_published:,}"
        )
    if network.space == EquilibriumSpace.name:
        genotype = published(network.name, num_classes=classes)
        evaluating = genotype.cost()
        training = evaluating + evaluation_cost(genotype)
        times = CONFIGURATIONS[network.architecture["configuration"]].threshold + 1
        said.append(
            f"MACs without norms: {evaluating.macs:,} in evaluation, {times} times f, {training.macs:,} in training, "
            f"{times + 1} times; the poster's are those of {'training' if network.training_pass else 'evaluation'}"
        )
    return "; ".join(said)


def evaluation_cost(genotype: Genotype) -> Cost:
    """Cost of one evaluation of an equilibrium's f, without parameters."""
    return cast(EquilibriumSpace, get_space(genotype.space)).evaluation_cost(
        genotype.problem, genotype.architecture
    )


def classifier_cost(genotype: Genotype) -> Cost:
    """Cost of the network's last linear layer."""
    with torch.device("meta"):
        layers = [module for module in genotype.build().modules() if isinstance(module, nn.Linear)]
    last = layers[-1]
    return linear_cost(last.in_features, last.out_features, bias=last.bias is not None)
