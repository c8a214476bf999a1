"""``tiny-global`` as a one-shot search sees it: each block a cell of one node, whose primitives are whole blocks.

Source: Cai, Zhu and Han, "ProxylessNAS", ICLR 2019, section 4.1, whose supernet is a row of such blocks. Widths, depths
and the stem are fixed: in a block's cost they are factors, not summands.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pde_ops.cost import Cost
from records.errors import UserError
from search_space.families.family import Family, Part
from search_space.problem import Problem
from search_space.supernet_cells import Edge, SupernetCells

if TYPE_CHECKING:
    from torch import nn

ONE_SIZE = ("stem_widths", "stem_strides", "widths", "depths")


class CellPart(NamedTuple):
    """A part of the network: one that is fixed has no ``label``, and stands under ``""``; a block has its cell's, and a
    part for each of the primitives."""

    label: str
    options: Mapping[str, Part]


def supernet_cells(
    space: Family, problem: Problem, model: Callable[[dict[str, Any]], nn.Module]
) -> SupernetCells:
    """The blocks, from input 0 each; ``model`` makes the supernet's model space of a problem's plain JSON. Raises
    ``UserError`` where a size has several values."""
    whole = space.completed(problem)
    settings = space.settings_of(whole)
    for name in ONE_SIZE:
        values = getattr(settings, name)
        if len(values) > 1:
            raise UserError(
                f"{name} is {', '.join(map(str, values))}; accepted here: one value, a supernet of blocks has one size"
            )
    decided = block_choices(settings)
    parts = cell_parts(space, whole, decided)
    fixed, edges, size = Cost(), {}, problem.image[1:]
    for part in parts:
        for primitive, each in part.options.items():
            cost, out = each.measure(size)
            if part.label:
                edges[_edge(part.label, primitive)] = cost
            else:
                fixed += cost
        size = out

    def architecture(cells: dict[str, Any]) -> dict[str, Any]:
        """The blocks as their cells have them, all else as it is fixed."""
        chosen = {decision.label: decision.options[0] for decision in space.decisions(whole)}
        for label, [[[primitive, _]]] in cells.items():
            block = label.replace("_", "/")
            chosen |= {f"{block}/{name}": value for name, value in decided[primitive].items()}
        return space.assemble(whole, chosen)

    return SupernetCells(tuple(decided), 1, fixed, edges, lambda parts: model(whole.to_json()), architecture)


def _edge(label: str, primitive: str) -> Edge:
    return label, 1, 0, primitive


def block_choices(settings: Any) -> dict[str, dict[str, Any]]:
    """What can be chosen for a block by `TinySettings`, by the primitive that stands for it: its operator, with its expansion and
    its squeeze where there are several.

    Examples:
        >>> from search_space.families.tiny import TinySettings
        >>> list(block_choices(TinySettings(operators=["global_1"], expansions=[2, 3], squeezes=["none"])))
        ['global_1 x2', 'global_1 x3']
    """
    found = {}
    for operator, expansion, squeeze in itertools.product(
        settings.operators, settings.expansions, settings.squeezes
    ):
        words = [operator]
        words += [f"x{expansion}"] if len(settings.expansions) > 1 else []
        words += ["squeeze"] if len(settings.squeezes) > 1 and squeeze != "none" else []
        found[" ".join(words)] = {"expansion": expansion, "operator": operator, "squeeze": squeeze}
    return found


def cell_parts(space: Family, problem: Problem, decided: Mapping[str, Mapping[str, Any]]) -> list[CellPart]:
    """The network's parts, in order."""
    rows = []
    for choice in decided.values():
        chosen = {decision.label: decision.options[0] for decision in space.decisions(problem)}
        for label in chosen:
            name = label.rpartition("/")[2]
            if "/block" in label:
                chosen[label] = choice[name]
        rows.append(space.parts(problem, space.assemble(problem, chosen)))
    (depth,) = space.settings_of(problem).depths
    labels = [f"stage{s}_block{b}" for s in space.settings_of(problem).places for b in range(1, depth + 1)]
    first, *blocks, last = zip(*rows, strict=True)
    return [
        CellPart("", {"": first[0]}),
        *(CellPart(label, dict(zip(decided, parts, strict=True))) for label, parts in zip(labels, blocks, strict=True)),
        CellPart("", {"": last[0]}),
    ]  # fmt: skip
