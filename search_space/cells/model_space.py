"""``DartsGlobal``: the space ``darts-global`` as an NNI model space. Importing this module imports NNI."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable
from typing import Any

from nni.nas.nn.pytorch import Cell, ModelSpace
from torch import Tensor, nn

from search_space.cells.darts_frame import DartsSettings, make_network
from search_space.cells.layout import CELL_INPUTS, CellPlan
from search_space.cells.network import Preprocessor, make_edge
from search_space.cells.nni_side.one_input import of_one_input
from search_space.cells.nni_side.one_shot_hooks import one_shot_hooks
from search_space.problem import Problem
from search_space.space import get_space


class DartsGlobal(ModelSpace):
    """The network of ``darts-global`` with NNI's cells, whose operations are made by factories.

    Labels: ``<kind>/op_<node>_<position>`` and ``<kind>/input_<node>_<position>``, those of the space's
    decisions. The argument is a problem's plain JSON, so that NNI can write it down; give it by keyword.
    ``parts``: the operations are made for 1/parts of a cell's channels, which must be a whole number.
    """

    def __init__(self, problem: dict[str, Any], parts: int = 1) -> None:
        super().__init__()
        given = Problem.from_json(problem)
        settings: DartsSettings = get_space(given.space).settings_of(given)

        def make_cell(planned: CellPlan) -> nn.Module:
            inside = dataclasses.replace(planned, channels=planned.channels // parts)
            factories = {name: functools.partial(_operation, name, inside) for name in settings.primitives}
            return Cell(
                factories, settings.nodes, settings.inputs, CELL_INPUTS,
                preprocessor=Preprocessor(planned), label=planned.kind,
            )  # fmt: skip

        self.network = make_network(settings, given, settings.extent(), make_cell)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        return self.network(x)

    def leaf_mutables(self, is_leaf: Callable[[Any], bool]) -> Iterable[Any]:
        """The decisions as NNI's strategies see them."""
        return of_one_input(super().leaf_mutables(is_leaf))

    def extra_oneshot_hooks(self, strategy: Any) -> list[Any]:
        """What one of NNI's one-shot strategies asks for before it makes a supernet of these cells."""
        return one_shot_hooks(strategy)


def _operation(name: str, cell: CellPlan, node: int, position: int, source: int | None) -> nn.Module:
    # Before the input is chosen NNI makes an operation that is never run, with source None.
    return make_edge(name, cell, CELL_INPUTS if source is None else source)
