"""The space ``darts-global``: DARTS' two cells, in which global layers stand beside the convolutions.

Source: Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, for the cells.
"""

from __future__ import annotations

import functools
from typing import Any

from torch import nn

from pde_ops.cost import Cost
from records.checks import shown
from records.errors import UserError
from search_space.cells.darts_frame import DartsSettings, make_network
from search_space.cells.layout import CELL_INPUTS, CellPlan, Extent, Plan, stages
from search_space.cells.network import Cell, frame_cost, present
from search_space.primitives.none import NONE
from search_space.primitives.registry import primitive_cost
from search_space.problem import Problem
from search_space.space import Choices, Decision, Space, get_space, register_space
from search_space.supernet_cells import Edge, SupernetCells

SIZE = "size"


@register_space
class DartsGlobalSpace(Space):
    """``darts-global``. Its architecture: by kind of cell, per node its [primitive, input] pairs.

    Inputs 0 and 1 are the outputs of the two cells before, the last one being 1; 2 is the cell's first node.
    A node's pairs are sorted by input, then primitive. Both may take the same input. With one cell there is
    only ``normal``. Where the extent is searched, ``size`` holds it: ``width``, ``cells``, and what stands ``after``
    the last cell of each stage.

    Examples:
        >>> from search_space import sample
        >>> genotype = sample("darts-global", seed=3, width=[4, 8], cells=[1, 3], after=["none", "global_3"])
        >>> genotype.architecture["size"]
        {'width': 8, 'cells': 3, 'after': ['none', 'none', 'global_3']}
    """

    name = "darts-global"
    Settings = DartsSettings
    widths = ("width",)
    sizes = ("width", "cells")

    def settings_json(self, settings: DartsSettings) -> dict[str, Any]:
        """All but an ``after`` that changes nothing, so that a genotype written before there was one keeps its key."""
        record = super().settings_json(settings)
        if settings.after == (NONE,):
            del record["after"]
        return record

    def decisions(self, problem: Problem) -> list[Decision]:
        return list(_decisions(self.settings_of(problem)))

    def assemble(self, problem: Problem, choices: Choices) -> dict[str, Any]:
        settings: DartsSettings = self.settings_of(problem)
        cells: dict[str, Any] = {}
        kinds = _kinds(max(settings.lengths))
        if settings.sized:
            width, length = (choices[f"{SIZE}/{name}"] for name in ("width", "cells"))
            after = [choices[label] for label in _after_labels(settings)]
            cells[SIZE] = {"width": width, "cells": length, "after": after[: stages(length)]}
            kinds = _kinds(length)
        for kind, node, operator, origin in _places(settings):
            if kind not in kinds:
                continue
            nodes = cells.setdefault(kind, [])
            while len(nodes) <= node - CELL_INPUTS:
                nodes.append([])
            chosen = choices[origin]
            source = chosen[0] if isinstance(chosen, (list, tuple)) else chosen  # NNI gives [0] for 0
            nodes[-1].append([choices[operator], source])
        for kind in kinds:
            for pairs in cells[kind]:
                pairs.sort(key=lambda pair: (pair[1], pair[0]))
        return cells

    def choices(self, problem: Problem, architecture: dict[str, Any]) -> dict[str, Any]:
        settings: DartsSettings = self.settings_of(problem)
        choices: dict[str, Any] = {}
        extent = _extent(settings, architecture)
        if settings.sized:
            unused = settings.after[:1] * (len(_after_labels(settings)) - len(extent.after))
            choices = {f"{SIZE}/width": extent.width, f"{SIZE}/cells": extent.cells}
            choices |= dict(zip(_after_labels(settings), (*extent.after, *unused), strict=True))
        kinds = _kinds(extent.cells)
        accepted = (SIZE, *kinds) if settings.sized else kinds
        if set(architecture) != set(accepted):
            raise UserError(
                f"architecture has the cells {shown(', '.join(architecture))[1:-1]}; accepted with "
                f"{extent.cells} cells: {', '.join(accepted)}"
            )
        for kind in kinds:
            choices |= _cell_choices(settings, kind, architecture[kind])
        for decision in self.decisions(problem):
            choices.setdefault(decision.label, decision.options[0])
        return choices

    def idle(self, problem: Problem, architecture: dict[str, Any]) -> set[str]:
        settings: DartsSettings = self.settings_of(problem)
        length = _extent(settings, architecture).cells
        cells = [
            d.label for d in self.decisions(problem) if d.label.split("/")[0] not in (SIZE, *_kinds(length))
        ]
        return {*cells, *_after_labels(settings)[stages(length) :]}

    def build(self, problem: Problem, architecture: dict[str, Any]) -> nn.Module:
        settings = self.settings_of(problem)
        extent = _extent(settings, architecture)
        return make_network(settings, problem, extent, lambda cell: Cell(cell, architecture[cell.kind]))

    def cost(self, problem: Problem, architecture: dict[str, Any]) -> Cost:
        settings: DartsSettings = self.settings_of(problem)
        extent = _extent(settings, architecture)
        total = _frame_cost(problem, extent)
        for cell in settings.plan(problem.image, extent).cells:
            for pairs in architecture[cell.kind]:
                for primitive, source in pairs:
                    total += _edge_cost(cell, source, primitive)
        return total

    def shared_names(self, problem: Problem, architecture: dict[str, Any]) -> dict[str, str]:
        """An edge's weights are those of its cell's place in its stage, its node, input and primitive. What takes the
        outputs of several nodes, one after the other, has weights of its own for each number of channels."""
        settings: DartsSettings = self.settings_of(problem)
        extent = _extent(settings, architecture)
        planned = settings.plan(problem.image, extent)
        names = {"stem": f"stem of {extent.width}", "classifier": f"classifier of {planned.channels}"}
        number, stage = 0, 1
        for position, cell in enumerate(planned.cells):
            place = f"stage {stage} cell {number}"
            inputs = "+".join(map(str, cell.input_channels))
            names[f"cells.{position}.preprocessor"] = f"{place} preprocessor of {inputs} to {cell.channels}"
            for node, pairs in enumerate(architecture[cell.kind]):
                for edge, (primitive, source) in enumerate(present(pairs)):
                    names[f"cells.{position}.nodes.{node}.{edge}"] = (
                        f"{place} node {node} from {source} {primitive}"
                    )
            number += 1
            channels = planned.given(position)[0]
            if position == planned.auxiliary_cell:
                names["auxiliary_head"] = f"auxiliary head of {channels}"
            if position in planned.stage_ends:
                names[f"after.{position}"] = f"after stage {stage} of {channels} {extent.after[stage - 1]}"
                stage, number = stage + 1, 0
        return names

    def plan(self, problem: Problem, architecture: dict[str, Any]) -> Plan:
        """Where the cells of that architecture stand."""
        settings: DartsSettings = self.settings_of(problem)
        return settings.plan(problem.image, _extent(settings, architecture))

    def model_space(self, problem: Problem) -> nn.Module:
        # Importing NNI takes seconds.
        if self.settings_of(problem).sized:
            from search_space.model_space import ChoicesModelSpace

            return ChoicesModelSpace(problem=self.completed(problem).to_json())
        from search_space.cells.model_space import DartsGlobal

        return DartsGlobal(problem=self.completed(problem).to_json())

    def supernet_cells(self, problem: Problem) -> SupernetCells:
        """The cells by kind; all sizes are fixed."""
        settings: DartsSettings = self.settings_of(problem)
        extent = settings.extent()
        edges: dict[Edge, Cost] = {}
        for cell in settings.plan(problem.image, extent).cells:
            for node in range(CELL_INPUTS, CELL_INPUTS + settings.nodes):
                for source in range(node):
                    for primitive in settings.primitives:
                        edge = (cell.kind, node, source, primitive)
                        edges[edge] = edges.get(edge, Cost()) + _edge_cost(cell, source, primitive)

        def model(parts: int) -> nn.Module:
            from search_space.cells.model_space import DartsGlobal  # importing NNI takes seconds

            return DartsGlobal(problem=self.completed(problem).to_json(), parts=parts)

        return SupernetCells(
            settings.primitives,
            settings.inputs,
            _frame_cost(problem, extent),
            edges,
            model,
            dict,
            extent.width,
        )

    def to_nni(self, choices: Choices) -> dict[str, Any]:
        """NNI's cells choose a list of inputs that has one member."""
        if f"{SIZE}/width" in choices:
            return dict(choices)
        return {
            label: [o] if label.rpartition("/")[2].startswith("input") else o for label, o in choices.items()
        }


