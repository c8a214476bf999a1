"""``TinyCells``: the blocks of ``tiny-global`` as NNI cells. Importing this module imports NNI."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from nni.nas.nn.pytorch import Cell, ModelSpace
from torch import Tensor, nn

from search_space.cells.nni_side.one_shot_hooks import one_shot_hooks
from search_space.families.family import Part
from search_space.families.tiny_cells import CellPart, block_choices, cell_parts
from search_space.problem import Problem
from search_space.space import get_space


class TinyCells(ModelSpace):
    """The network of ``tiny-global`` whose blocks are chosen by NNI's cells, of one input and one node each.

    Labels: ``stage<i>_block<j>/op_1_0``. The argument is a problem's plain JSON, so that NNI can write it down; give it
    by keyword.
    """

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__()
        given = Problem.from_json(problem)
        space: Any = get_space(given.space)
        parts = cell_parts(space, given, block_choices(space.settings_of(given)))
        self.network = nn.Sequential(OrderedDict((f"part{i}", _made(part)) for i, part in enumerate(parts)))

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)

    def extra_oneshot_hooks(self, strategy: Any) -> list[Any]:
        """What one of NNI's one-shot strategies asks for before it makes a supernet of these cells."""
        return one_shot_hooks(strategy)


def _made(part: CellPart) -> nn.Module:
    if not part.label:
        return part.options[""].make()
    return Cell({name: _Factory(each) for name, each in part.options.items()}, 1, 1, 1, label=part.label)


class _Factory:
    """Makes a block wherever NNI's cell asks for it."""

    def __init__(self, part: Part) -> None:
        self.part = part

    def __call__(self, node: int, position: int, source: int | None) -> nn.Module:
        return self.part.make()
