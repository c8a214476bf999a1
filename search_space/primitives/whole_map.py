"""Global layers that reach the whole map in one go, as primitives.

``global_heat`` is heat flow solved exactly, with a diffusivity along the rows and one along the columns for each
channel: see ``pde_ops.HeatLayer``. ``global_implicit`` is one implicit step of the advection-diffusion equation with
coefficients learned from the feature map, nearly the identity before training; ``global_implicit_open`` takes a step
ten times as long: see ``pde_ops.ImplicitLayer``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeAlias

from torch import nn

from pde_ops import HeatLayer, ImplicitLayer
from search_space.primitives.global_layers import LayerPrimitive
from search_space.primitives.registry import register_primitive

WholeMapLayer: TypeAlias = HeatLayer | ImplicitLayer
# By name; a name may stand in a genotype, and means the same for ever.
WHOLE_MAP: dict[str, Callable[..., WholeMapLayer]] = {
    "global_heat": HeatLayer,
    "global_implicit": functools.partial(ImplicitLayer, time_start=0.1),
    "global_implicit_open": functools.partial(ImplicitLayer, time_start=1.0),
}


class WholeMapPrimitive(LayerPrimitive):
    """One of `WHOLE_MAP`."""

    name: str

    @classmethod
    def make_layer(cls, channels: int, init: nn.Module | None) -> WholeMapLayer:
        return WHOLE_MAP[cls.name](channels, init=init)


for _name in WHOLE_MAP:
    _title = "".join(part.title() for part in _name.split("_"))
    register_primitive(_name)(type(_title, (WholeMapPrimitive,), {"name": _name, "__module__": __name__}))
