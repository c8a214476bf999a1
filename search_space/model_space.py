"""A space as an NNI model space: one NNI choice for each decision. Importing this module imports NNI."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import nni
from nni.mutable import ensure_frozen, label_scope
from nni.nas.nn.pytorch import ModelSpace
from nni.nas.space import model_context
from torch import Tensor

from records.errors import UserError
from search_space.genotype import Genotype
from search_space.problem import Problem
from search_space.space import get_space


class ChoicesModelSpace(ModelSpace):
    """The network of ``problem``; its mutables' labels are those of the space's decisions.

    Before it is frozen it is the network of every decision's first option. The argument is the problem's plain
    JSON, so that NNI can write it down; give it by keyword. There are no weights shared among the options: it is
    for multi-trial searches.
    """

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__()
        self.problem = Problem.from_json(problem)
        choices = {}
        for decision in get_space(self.problem.space).decisions(self.problem):
            *places, name = decision.label.split("/")
            with ExitStack() as stack:
                for place in places:  # NNI takes no "/" in a label itself
                    stack.enter_context(label_scope(place))
                mutable = nni.choice(name, list(decision.options))
            self.add_mutable(mutable)
            choices[decision.label] = ensure_frozen(mutable)
        self.genotype = Genotype.of_choices(self.problem, choices)
        self.network = self.genotype.build()

    def freeze(self, sample: dict[str, Any]) -> ChoicesModelSpace:
        """The network of the options in ``sample``, by label."""
        with model_context(sample):
            return type(self)(problem=self.problem.to_json())

    def forward(self, x: Tensor) -> Any:
        return self.network(x)

    def extra_oneshot_hooks(self, strategy: Any) -> Any:
        """What one of NNI's one-shot strategies asks for before it makes a supernet. Raises ``UserError``."""
        raise UserError(
            f"strategy is {type(strategy).__name__}, one-shot, and {self.problem.space} has no supernet of these "
            "settings; accepted: a multi-trial strategy such as Random, or darts-global with one width, one number of "
            "cells and one after"
        )
