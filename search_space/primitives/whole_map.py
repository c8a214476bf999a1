"""Global layers that reach the whole map in one go, as primitives.

``global_heat`` is heat flow solved exactly, with a diffusivity along the rows and one along the columns for each
channel: see ``pde_ops.HeatLayer``. ``global_implicit`` is one implicit step of the advection-diffusion equation with
coefficients learned from the feature map, nearly the identity before training; ``global_implicit_open`` takes a step
ten times as long: see ``pde_ops.ImplicitLayer``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor

from pde_ops import HeatLayer, ImplicitLayer
from pde_ops.cost import Cost
from search_space.primitives.global_layers import StridedInit
from search_space.primitives.registry import Primitive, Size, register_primitive, strided

WholeMapLayer: TypeAlias = HeatLayer | ImplicitLayer
# By name; a name may stand in a genotype, and means the same for ever.
WHOLE_MAP: dict[str, Callable[..., WholeMapLayer]] = {
    "global_heat": HeatLayer,
    "global_implicit": functools.partial(ImplicitLayer, time_start=0.1),
    "global_implicit_open": functools.partial(ImplicitLayer, time_start=1.0),
}


class WholeMapPrimitive(Primitive):
    """A layer made of (channels, init) with identity Init; with stride 2 a ``StridedInit``."""

    name: str

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__(channels, stride)
        self.layer = WHOLE_MAP[self.name](channels, init=None if stride == 1 else StridedInit(channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)

    @classmethod
    def cost(cls, channels: int, stride: int, size: Size) -> Cost:
        out = strided(size, stride)
        return _on_meta(cls.name, channels).cost(out) + (
            Cost() if stride == 1 else StridedInit.cost_of(channels, out)
        )


@functools.lru_cache(maxsize=1000)
def _on_meta(name: str, channels: int) -> Any:
    """The layer without memory, of which costs are asked for maps of many sizes."""
    with torch.device("meta"):
        return WHOLE_MAP[name](channels)


for _name in WHOLE_MAP:
    _title = "".join(part.title() for part in _name.split("_"))
    register_primitive(_name)(type(_title, (WholeMapPrimitive,), {"name": _name, "__module__": __name__}))
