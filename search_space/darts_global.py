"""The main space: DARTS cells in which global layers stand beside convolutions.

A normal and a reduction cell are searched, each of ``nodes`` nodes that sum ``inputs`` operations; the cells
are repeated ``cells`` times as in DARTS. ``search_space.darts_supernet`` has the same space for NNI.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from pde_ops.cost import Cost
from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.network import PREDECESSORS, CellModule, CellNetwork, Layout, Stem, head_cost
from search_space.primitives import get_primitive
from search_space.space import Choices, Decision, Space, register_space

CELLS = ("normal", "reduction")
STEMS = ("small", "large")
DEFAULT_PRIMITIVES = (
    "skip_connect",
    "max_pool_3x3",
    "avg_pool_3x3",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
    "global_advection_diffusion_1",
    "global_advection_diffusion_3",
    "global_advection_diffusion_5",
    "global_constant_diffusivity_3",
    "global_diffusion_3",
    "global_advection_3",
)
EdgeKey = tuple[str, int, int]  # cell, node (counted with the cell's inputs from 0), input


@dataclass(frozen=True)
class DartsSettings:
    """What is fixed for one search in ``darts-global``."""

    width: int = field(default=16, metadata={"help": "channels of the first cell", "unit": "channels"})
    cells: int = field(default=8, metadata={"help": "cells in all, two of them reductions", "unit": "cells"})
    nodes: int = field(default=4, metadata={"help": "intermediate nodes of a cell", "unit": "nodes"})
    inputs: int = field(default=2, metadata={"help": "operations that a node sums", "unit": "operations"})
    stem: str = field(
        default="small", metadata={"help": "small: full size; large: an eighth", "choices": STEMS}
    )
    auxiliary: bool = field(default=False, metadata={"help": "an auxiliary head while training"})
    primitives: tuple[str, ...] = field(
        default=DEFAULT_PRIMITIVES, metadata={"help": "the operations to choose among"}
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "primitives", tuple(self.primitives))
        for name, least in (("width", 1), ("cells", 1), ("nodes", 1), ("inputs", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise UserError(f"{name} is {value!r}; accepted: a whole number >= {least}")
        if self.inputs > PREDECESSORS:
            raise UserError(f"inputs is {self.inputs}; accepted: 1 or 2, the first node has two to take from")
        if self.stem not in STEMS:
            raise UserError(f"stem is {self.stem!r}; accepted: {', '.join(STEMS)}")
        if self.stem == "large" and self.width < 2:
            raise UserError(f"width is {self.width} with the large stem; accepted: 2 or more")
        if not isinstance(self.auxiliary, bool):
            raise UserError(f"auxiliary is {self.auxiliary!r}; accepted: true or false")
        if not self.primitives or len(set(self.primitives)) != len(self.primitives):
            raise UserError(
                f"primitives are {', '.join(self.primitives) or 'none'}; each must stand there once"
            )
        for primitive in self.primitives:
            get_primitive(primitive)


@register_space
class DartsGlobalSpace(Space):
    """``darts-global``. Its ``architecture`` is, for each cell, per node its [primitive, input] pairs."""

    name = "darts-global"
    Settings = DartsSettings

    def decisions(self, settings: DartsSettings, image: tuple[int, int, int], classes: int) -> list[Decision]:
        found = []
        for cell in CELLS if Layout("small", 1, settings.cells, 1, (1, 1)).reductions else CELLS[:1]:
            for node in range(PREDECESSORS, PREDECESSORS + settings.nodes):
                for k in range(settings.inputs):
                    found.append(Decision(f"{cell}/input_{node}_{k}", tuple(range(node))))
                    found.append(Decision(f"{cell}/op_{node}_{k}", settings.primitives))
        return found

    def assemble(self, settings: DartsSettings, choices: Choices) -> dict[str, Any]:
        found: dict[str, list[list[list[Any]]]] = {}
        for cell in CELLS:
            nodes: dict[int, list[list[Any]]] = {}
            for label, primitive in choices.items():
                if label.startswith(f"{cell}/op_"):
                    node, k = map(int, label.rsplit("_", 2)[1:])
                    nodes.setdefault(node, []).append([primitive, choices[f"{cell}/input_{node}_{k}"]])
            if nodes:
                # A sum has no order: sorted, so that the same network is the same genotype.
                found[cell] = [sorted(nodes[n], key=lambda pair: (pair[1], pair[0])) for n in sorted(nodes)]
        return found

    def choices(self, settings: DartsSettings, architecture: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for cell, nodes in architecture.items():
            for node, pairs in enumerate(nodes, start=PREDECESSORS):
                for k, (primitive, source) in enumerate(pairs):
                    if isinstance(source, bool) or not isinstance(source, int):
                        raise UserError(f"an input of cell {cell} is {source!r}; accepted: a whole number")
                    found[f"{cell}/input_{node}_{k}"] = source
                    found[f"{cell}/op_{node}_{k}"] = primitive
        return found

    def build(self, genotype: Genotype) -> nn.Module:
        settings = self.make_settings(genotype.settings)
        architecture = genotype.architecture

        def make_cell(reduction: bool, channels: int, preprocessor: Any) -> nn.Module:
            return CellModule(architecture[CELLS[reduction]], channels, preprocessor, reduction)

        return CellNetwork(make_cell, **body(settings, genotype.image, genotype.classes))

    def cost(self, genotype: Genotype) -> Cost:
        settings = self.make_settings(genotype.settings)
        layout = layout_of(settings, genotype.image)
        total = fixed_cost(settings, genotype.image, genotype.classes)
        for _, reduction, _, channels, _, size in layout:
            for pairs in genotype.architecture[CELLS[reduction]]:
                for primitive, source in pairs:
                    total += edge_cost(primitive, source, reduction, channels, size)
        return total

    def to_nni(self, choices: Choices) -> dict[str, Any]:
        return {k: [v] if "/input_" in k else v for k, v in choices.items()}

    def model_space(self, settings: DartsSettings, image: tuple[int, int, int], classes: int) -> Any:
        from search_space.darts_supernet import DartsGlobal  # NNI is slow to import

        return DartsGlobal(settings, image, classes)


def layout_of(settings: DartsSettings, image: tuple[int, int, int]) -> Layout:
    """Width, size and neighbours of each cell."""
    return Layout(settings.stem, settings.width, settings.cells, settings.nodes, image[1:])


def body(settings: DartsSettings, image: tuple[int, int, int], classes: int) -> dict[str, Any]:
    """The arguments of `CellNetwork` that do not depend on the architecture."""
    return {
        "layout": layout_of(settings, image),
        "stem": settings.stem,
        "width": settings.width,
        "image": image,
        "classes": classes,
        "auxiliary": settings.auxiliary,
    }


def edge_cost(primitive: str, source: int, reduction: bool, channels: int, size: tuple[int, int]) -> Cost:
    """Cost of one operation in a cell of that width whose input maps have ``size``."""
    if not reduction:
        return get_primitive(primitive).cost(channels, 1, size)
    if source < PREDECESSORS:
        return get_primitive(primitive).cost(channels, 2, size)
    return get_primitive(primitive).cost(channels, 1, (-(-size[0] // 2), -(-size[1] // 2)))


def fixed_cost(settings: DartsSettings, image: tuple[int, int, int], classes: int) -> Cost:
    """Cost of all that is not decided: stem, preprocessors, classifier; without the auxiliary head."""
    layout = layout_of(settings, image)
    total = Stem.cost_of(settings.stem, image[0], settings.width, image[1:]) + head_cost(layout, classes)
    return total + sum(layout.preprocessor_cost(cell) for cell in layout)


def edge_costs(
    settings: DartsSettings, image: tuple[int, int, int], classes: int
) -> tuple[Cost, dict[EdgeKey, dict[str, Cost]]]:
    """(cost of all that is not decided, cost of each primitive on each edge summed over all cells of a kind).

    A network's cost is the first plus the entries of its pairs.
    """
    table: dict[EdgeKey, dict[str, Cost]] = {}
    for _, reduction, _, channels, _, size in layout_of(settings, image):
        for node in range(PREDECESSORS, PREDECESSORS + settings.nodes):
            for source in range(node):
                edge = table.setdefault((CELLS[reduction], node, source), {})
                for primitive in settings.primitives:
                    cost = edge_cost(primitive, source, reduction, channels, size)
                    edge[primitive] = edge.get(primitive, Cost()) + cost
    return fixed_cost(settings, image, classes), table
