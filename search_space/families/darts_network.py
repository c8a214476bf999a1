"""Networks of two given cells, DARTS' by default, with an extra global cell before each reduction or none.

Sources: Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR 2019 (the cells DARTS_V2);
Kag and Saligrama, "Condensing CNNs with Partial Differential Equations", CVPR 2022 (the global cells).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pde_ops import GlobalLayer
from pde_ops.cost import Cost, linear_cost
from records.checks import flag, shown, whole_number
from records.errors import UserError
from records.options import option
from search_space.cells.layout import CELL_INPUTS, STEM_MULTIPLIER, CellPlan, reduction_positions
from search_space.cells.network import AuxiliaryHead, Cell, Preprocessor, Stem
from search_space.families.family import Family, Part, one_each
from search_space.families.layers import NONE, STARTS, explicit_layer, layer_names
from search_space.families.resnet import check_layers, whole_numbers
from search_space.primitives.registry import primitive_cost, primitive_names, unknown_primitive
from search_space.problem import Image, Problem
from search_space.space import Decision, register_space

Nodes = tuple[tuple[tuple[str, int], ...], ...]  # per node its (primitive, input) pairs

DARTS_V2_NORMAL: Nodes = (
    (("sep_conv_3x3", 0), ("sep_conv_3x3", 1)),
    (("sep_conv_3x3", 0), ("sep_conv_3x3", 1)),
    (("sep_conv_3x3", 1), ("skip_connect", 0)),
    (("skip_connect", 0), ("dil_conv_3x3", 2)),
)
DARTS_V2_REDUCTION: Nodes = (
    (("max_pool_3x3", 0), ("max_pool_3x3", 1)),
    (("skip_connect", 2), ("max_pool_3x3", 1)),
    (("max_pool_3x3", 0), ("skip_connect", 2)),
    (("skip_connect", 2), ("max_pool_3x3", 1)),
)
CELL_INIT = "cell"


@dataclass(frozen=True)
class DartsNetworkSettings:
    """What is fixed while depth, width and global cells are searched."""

    normal: Nodes = option(
        DARTS_V2_NORMAL,
        "nodes of the normal cell, each a list of [primitive, input]; primitives:",
        choices=primitive_names,
    )
    reduction: Nodes = option(DARTS_V2_REDUCTION, "nodes of the reduction cell, as many as the normal one's")
    cells: tuple[int, ...] = option(
        (4, 5, 6, 7, 8, 9, 11, 14, 17, 20),
        "what the number of cells is chosen from, global ones not counted",
        unit="cells",
    )
    widths: tuple[int, ...] = option(
        (3, 4, 5, 8, 16, 24, 36, 48), "what a node's width in the first cell is chosen from", unit="channels"
    )
    layers: tuple[str, ...] = option(layer_names(("", CELL_INIT)), "the extra cell before a reduction: none, or <kind>_<steps>, with +cell for a "
                  "normal cell as Init")  # fmt: skip
    start: str = option("small", "how the PDE's coefficients are normalised", choices=lambda: STARTS)
    bias: bool = option(False, "whether the coefficients' convolutions have a bias")
    auxiliary: bool = option(False, "a second classifier after the last reduction, while training")

    def __post_init__(self) -> None:
        for name in ("normal", "reduction"):
            object.__setattr__(self, name, _nodes(name, getattr(self, name)))
        if len(self.normal) != len(self.reduction):
            raise UserError(
                f"reduction has {len(self.reduction)} nodes; accepted: {len(self.normal)}, as normal"
            )
        object.__setattr__(self, "cells", whole_numbers("cells", self.cells, 200))
        if min(self.cells) < 3:
            raise UserError(
                f"cells has {min(self.cells)}; accepted: 3 or more, so that both reductions occur"
            )
        object.__setattr__(self, "widths", whole_numbers("widths", self.widths, 4096))
        check_layers(self, (CELL_INIT,), whole_map=())
        flag("auxiliary", self.auxiliary)


def _nodes(name: str, value: Any) -> Nodes:
    if not isinstance(value, (list, tuple)) or not value:
        raise UserError(f"{name} is {shown(value)}; accepted: a list of nodes")
    known, nodes = primitive_names(), []
    for node, pairs in enumerate(value, start=CELL_INPUTS):
        if not isinstance(pairs, (list, tuple)) or not pairs:
            raise UserError(f"{name}'s node {node} is {shown(pairs)}; accepted: a list of [primitive, input]")
        edges = []
        for pair in pairs:
            if not isinstance(pair, (list, tuple)) or len(pair) != 2 or pair[0] not in known:
                raise unknown_primitive(
                    f"{name}'s node {node} has {shown(pair)}", "[primitive, input], the primitive one of "
                )
            edges.append((pair[0], whole_number(f"{name}'s node {node}'s input", pair[1], 0, node - 1)))
        nodes.append(tuple(edges))
    return tuple(nodes)


class GlobalCell(nn.Module):
    """A global layer whose source is the last cell's output and whose Init may be a whole normal cell of the
    last two cells' outputs."""

    def __init__(self, name: str, cell: CellPlan, nodes: Nodes, start: str, bias: bool) -> None:
        super().__init__()
        self.cell = Cell(cell, nodes) if name.endswith("+" + CELL_INIT) else None
        self.layer = _layer(name, cell.input_channels[1], start, bias)

    def forward(self, inputs: list[Tensor]) -> Tensor:
        state = inputs[1] if self.cell is None else self.cell(inputs)
        return self.layer.evolve(state, inputs[1])


