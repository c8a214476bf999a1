"""No operation: an edge of a cell, or a place after a stage, that is left empty."""

from __future__ import annotations

from torch import Tensor

from pde_ops.cost import Cost
from search_space.primitives.registry import Primitive, Size, register_primitive

NONE = "none"


@register_primitive(NONE)
class Nothing(Primitive):
    """Zeros, at no cost; a network leaves it out wherever anything else is added to it."""

    dropped = False

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__(channels, stride)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, :: self.stride, :: self.stride] * 0

    @classmethod
    def cost(cls, channels: int, stride: int, size: Size) -> Cost:
        return Cost()
