"""The network of cells that a genotype of `DartsGlobal` builds: plain torch, no NNI.

Source: Liu, Simonyan and Yang, "DARTS", ICLR 2019, section 2.1 and appendix A.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pde_ops.cost import Cost, conv_cost, linear_cost, norm_cost
from search_space.primitives import FactorizedReduce, ReluConvNorm, Size, get_primitive, strided

PREDECESSORS = 2  # a cell sees the two before it
STEM_FACTOR = 3  # of the small stem: its channels for one of the first cell's
Pairs = Sequence[Sequence[Sequence]]  # per node, its (primitive, input) pairs


def reductions(cells: int) -> tuple[int, ...]:
    """Positions of the reduction cells: a third and two thirds down; one at 1 of two cells, none of one."""
    return {1: (), 2: (1,)}.get(cells, tuple(sorted({cells // 3, 2 * cells // 3})))


class Stem(nn.Module):
    """What stands before the cells. "small": 3x3 convolution, BN, to 3 times the width at full size.
    "large": two steps of 3x3 convolutions with stride 2, to the width at a quarter of the size, then one more
    to an eighth; gives both of the last (as DARTS does on ImageNet)."""

    def __init__(self, kind: str, in_channels: int, width: int) -> None:
        super().__init__()
        if kind == "small":
            self.first = nn.Sequential(
                nn.Conv2d(in_channels, STEM_FACTOR * width, 3, padding=1, bias=False),
                nn.BatchNorm2d(STEM_FACTOR * width),
            )
            self.second: nn.Module | None = None
            return
        half = width // 2
        self.first = nn.Sequential(
            nn.Conv2d(in_channels, half, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(),
            nn.Conv2d(half, width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.second = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(width, width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first = self.first(x)
        return first, first if self.second is None else self.second(first)

    @staticmethod
    def cost_of(kind: str, in_channels: int, width: int, size: Size) -> Cost:
        """Cost for an image of ``size``."""
        if kind == "small":
            out = STEM_FACTOR * width
            return conv_cost(in_channels, out, 3, size) + norm_cost(out, size)
        half, total = width // 2, Cost()
        for before, after in ((in_channels, half), (half, width), (width, width)):
            size = strided(size, 2)
            total += conv_cost(before, after, 3, size) + norm_cost(after, size)
        return total


class Preprocessor(nn.Module):
    """Brings a cell's two inputs to its width, and the first to the second's size."""

    def __init__(self, in_channels: tuple[int, int], channels: int, reduced: bool) -> None:
        super().__init__()
        first: Callable[[int, int], nn.Module] = FactorizedReduce if reduced else ReluConvNorm
        self.first = first(in_channels[0], channels)
        self.second = ReluConvNorm(in_channels[1], channels)

    def forward(self, states: Sequence[Tensor]) -> list[Tensor]:
        return [self.first(states[0]), self.second(states[1])]


class CellModule(nn.Module):
    """A cell of chosen primitives: each node sums its operations, the nodes are concatenated."""

    def __init__(self, nodes: Pairs, channels: int, preprocessor: Preprocessor, reduction: bool) -> None:
        super().__init__()
        self.preprocessor = preprocessor
        self.sources = [[int(source) for _, source in pairs] for pairs in nodes]
        self.skips = [[name == "skip_connect" for name, _ in pairs] for pairs in nodes]
        self.nodes = nn.ModuleList(
            nn.ModuleList(
                get_primitive(name)(channels, 2 if reduction and source < PREDECESSORS else 1)
                for name, source in pairs
            )
            for pairs in nodes
        )
        self.drop_path = 0.0

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        states = self.preprocessor([before, last])
        for operations, sources, skips in zip(self.nodes, self.sources, self.skips, strict=True):
            total = None
            for operation, source, skip in zip(operations, sources, skips, strict=True):  # type: ignore[arg-type]
                result = operation(states[source])
                if self.training and self.drop_path and not skip:
                    result = drop_path(result, self.drop_path)
                total = result if total is None else total + result
            states.append(total)
        return torch.cat(states[PREDECESSORS:], 1)


def drop_path(x: Tensor, probability: float) -> Tensor:
    """Drops whole images of ``(N, C, H, W)`` with the probability, and scales up the others."""
    kept = torch.rand(x.shape[0], 1, 1, 1, device=x.device) >= probability
    return x * kept / (1 - probability)


class AuxiliaryHead(nn.Module):
    """Logits from the map after the last reduction, for the training alone; any size of map."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
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

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Layout:
    """Width, size and neighbours of each cell: what the builder, the cost and the supernet all go by.

    Iterating gives (position, is reduction, channels in of both inputs, channels, whether the first input is
    larger than the second, size of the second input).
    """

    def __init__(self, stem: str, width: int, cells: int, nodes: int, size: Size) -> None:
        self.reductions = reductions(cells)
        self.cells: list[tuple[int, bool, tuple[int, int], int, bool, Size]] = []
        if stem == "small":
            before = last = STEM_FACTOR * width
            reduced = False
        else:
            before = last = width
            size = strided(strided(strided(size, 2), 2), 2)
            reduced = True
        channels = width
        for position in range(cells):
            reduction = position in self.reductions
            if reduction:
                channels *= 2
            self.cells.append((position, reduction, (before, last), channels, reduced, size))
            before, last, reduced = last, nodes * channels, reduction
            if reduction:
                size = strided(size, 2)
        self.out_channels, self.out_size = last, size

    def __iter__(self):
        return iter(self.cells)

    def preprocessor_cost(self, cell: tuple[int, bool, tuple[int, int], int, bool, Size]) -> Cost:
        """Cost of the cell's preprocessor."""
        _, _, (before, last), channels, reduced, size = cell
        second = ReluConvNorm.cost_of(last, channels, size)
        if not reduced:
            return ReluConvNorm.cost_of(before, channels, size) + second
        # The first input is the larger map that was reduced to this size.
        out = size
        return conv_cost(before, channels, 1, out) + norm_cost(channels, out) + second


