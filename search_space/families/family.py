"""What the families share: an architecture of labelled choices, and networks that are a row of parts."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from pde_ops.cost import Cost, linear_cost, require_cost
from records.checks import shown
from records.errors import UserError
from search_space.primitives.registry import Size
from search_space.problem import Problem
from search_space.space import Choices, Decision, Space


class Costed(Protocol):
    """What a part's module offers beside ``forward``; both for one image whose input size is ``size``."""

    def cost(self, size: Size) -> Cost: ...
    def out_size(self, size: Size) -> Size: ...


@dataclass(frozen=True)
class Part:
    """One module of a network, not made yet: hashable, so that costs are found once for equal parts."""

    factory: Callable[..., nn.Module]
    arguments: tuple[Any, ...]

    def make(self) -> nn.Module:
        return self.factory(*self.arguments)

    def costed(self) -> Costed:
        """The module without memory; where its class names a lighter one that knows the costs, as ``costed_as``, that."""
        if (lighter := getattr(self.factory, "costed_as", None)) is not None:
            return lighter(*self.arguments)
        with torch.device("meta"):
            return cast(Costed, self.make())

    def measure(self, size: Size) -> tuple[Cost, Size]:
        """Cost for an input of ``size``, and the output's size; by formulas on shapes, nothing is run."""
        return _measure(self, size)


@functools.lru_cache(maxsize=100_000)
def _measure(part: Part, size: Size) -> tuple[Cost, Size]:
    module = part.costed()
    if not hasattr(module, "cost"):
        raise UserError(f"{type(module).__qualname__} has no cost; accepted: a module with cost(size)")
    out = module.out_size(size) if hasattr(module, "out_size") else size
    if min(out) < 1:
        raise UserError(f"image is too small: a map of {size[0]} x {size[1]} pixels cannot be reduced")
    return require_cost(type(module).__qualname__, module.cost(size)), out


def total_cost(parts: Sequence[Part], size: Size) -> Cost:
    """Cost of parts one after the other."""
    total = Cost()
    for part in parts:
        cost, size = part.measure(size)
        total += cost
    return total


class Stack(nn.Sequential):
    """Parts one after the other: ``(N, channels, height, width)`` to logits ``(N, classes)``."""


class Family(Space):
    """A space whose architecture holds its choices by label: ``stage1/width`` is ``["stage1"]["width"]``.

    The decisions depend on the settings alone. Subclasses give ``decisions`` and ``parts``.
    """

    cost_shows_fit = True  # a part whose map becomes too small says so when it is measured

    @abstractmethod
    def parts(self, problem: Problem, architecture: dict[str, Any]) -> list[Part]:
        """The network's parts, in order."""

    def assemble(self, problem: Problem, choices: Choices) -> dict[str, Any]:
        architecture: dict[str, Any] = {}
        for decision in self.decisions(problem):
            place, _, name = decision.label.rpartition("/")
            inner = architecture.setdefault(place, {}) if place else architecture
            inner[name] = choices[decision.label]
        return architecture

    def choices(self, problem: Problem, architecture: dict[str, Any]) -> dict[str, Any]:
        flat: dict[str, Any] = {}
        for name, value in architecture.items():
            if isinstance(value, dict):
                flat.update({f"{name}/{inner}": choice for inner, choice in value.items()})
            else:
                flat[name] = value
        labels = dict.fromkeys(decision.label for decision in self.decisions(problem))
        for label in labels:
            if label not in flat:
                raise UserError(f"architecture lacks {label}")
        for label in flat:
            if label not in labels:
                raise UserError(f"architecture has {shown(label)}; accepted: {', '.join(labels)}")
        return flat

    def build(self, problem: Problem, architecture: dict[str, Any]) -> nn.Module:
        parts = self.parts(problem, architecture)
        return Stack(OrderedDict((f"part{i}", part.make()) for i, part in enumerate(parts)))

    def cost(self, problem: Problem, architecture: dict[str, Any]) -> Cost:
        return total_cost(self.parts(problem, architecture), problem.image[1:])

    def model_space(self, problem: Problem) -> nn.Module:
        from search_space.model_space import ChoicesModelSpace  # importing NNI takes seconds

        return ChoicesModelSpace(problem=self.completed(problem).to_json())


def one_each(label: str, options: Sequence[Any]) -> Decision:
    """A decision among ``options``, of which doubles are left out."""
    return Decision(label, tuple(dict.fromkeys(options)))


class Classifier(nn.Module):
    """Global average pooling, dropout, linear: ``(N, C, H, W) -> (N, classes)``."""

    def __init__(self, channels: int, classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.dropout(self.pool(x).flatten(1)))

    def cost(self, size: Size) -> Cost:
        return linear_cost(self.linear.in_features, self.linear.out_features)
