"""The space ``ode-baseline``: networks whose depth is a solver's. Needs the optional extra ``ode``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from records.checks import whole_number
from records.errors import UserError
from records.options import option
from search_space.baselines.evolution import neupde, neural_ode
from search_space.families.blocks import ConvNormAct, Residual
from search_space.families.family import Classifier, Family, Part, one_each
from search_space.families.mnist import GROUPS, DigitHead, Downsampling
from search_space.families.resnet import whole_numbers
from search_space.problem import Problem
from search_space.space import Decision, register_space

SYSTEMS: dict[str, Callable[..., nn.Module]] = {
    "neural-ode": neural_ode,
    "neupde": neupde,
}
DIGIT = 28  # pixels; images up to this size get the frame of the digit networks


@dataclass(frozen=True)
class OdeSettings:
    """What is fixed."""

    widths: tuple[int, ...] = option(
        (16, 32, 64, 96, 128),
        "what the width is chosen from; 1 to 8, 16, or a multiple of 32 (group norm at 1, 2 and 4 times it)",
        unit="channels",
    )
    evaluations: int = option(
        32,
        "of the field, in one solution, an even number: exact for neupde, what the cost is stated for with neural-ode",
        unit="evaluations",
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", whole_numbers("widths", self.widths, 4096))
        for width in self.widths:
            if any(times * width > GROUPS and times * width % GROUPS for times in (1, 2, 4)):
                raise UserError(f"widths has {width}; accepted: 1 to 8, 16, and multiples of 32")
        object.__setattr__(self, "evaluations", whole_number("evaluations", self.evaluations, 2, 1000))
        if self.evaluations % 2:
            raise UserError(f"evaluations is {self.evaluations}; accepted: an even number from 2 to 1000")


@register_space
class OdeBaselineSpace(Family):
    """Decisions: ``system`` and ``width``.

    On digits: the digit networks' frame around the block. On larger images a 3x3 convolution, the block, and two more
    blocks at half the size and twice the width each, after a residual block of stride 2.
    """

    name = "ode-baseline"
    Settings = OdeSettings

    def decisions(self, problem: Problem) -> list[Decision]:
        settings: OdeSettings = self.settings_of(problem)
        return [one_each("system", tuple(SYSTEMS)), one_each("width", settings.widths)]

    def parts(self, problem: Problem, architecture: dict[str, Any]) -> list[Part]:
        settings: OdeSettings = self.settings_of(problem)
        system, width = SYSTEMS[architecture["system"]], architecture["width"]
        if max(problem.image[1:]) <= DIGIT:
            body = Part(system, (width, settings.evaluations))
            return [
                Part(Downsampling, (problem.image[0], width)),
                body,
                Part(DigitHead, (width, problem.classes)),
            ]
        parts = [Part(ConvNormAct, (problem.image[0], width)), Part(system, (width, settings.evaluations))]
        for _ in range(2):
            parts += [Part(Residual, (width, 2 * width, 2)), Part(system, (2 * width, settings.evaluations))]
            width *= 2
        return [*parts, Part(Classifier, (width, problem.classes))]
