"""The space ``mdeq``: multiscale deep equilibrium models. Needs the optional extra ``ode``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pde_ops.cost import Cost
from records.checks import number
from records.options import option
from search_space.equilibrium.configurations import CONFIGURATIONS
from search_space.equilibrium.head import EquilibriumHead
from search_space.equilibrium.solve import Equilibrium, Stem
from search_space.families.family import Family, Part, one_each
from search_space.problem import Problem
from search_space.space import Decision, register_space


@dataclass(frozen=True)
class EquilibriumSettings:
    """What is fixed."""

    warm_up: float = option(
        1.0, "factor on the configuration's number of training steps before the solver is used; 0 is none"
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "warm_up", number("warm_up", self.warm_up, 0.0, 100.0))


@register_space
class EquilibriumSpace(Family):
    """Decision: ``configuration``, one of ``CONFIGURATIONS``. The cost is that of evaluation."""

    name = "mdeq"
    Settings = EquilibriumSettings

    def decisions(self, problem: Problem) -> list[Decision]:
        return [one_each("configuration", tuple(CONFIGURATIONS))]

    def parts(self, problem: Problem, architecture: dict[str, Any]) -> list[Part]:
        settings: EquilibriumSettings = self.settings_of(problem)
        name = architecture["configuration"]
        chosen = CONFIGURATIONS[name]
        return [
            Part(Stem, (problem.image[0], chosen.channels[0], chosen.large_images)),
            Part(Equilibrium, (name, settings.warm_up)),
            Part(EquilibriumHead, (name, problem.classes)),
        ]

    def evaluation_cost(self, problem: Problem, architecture: dict[str, Any]) -> Cost:
        """Of one evaluation of f, without parameters; a forward pass in training has one more than ``cost``."""
        stem, equilibrium, _ = (part.make() for part in self.parts(problem, architecture))
        assert isinstance(stem, Stem)
        assert isinstance(equilibrium, Equilibrium)
        return equilibrium.evaluation_cost(stem.out_size((problem.image[1], problem.image[2])))
