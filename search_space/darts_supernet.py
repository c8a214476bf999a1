"""`DartsGlobal`: the space ``darts-global`` as an NNI model space, for one-shot and multi-trial strategies."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nni.nas.nn.pytorch import Cell, ModelSpace
from torch import Tensor, nn

from search_space.darts_global import CELLS, DartsSettings, body
from search_space.network import PREDECESSORS, CellNetwork, Preprocessor
from search_space.primitives import get_primitive


class DartsGlobal(ModelSpace):
    """NNI's cells with all primitives as candidates; labels are those of the space's decisions."""

    def __init__(self, settings: DartsSettings, image: tuple[int, int, int], classes: int) -> None:
        super().__init__()

        def make_cell(reduction: bool, channels: int, preprocessor: Preprocessor) -> nn.Module:
            candidates: dict[str, Callable[[int, int, int | None], nn.Module]] = {
                name: partial(_make_operation, name, channels, reduction) for name in settings.primitives
            }
            return Cell(
                candidates,
                num_nodes=settings.nodes,
                num_ops_per_node=settings.inputs,
                num_predecessors=PREDECESSORS,
                merge_op="all",
                preprocessor=preprocessor,
                label=CELLS[reduction],
            )

        self.network = CellNetwork(make_cell, **body(settings, image, classes))

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        return self.network(x)


def _make_operation(
    name: str, channels: int, reduction: bool, node: int, operation: int, source: int | None
) -> nn.Module:
    # Without a source (NNI asks so before the inputs are chosen) any stride will do: it is made anew later.
    strided = reduction and source is not None and source < PREDECESSORS
    return get_primitive(name)(channels, 2 if strided else 1)
