"""What NNI's one-shot strategies need to make a supernet of cells."""

from __future__ import annotations

from typing import Any


def one_shot_hooks(strategy: Any) -> list[Any]:
    """Of a model space with cells, for ``strategy``: Proxyless has no supernet of a cell, all others have."""
    from nni.nas.strategy import Proxyless  # and with it Lightning, which no other search needs

    if not isinstance(strategy, Proxyless):
        return []
    from search_space.cells.nni_side.gated_cell import GatedCell

    return [GatedCell.mutate]