class CellNetwork(nn.Module):
    """Stem, cells, pooling, linear classifier. ``cell(position, ...)`` makes a cell from its layout; the same
    body serves a chosen architecture and a supernet."""

    def __init__(
        self,
        make_cell: Callable[[bool, int, Preprocessor], nn.Module],
        *,
        layout: Layout,
        stem: str,
        width: int,
        image: tuple[int, int, int],
        classes: int,
        auxiliary: bool,
    ) -> None:
        super().__init__()
        self.stem = Stem(stem, image[0], width)
        self.cells = nn.ModuleList()
        auxiliary_channels = 0
        for position, reduction, entering, channels, reduced, _ in layout:
            self.cells.append(make_cell(reduction, channels, Preprocessor(entering, channels, reduced)))
            if layout.reductions and position == layout.reductions[-1]:
                auxiliary_channels = channels * (layout.out_channels // layout.cells[-1][3])
        self.auxiliary_at = layout.reductions[-1] if auxiliary and layout.reductions else None
        self.auxiliary = AuxiliaryHead(auxiliary_channels, classes) if self.auxiliary_at is not None else None
        self.classifier = nn.Linear(layout.out_channels, classes)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        before, last = self.stem(x)
        auxiliary = None
        for position, cell in enumerate(self.cells):
            before, last = last, cell(before, last)
            if self.training and position == self.auxiliary_at and self.auxiliary is not None:
                auxiliary = self.auxiliary(last)
        logits = self.classifier(F.adaptive_avg_pool2d(last, 1).flatten(1))
        return logits if auxiliary is None else (logits, auxiliary)

    def set_drop_path(self, probability: float) -> None:
        """Drops each operation but skips with this probability while training."""
        for cell in self.cells:
            cell.drop_path = probability  # type: ignore[assignment]


def head_cost(layout: Layout, classes: int) -> Cost:
    """Cost of the classifier."""
    return linear_cost(layout.out_channels, classes)
