"""The space ``timm-network``: a few of timm's networks as they are, the poster's large baselines.

Sources: He, Zhang, Ren and Sun, CVPR 2016 (ResNet-152); Huang et al., CVPR 2017 (DenseNet-169). In the former's own
network, here ``resnet152-first``, a halving block has its stride in the first 1x1 convolution; in timm's, ``resnet152``,
it is in the 3x3, which costs 2% more MACs.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import timm
import torch
from timm.models.resnet import Bottleneck
from torch import nn

from pde_ops.cost import Cost
from records.errors import UserError
from search_space.counting import count
from search_space.families.family import Family, Part, one_each
from search_space.problem import Problem
from search_space.space import Decision, register_space

MODELS = ("resnet152", "densenet169", "resnet152-first")


@dataclass(frozen=True)
class TimmSettings:
    """Nothing is fixed."""


@register_space
class TimmNetworkSpace(Family):
    """Decision: ``model``, timm's name, or one of `MODELS` that is made of it. There is no formula for these: the cost is counted on shapes."""

    name = "timm-network"
    Settings = TimmSettings

    def decisions(self, problem: Problem) -> list[Decision]:
        return [one_each("model", MODELS)]

    def parts(self, problem: Problem, architecture: dict[str, Any]) -> list[Part]:
        return [Part(_make, (architecture["model"], problem.image[0], problem.classes))]

    def build(self, problem: Problem, architecture: dict[str, Any]) -> nn.Module:
        return _make(architecture["model"], problem.image[0], problem.classes)

    def cost(self, problem: Problem, architecture: dict[str, Any]) -> Cost:
        return _counted(architecture["model"], problem)


def _make(model: str, channels: int, classes: int) -> nn.Module:
    name, _, first = model.partition("-")
    network = timm.create_model(name, pretrained=False, in_chans=channels, num_classes=classes)
    for module in network.modules() if first else ():
        if isinstance(module, Bottleneck):
            module.conv1.stride, module.conv2.stride = module.conv2.stride, module.conv1.stride
    return network


@functools.lru_cache(maxsize=64)
def _counted(model: str, problem: Problem) -> Cost:
    image = problem.image
    with torch.device("meta"):
        network = _make(model, image[0], problem.classes)
    try:
        return count(network, image)
    except RuntimeError as error:  # torch's word for a map that no pooling window fits into
        raise UserError(f"image is {image[1]} x {image[2]} pixels; too small for {model}: {error}") from error
