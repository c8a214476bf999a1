"""Global layers that reach the whole map in one go, as primitives.

``global_heat`` is heat flow solved exactly, with a diffusivity along the rows and one along the columns for each
channel: see ``pde_ops.HeatLayer``.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor

from pde_ops import HeatLayer
from pde_ops.cost import Cost
from search_space.primitives.global_layers import StridedInit
from search_space.primitives.registry import Primitive, Size, register_primitive, strided

WholeMapLayer: TypeAlias = HeatLayer
# By name; a name may stand in a genotype, and means the same for ever.
WHOLE_MAP: dict[str, type[WholeMapLayer]] = {"global_heat": HeatLayer}


class WholeMapPrimitive(Primitive):
    """A layer made of (channels, init) with identity Init; with stride 2 a ``StridedInit``."""

    made: type[WholeMapLayer]

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__(channels, stride)
        self.layer = self.made(channels, init=None if stride == 1 else StridedInit(channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)

    @classmethod
    def cost(cls, channels: int, stride: int, size: Size) -> Cost:
        out = strided(size, stride)
        with torch.device("meta"):
            layer = cls.made(channels)
        return layer.cost(out) + (Cost() if stride == 1 else StridedInit.cost_of(channels, out))


for _name, _made in WHOLE_MAP.items():
    _title = "".join(part.title() for part in _name.split("_"))
    register_primitive(_name)(type(_title, (WholeMapPrimitive,), {"made": _made, "__module__": __name__}))
