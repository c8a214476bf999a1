"""DenseNet-BC for small images, with a global layer after each transition or none.

Source: Huang, Liu, van der Maaten and Weinberger, "Densely Connected Convolutional Networks", CVPR 2017; the
layers' places: Kag and Saligrama, CVPR 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from records.options import option
from search_space.families.blocks import Conv3, DenseLayer, NormAct, Transition
from search_space.families.family import Classifier, Family, Part, one_each
from search_space.families.layers import STARTS, layer_names, make_layer
from search_space.families.resnet import check_layers, whole_numbers
from search_space.problem import Problem
from search_space.space import Decision, register_space

BLOCKS = 3


@dataclass(frozen=True)
class DenseNetSettings:
    """What is fixed while a DenseNet is searched."""

    depths: tuple[int, ...] = option(
        (2, 4, 6, 8, 12, 16), "what each block's number of layers is chosen from", unit="layers"
    )
    growths: tuple[int, ...] = option(
        (8, 12, 16, 24), "what the channels that a layer adds are chosen from", unit="channels"
    )
    layers: tuple[str, ...] = option(
        layer_names(("", "dense")), "what may stand after a transition: none, or <kind>_<steps>[+<init>]"
    )
    start: str = option("small", "how the PDE's coefficients are normalised", choices=lambda: STARTS)
    bias: bool = option(False, "whether the coefficients' convolutions have a bias")

    def __post_init__(self) -> None:
        object.__setattr__(self, "depths", whole_numbers("depths", self.depths, 200))
        object.__setattr__(self, "growths", whole_numbers("growths", self.growths, 512))
        check_layers(self)


@register_space
class DenseNetGlobalSpace(Family):
    """``densenet-global``: three dense blocks; decisions ``growth``, ``block<i>/depth`` and, after blocks 1
    and 2, ``block<i>/layer``."""

    name = "densenet-global"
    Settings = DenseNetSettings

    def decisions(self, problem: Problem) -> list[Decision]:
        settings: DenseNetSettings = self.settings_of(problem)
        decisions = [one_each("growth", settings.growths)]
        for block in range(1, BLOCKS + 1):
            decisions.append(one_each(f"block{block}/depth", settings.depths))
            if block < BLOCKS:
                decisions.append(one_each(f"block{block}/layer", settings.layers))
        return decisions

    def parts(self, problem: Problem, architecture: dict[str, Any]) -> list[Part]:
        settings: DenseNetSettings = self.settings_of(problem)
        growth = architecture["growth"]
        width = 2 * growth
        parts = [Part(Conv3, (problem.image[0], width))]
        for place in range(1, BLOCKS + 1):
            block = architecture[f"block{place}"]
            for _ in range(block["depth"]):
                parts.append(Part(DenseLayer, (width, growth)))
                width += growth
            if place < BLOCKS:
                parts.append(Part(Transition, (width, width // 2)))
                width //= 2
                if block["layer"] != "none":
                    parts.append(Part(make_layer, (block["layer"], width, settings.start, settings.bias)))
        return [*parts, Part(NormAct, (width,)), Part(Classifier, (width, problem.classes))]