def _edge_cost(cell: CellPlan, source: int, primitive: str) -> Cost:
    return primitive_cost(primitive, cell.channels, cell.stride(source), cell.edge_size(source))


@functools.lru_cache(maxsize=4096)
def _frame_cost(problem: Problem, extent: Extent) -> Cost:
    settings: DartsSettings = get_space(problem.space).settings_of(problem)
    planned = settings.plan(problem.image, extent)
    return frame_cost(planned, problem, stem=settings.stem, width=extent.width, after=extent.after)


def _extent(settings: DartsSettings, architecture: dict[str, Any]) -> Extent:
    """The architecture's own where extents are searched. Raises ``UserError``."""
    if not settings.sized:
        return settings.extent()
    size = architecture.get(SIZE)
    if not isinstance(size, dict) or set(size) != {"width", "cells", "after"}:
        raise UserError(
            f"architecture's {SIZE} is {shown(size)}; accepted: an object of width, cells and after"
        )
    for name, accepted in (("width", settings.widths), ("cells", settings.lengths)):
        if type(size[name]) is not int or size[name] not in accepted:
            raise UserError(
                f"{SIZE}/{name} is {shown(size[name])}; accepted: {', '.join(map(str, accepted))}"
            )
    after = _list(size["after"], stages(size["cells"]), f"{SIZE}/after", "primitives, one a stage")
    return Extent(size["width"], size["cells"], tuple(after))


