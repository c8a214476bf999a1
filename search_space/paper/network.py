"""The record of a published network, and how those of one family are written down.

Source: Kag and Saligrama, "Condensing CNNs with Partial Differential Equations", CVPR 2022, its poster and
the authors' public code. What each network rests on is its ``basis``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# What a network rests on: the public code of its authors; another paper's table, quoted by the poster; a configuration
# without public script, chosen because its counts fit the poster; a form of the system chosen so, no description of
# which is known here.
MEASURED, QUOTED, INFERRED, GUESS = "measured", "quoted", "inferred", "guess"
CIFAR, MNIST, IMAGENET = (3, 32, 32), (1, 28, 28), (3, 224, 224)
NONE = "none"
GLOBAL = "global_1"
CONSTANT = "global_constant_diffusivity_1"  # the velocities are learned, D = 1
CIFAR_STARTS = {"start": "eps-channels"}
OLD_STYLE = {"start": "eps-channels", "bias": True}


@dataclass(frozen=True)
class PublishedNetwork:
    """One named network.

    Args:
        space, settings, architecture: of its genotype; image: of its data set; classes: the usual number.
        basis: what it rests on, one of those above. note: what there is to know about the configuration.
        classifier_left_out: whether the poster's counts are without the last linear layer.
        training_pass: of an equilibrium, whether they are of a forward pass in training.
    """

    name: str
    space: str
    settings: dict[str, Any]
    architecture: dict[str, Any]
    image: tuple[int, int, int] = CIFAR
    classes: int = 10
    basis: str = MEASURED
    note: str = ""
    classifier_left_out: bool = False
    training_pass: bool = False


def residual(
    name: str, widths: Sequence[int], blocks: int, layers: Sequence[str], *, factor: int = 1, **more: Any
) -> PublishedNetwork:
    architecture: dict[str, Any] = {"multiplier": factor}
    for place, (width, layer) in enumerate(zip(widths, layers, strict=True), start=1):
        architecture[f"stage{place}"] = {"width": width, "blocks": blocks, "layer": layer}
    space = "wide-resnet-global" if name.startswith("Wide") else "resnet-global"
    return PublishedNetwork(name, space, {"stages": len(widths), **CIFAR_STARTS}, architecture, **more)


def dense(name: str, depth: int, layer: str, **more: Any) -> PublishedNetwork:
    architecture = {
        "growth": 12,
        "block1": {"depth": depth, "layer": layer},
        "block2": {"depth": depth, "layer": layer},
        "block3": {"depth": depth},
    }
    return PublishedNetwork(name, "densenet-global", CIFAR_STARTS, architecture, **more)


def darts(name: str, cells: int, width: int, layer: str, old: bool = False, **more: Any) -> PublishedNetwork:
    settings = {**(OLD_STYLE if old else CIFAR_STARTS), "auxiliary": True}
    architecture = {"cells": cells, "width": width, "place1": layer, "place2": layer}
    return PublishedNetwork(name, "darts-network-global", settings, architecture, **more)


def digits(name: str, features: str, frame: str = "downsampling", note: str = "") -> PublishedNetwork:
    width = 64 if frame == "downsampling" else 1
    settings = {"frame": frame, **CIFAR_STARTS}
    return PublishedNetwork(
        name, "mnist-global", settings, {"width": width, "features": features}, MNIST, note=note,
    )  # fmt: skip
