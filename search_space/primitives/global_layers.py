"""Global layers as primitives: seven kinds of the equation (`search_space.primitives.kinds`), each with 1, 3 or 5 steps.

See ``pde_ops.GlobalLayer``; source: Kag and Saligrama, "Condensing CNNs with Partial Differential Equations",
CVPR 2022.
"""

from __future__ import annotations

import functools
from abc import abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from pde_ops import GlobalLayer
from pde_ops.cost import Cost, conv_cost, norm_cost
from search_space.primitives.kinds import KINDS, PRIMITIVES
from search_space.primitives.registry import Primitive, Size, register_primitive, strided

STEPS = (1, 3, 5)
# Written out, because a genotype's name for a primitive must mean the same function for ever.
OPTIONS: dict[str, Any] = {
    "dt": 0.2, "dx": 1, "dy": 1, "boundary": "periodic", "kernel_size": 3, "bias": False,
    "previous": "source", "velocity_input": "state", "activation": "relu", "velocity_activation": "same",
    "coefficient_start": 0.05, "start_mechanism": "multiplier", "coefficient_eps": 1e-5,
}  # fmt: skip


class StridedInit(nn.Sequential):
    """The Init of a global layer in a reduction cell: ReLU, depthwise 3x3 with stride 2, 1x1, batch norm.

    ``(N, C, H, W) -> (N, C, ceil(H / 2), ceil(W / 2))``; the PDE then runs at the lower resolution.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, stride=2, padding=1, groups=channels, bias=False),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    @staticmethod
    def cost_of(channels: int, out: Size) -> Cost:
        """Cost for an output of size ``out``."""
        depthwise = conv_cost(channels, channels, 3, out, groups=channels)
        return depthwise + conv_cost(channels, channels, 1, out) + norm_cost(channels, out)


class LayerPrimitive(Primitive):
    """A layer with identity Init; with stride 2 a ``StridedInit``. Subclasses say how the layer is made."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__(channels, stride)
        self.layer = self.make_layer(channels, None if stride == 1 else StridedInit(channels))

    @classmethod
    @abstractmethod
    def make_layer(cls, channels: int, init: nn.Module | None) -> Any:
        """A module with ``cost(size)``; ``init`` comes before it."""

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)

    @classmethod
    def cost(cls, channels: int, stride: int, size: Size) -> Cost:
        out = strided(size, stride)
        init = Cost() if stride == 1 else StridedInit.cost_of(channels, out)
        return init + _on_meta(cls, channels).cost(out)


@functools.lru_cache(maxsize=1000)
def _on_meta(primitive: type[LayerPrimitive], channels: int) -> Any:
    """The layer without memory, of which costs are asked for maps of many sizes."""
    with torch.device("meta"):
        return primitive.make_layer(channels, None)


class GlobalPrimitive(LayerPrimitive):
    """A global layer; with stride 2 the output of its Init is the source too."""

    kind: ClassVar[str]
    steps: ClassVar[int]

    @classmethod
    def make_layer(cls, channels: int, init: nn.Module | None) -> GlobalLayer:
        return GlobalLayer(
            channels, steps=cls.steps, init=init, init_changes_shape=init is not None, **OPTIONS | KINDS[cls.kind].options
        )  # fmt: skip


def _primitive(kind: str, steps: int) -> type[GlobalPrimitive]:
    title = "".join(part.title() for part in kind.split("_"))
    namespace = {"kind": kind, "steps": steps, "__module__": __name__}
    return type(f"{title}{steps}", (GlobalPrimitive,), namespace)


for _kind in PRIMITIVES:
    for _steps in STEPS:
        register_primitive(f"{_kind}_{_steps}")(_primitive(_kind, _steps))