@functools.lru_cache(maxsize=64)
def _decisions(settings: DartsSettings) -> tuple[Decision, ...]:
    decisions = []
    if settings.sized:
        decisions.append(Decision(f"{SIZE}/width", settings.widths))
        decisions.append(Decision(f"{SIZE}/cells", settings.lengths))
        decisions += [Decision(label, settings.after) for label in _after_labels(settings)]
    for _, node, operator, origin in _places(settings):
        decisions.append(Decision(operator, settings.primitives))
        decisions.append(Decision(origin, tuple(range(node))))
    return tuple(decisions)


def _after_labels(settings: DartsSettings) -> list[str]:
    return [f"{SIZE}/after_{stage}" for stage in range(1, stages(max(settings.lengths)) + 1)]


def _cell_choices(settings: DartsSettings, kind: str, given: Any) -> dict[str, Any]:
    choices: dict[str, Any] = {}
    nodes = _list(given, settings.nodes, f"cell {kind}", "nodes")
    for node, pairs in enumerate(nodes, start=CELL_INPUTS):
        edges = _list(pairs, settings.inputs, f"node {node} of cell {kind}", "[primitive, input] pairs")
        for position, pair in enumerate(edges):
            if not isinstance(pair, (list, tuple)) or len(pair) != 2:
                raise UserError(
                    f"edge {position} of node {node} of cell {kind} is {shown(pair)}; accepted: [primitive, input]"
                )
            place = f"{node}_{position}"
            choices[f"{kind}/op_{place}"], choices[f"{kind}/input_{place}"] = pair
    return choices


def _kinds(length: int) -> tuple[str, ...]:
    """The kinds of cells in a network of so many."""
    return ("normal",) if length == 1 else ("normal", "reduction")


@functools.lru_cache(maxsize=64)
def _places(settings: DartsSettings) -> list[tuple[str, int, str, str]]:
    """For each edge that is decided, in order: its kind of cell, its node, and the labels of its primitive and input."""
    return [
        (kind, node, f"{kind}/op_{node}_{position}", f"{kind}/input_{node}_{position}")
        for kind in _kinds(max(settings.lengths))
        for node in range(CELL_INPUTS, CELL_INPUTS + settings.nodes)
        for position in range(settings.inputs)
    ]


def _list(value: Any, length: int, what: str, members: str) -> list[Any]:
    if not isinstance(value, (list, tuple)) or len(value) != length:
        raise UserError(f"{what} is {shown(value)}; accepted: a list of {length} {members}")
    return list(value)
