"""The network of a DARTS-style genotype in plain torch; the same frame holds NNI's cells.

Source: Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, section 2.1 and the
authors' description of the networks that are trained at the end (appendix A).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from pde_ops.cost import Cost, conv_cost, linear_cost, norm_cost
from search_space.cells.drop_path import DropPath
from search_space.cells.layout import CELL_INPUTS, STEM_MULTIPLIER, CellPlan, Plan
from search_space.primitives.convolutions import FactorizedReduction, ReluConvNorm
from search_space.primitives.none import NONE
from search_space.primitives.registry import Primitive, Size, get_primitive, primitive_cost, strided
from search_space.problem import Problem

Pairs = Sequence[Sequence[Sequence]]  # per node, its [primitive, input] pairs


class Stem(nn.Module):
    """Image to the first cell's two inputs; see ``layout.plan_cells`` for their channels and sizes."""

    def __init__(self, kind: str, in_channels: int, width: int) -> None:
        super().__init__()
        if kind == "small":
            out = STEM_MULTIPLIER * width
            self.first = nn.Sequential(
                nn.Conv2d(in_channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out)
            )
            self.second: nn.Module = nn.Identity()
            return
        half = max(1, width // 2)
        self.first = nn.Sequential(
            nn.Conv2d(in_channels, half, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(),
            nn.Conv2d(half, width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.second = nn.Sequential(
            nn.ReLU(), nn.Conv2d(width, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        first = self.first(x)
        return [first, self.second(first)]

    @staticmethod
    def cost(kind: str, in_channels: int, width: int, size: Size) -> Cost:
        """Cost for an image of ``size``."""
        if kind == "small":
            out = STEM_MULTIPLIER * width
            return conv_cost(in_channels, out, 3, size) + norm_cost(out, size)
        channels, total = (in_channels, max(1, width // 2), width, width), Cost()
        for before, after in pairwise(channels):
            size = strided(size, 2)
            total += conv_cost(before, after, 3, size) + norm_cost(after, size)
        return total


class Preprocessor(nn.Module):
    """Brings a cell's two inputs to its channels and the second one's size."""

    def __init__(self, cell: CellPlan) -> None:
        super().__init__()
        first = FactorizedReduction if cell.first_is_larger else ReluConvNorm
        self.first = first(cell.input_channels[0], cell.channels)
        self.second = ReluConvNorm(cell.input_channels[1], cell.channels)

    def forward(self, inputs: list[Tensor]) -> list[Tensor]:
        return [self.first(inputs[0]), self.second(inputs[1])]

    @staticmethod
    def cost(cell: CellPlan) -> Cost:
        first = FactorizedReduction if cell.first_is_larger else ReluConvNorm
        return first.cost(cell.input_channels[0], cell.channels, cell.first_size) + ReluConvNorm.cost(
            cell.input_channels[1], cell.channels, cell.size
        )


class Cell(nn.Module):
    """A cell of chosen edges: each node is the sum of its edges, the output all nodes along the channels."""

    def __init__(self, cell: CellPlan, nodes: Pairs) -> None:
        super().__init__()
        self.preprocessor = Preprocessor(cell)
        nodes = [present(pairs) for pairs in nodes]
        self.sources = tuple(tuple(source for _, source in pairs) for pairs in nodes)
        self.nodes = nn.ModuleList(
            nn.ModuleList(make_edge(name, cell, source) for name, source in pairs) for pairs in nodes
        )

    def forward(self, inputs: list[Tensor]) -> Tensor:
        states = self.preprocessor(inputs)
        for edges, sources in zip(self.nodes, self.sources, strict=True):
            total = None
            for edge, source in zip(edges, sources, strict=True):  # type: ignore[call-overload]
                result = edge(states[source])
                total = result if total is None else total + result
            states.append(total)
        return torch.cat(states[CELL_INPUTS:], 1)


def present(pairs: Sequence[Sequence]) -> Sequence[Sequence]:
    """A node's edges without those that are empty; one of these where there is no other."""
    return [pair for pair in pairs if pair[0] != NONE] or pairs[:1]


class AuxiliaryHead(nn.Sequential):
    """DARTS' auxiliary classifier, for maps of any size: pooled to 2x2 first. In use only while training."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Conv2d(channels, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.BatchNorm2d(768),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(768, classes),
        )


class CellNetwork(nn.Module):
    """Stem, the planned cells as ``make_cell`` makes them, global average pooling, a linear classifier.

    ``(N, channels, height, width)`` to logits ``(N, classes)``; in training mode, with ``auxiliary``, to
    (logits, auxiliary logits). A network without a reduction has no auxiliary head. ``after`` names what follows the
    last cell of each stage, a primitive or ``none``.
    """

    def __init__(
        self,
        planned: Plan,
        make_cell: Callable[[CellPlan], nn.Module],
        *,
        stem: str,
        width: int,
        in_channels: int,
        classes: int,
        auxiliary: bool,
        after: Sequence[str],
    ) -> None:
        super().__init__()
        self.stem = Stem(stem, in_channels, width)
        self.cells = nn.ModuleList(make_cell(cell) for cell in planned.cells)
        ends = zip(planned.stage_ends, after, strict=True)
        self.after = nn.ModuleDict(
            {str(end): get_primitive(name)(planned.given(end)[0], 1) for end, name in ends if name != NONE}
        )
        self.auxiliary_cell = planned.auxiliary_cell if auxiliary else None
        if self.auxiliary_cell is None:
            self.auxiliary_head = None
        else:
            self.auxiliary_head = AuxiliaryHead(planned.given(self.auxiliary_cell)[0], classes)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(planned.channels, classes)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        inputs = self.stem(x)
        auxiliary = None
        for position, cell in enumerate(self.cells):
            inputs = [inputs[1], cell(inputs)]
            if str(position) in self.after:
                inputs[1] = self.after[str(position)](inputs[1])
            if self.training and position == self.auxiliary_cell and self.auxiliary_head is not None:
                auxiliary = self.auxiliary_head(inputs[1])
        logits = self.classifier(self.pool(inputs[1]).flatten(1))
        return logits if auxiliary is None else (logits, auxiliary)


def make_edge(primitive: str, cell: CellPlan, source: int) -> nn.Module:
    """The primitive on the edge from ``source``, with drop path after it where it can be dropped."""
    operation: Primitive = get_primitive(primitive)(cell.channels, cell.stride(source))
    return nn.Sequential(operation, DropPath()) if operation.dropped else operation


def frame_cost(planned: Plan, problem: Problem, *, stem: str, width: int, after: Sequence[str]) -> Cost:
    """Cost of all but the edges: stem, preprocessors, what follows the stages, classifier; the auxiliary head does not
    count."""
    image = problem.image
    total = Stem.cost(stem, image[0], width, image[1:]) + linear_cost(planned.channels, problem.classes)
    for end, name in zip(planned.stage_ends, after, strict=True):
        channels, size = planned.given(end)
        total += primitive_cost(name, channels, 1, size)
    return sum((Preprocessor.cost(cell) for cell in planned.cells), start=total)