def _layer(name: str, channels: int, start: str, bias: bool) -> GlobalLayer:
    return explicit_layer(name.removesuffix("+" + CELL_INIT), channels, start, bias)


class DartsNetwork(nn.Module):
    """Stem, cells, global average pooling, linear; see ``DartsNetworkSpace``."""

    def __init__(
        self, settings: DartsNetworkSettings, problem: Problem, architecture: dict[str, Any]
    ) -> None:
        super().__init__()
        planned = plan_layers(settings, problem.image, architecture)
        self.stem = Stem("small", problem.image[0], architecture["width"])
        self.cells = nn.ModuleList()
        last_reduction = max(i for i, (cell, _) in enumerate(planned) if cell.kind == "reduction")
        for cell, layer in planned:
            if layer != NONE:
                self.cells.append(GlobalCell(layer, cell, settings.normal, settings.start, settings.bias))
            else:
                self.cells.append(Cell(cell, getattr(settings, cell.kind)))
        channels = planned[-1][0].channels * len(settings.normal)
        self.auxiliary_cell = last_reduction
        self.auxiliary_head = AuxiliaryHead(channels, problem.classes) if settings.auxiliary else None
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, problem.classes)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        inputs = self.stem(x)
        auxiliary = None
        for position, cell in enumerate(self.cells):
            inputs = [inputs[1], cell(inputs)]
            if self.training and position == self.auxiliary_cell and self.auxiliary_head is not None:
                auxiliary = self.auxiliary_head(inputs[1])
        logits = self.classifier(torch.flatten(self.pool(inputs[1]), 1))
        return logits if auxiliary is None else (logits, auxiliary)


def plan_layers(
    settings: DartsNetworkSettings, image: Image, architecture: dict[str, Any]
) -> list[tuple[CellPlan, str]]:
    """Every cell in order, with the name of its global layer; those that are no global cells have "none"."""
    width, nodes = architecture["width"], len(settings.normal)
    reductions = reduction_positions(architecture["cells"])
    inputs, sizes = (STEM_MULTIPLIER * width,) * 2, (image[1:], image[1:])
    planned: list[tuple[CellPlan, str]] = []

    def put(kind: str, layer: str, larger: bool) -> bool:
        nonlocal inputs, sizes
        cell = CellPlan(kind, width, inputs, sizes[1], sizes[0], larger)
        planned.append((cell, layer))
        inputs, sizes = (inputs[1], nodes * width), (sizes[1], cell.out_size)
        return kind == "reduction"

    larger = False
    for position in range(architecture["cells"]):
        if position not in reductions:
            larger = put("normal", NONE, larger)
            continue
        layer = architecture[f"place{reductions.index(position) + 1}"]
        if layer != NONE:
            larger = put("normal", layer, larger)
        width *= 2
        larger = put("reduction", NONE, larger)
    return planned


def _cell_cost(cell: CellPlan, nodes: Nodes) -> Cost:
    total = Preprocessor.cost(cell)
    for pairs in nodes:
        for primitive, source in pairs:
            total += primitive_cost(primitive, cell.channels, cell.stride(source), cell.edge_size(source))
    return total


@register_space
class DartsNetworkSpace(Family):
    """``darts-network-global``: decisions ``cells``, ``width``, and ``place1`` and ``place2``, the extra
    global cells before the reductions at 1/3 and 2/3 of the cells."""

    name = "darts-network-global"
    Settings = DartsNetworkSettings

    def decisions(self, problem: Problem) -> list[Decision]:
        settings: DartsNetworkSettings = self.settings_of(problem)
        return [
            one_each("cells", settings.cells),
            one_each("width", settings.widths),
            one_each("place1", settings.layers),
            one_each("place2", settings.layers),
        ]

    def parts(self, problem: Problem, architecture: dict[str, Any]) -> list[Part]:
        return [Part(DartsNetwork, (self.settings_of(problem), problem, architecture))]

    def build(self, problem: Problem, architecture: dict[str, Any]) -> nn.Module:
        return DartsNetwork(self.settings_of(problem), problem, architecture)

    def cost(self, problem: Problem, architecture: dict[str, Any]) -> Cost:
        settings: DartsNetworkSettings = self.settings_of(problem)
        image = problem.image
        planned = plan_layers(settings, image, architecture)
        total = Stem.cost("small", image[0], architecture["width"], image[1:])
        for cell, layer in planned:
            if layer == NONE:
                total += _cell_cost(cell, getattr(settings, cell.kind))
                continue
            if layer.endswith(CELL_INIT):
                total += _cell_cost(cell, settings.normal)
            part = Part(_layer, (layer, cell.input_channels[1], settings.start, settings.bias))
            total += part.measure(cell.size)[0]
        return total + linear_cost(planned[-1][0].channels * len(settings.normal), problem.classes)
