"""The operations that a cell chooses among, each a small registered class that knows its cost.

A primitive maps ``(N, C, H, W)`` to the same shape, or with stride 2 to half the size (rounded up). Adding one
is one class, with ``@register_primitive("name")``; it then works in supernets, trials, genotypes and exports.

Sources: Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, section 3.1.1, for the
convolutions, poolings and the skip connection; Kag and Saligrama, CVPR 2022, for the global layers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pde_ops import GlobalLayer
from pde_ops.cost import Cost, conv_cost, norm_cost
from search_space.errors import UserError

Size = tuple[int, int]


class Primitive(nn.Module):
    """An operation of ``channels`` channels with stride 1 or 2. ``cost`` is for one image whose input has
    ``size`` = (rows, columns)."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()

    @classmethod
    def cost(cls, channels: int, stride: int, size: Size) -> Cost:
        raise NotImplementedError(f"{cls.__name__} has no cost; a primitive must say what it costs")


_PRIMITIVES: dict[str, type[Primitive]] = {}
P = TypeVar("P", bound=type[Primitive])


def register_primitive(name: str) -> Callable[[P], P]:
    """Class decorator: makes the primitive known as ``name``."""

    def register(cls: P) -> P:
        if name in _PRIMITIVES:
            raise ValueError(f"a primitive named {name!r} is registered already")
        if cls.cost.__func__ is Primitive.cost.__func__:  # type: ignore[attr-defined]
            raise ValueError(f"primitive {name!r} has no cost")
        _PRIMITIVES[name] = cls
        return cls

    return register


def primitive_names() -> tuple[str, ...]:
    """All registered primitives, in the order of their registration."""
    return tuple(_PRIMITIVES)


def get_primitive(name: str) -> type[Primitive]:
    """The primitive of that name; raises `UserError` naming the known ones."""
    if name not in _PRIMITIVES:
        raise UserError(f"unknown primitive {name!r}; known are {', '.join(_PRIMITIVES)}")
    return _PRIMITIVES[name]


def strided(size: Size, stride: int) -> Size:
    """The size after ``stride``, rounded up."""
    return -(-size[0] // stride), -(-size[1] // stride)


class FactorizedReduce(nn.Module):
    """ReLU, two 1x1 convolutions of stride 2 on grids one pixel apart, concatenated, BN: halves the size."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.conv1 = nn.Conv2d(in_channels, half, 1, stride=2, bias=False)
        self.conv2 = nn.Conv2d(in_channels, out_channels - half, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        # Padded, so that odd sizes give two grids of the same size; even ones never reach the padding.
        shifted = F.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]
        return self.norm(torch.cat([self.conv1(x), self.conv2(shifted)], 1))

    @staticmethod
    def cost_of(in_channels: int, out_channels: int, size: Size) -> Cost:
        """Cost for an input of ``size``."""
        out = strided(size, 2)
        return conv_cost(in_channels, out_channels, 1, out) + norm_cost(out_channels, out)


class ReluConvNorm(nn.Module):
    """ReLU, 1x1 convolution, BN."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(F.relu(x)))

    @staticmethod
    def cost_of(in_channels: int, out_channels: int, size: Size) -> Cost:
        """Cost for a map of ``size``."""
        return conv_cost(in_channels, out_channels, 1, size) + norm_cost(out_channels, size)


@register_primitive("skip_connect")
class SkipConnect(Primitive):
    """The input itself; with stride 2 a factorized reduction."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__(channels, stride)
        self.reduce: nn.Module = nn.Identity() if stride == 1 else FactorizedReduce(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.reduce(x)

    @classmethod
    def cost(cls, channels: int, stride: int, size: Size) -> Cost:
        return Cost() if stride == 1 else FactorizedReduce.cost_of(channels, channels, size)


class _Pool(Primitive):
    """3x3 pooling, then BN without gain and bias, as in DARTS' search phase."""

    pool: ClassVar[Callable[..., Tensor]]

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__(channels, stride)
        self.stride = stride
        self.norm = nn.BatchNorm2d(channels, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(type(self).pool(x, 3, self.stride, 1))

    @classmethod
    def cost(cls, channels: int, stride: int, size: Size) -> Cost:
        return norm_cost(channels, strided(size, stride), affine=False)


@register_primitive("max_pool_3x3")
class MaxPool(_Pool):
    """3x3 maximum."""

    pool = F.max_pool2d


@register_primitive("avg_pool_3x3")
class AveragePool(_Pool):
    """3x3 mean over the pixels that lie inside."""

    @staticmethod
    def pool(x: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
        return F.avg_pool2d(x, kernel, stride, padding, count_include_pad=False)


class _DepthwiseSeparable(Primitive):
    """(ReLU, depthwise convolution, 1x1 convolution, BN), ``repeats`` times; the stride is in the first."""

    kernel: ClassVar[int]
    dilation: ClassVar[int] = 1
    repeats: ClassVar[int] = 1

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__(channels, stride)
        layers: list[nn.Module] = []
        for repeat in range(self.repeats):
            layers += [
                nn.ReLU(),
                nn.Conv2d(
                    channels,
                    channels,
                    self.kernel,
                    stride=stride if repeat == 0 else 1,
                    padding=self.kernel // 2 * self.dilation,
                    dilation=self.dilation,
                    groups=channels,
                    bias=False,
                ),
                nn.Conv2d(channels, channels, 1, bias=False),
                nn.BatchNorm2d(channels),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)

    @classmethod
    def cost(cls, channels: int, stride: int, size: Size) -> Cost:
        out = strided(size, stride)
        once = (
            conv_cost(channels, channels, cls.kernel, out, groups=channels)
            + conv_cost(channels, channels, 1, out)
            + norm_cost(channels, out)
        )
        return once * cls.repeats


@register_primitive("sep_conv_3x3")
class SeparableConv3(_DepthwiseSeparable):
    """Separable 3x3 convolution, applied twice."""

    kernel, repeats = 3, 2


@register_primitive("sep_conv_5x5")
class SeparableConv5(_DepthwiseSeparable):
    """Separable 5x5 convolution, applied twice."""

    kernel, repeats = 5, 2


@register_primitive("dil_conv_3x3")
class DilatedConv3(_DepthwiseSeparable):
    """Dilated separable 3x3 convolution: reach 5."""

    kernel, dilation = 3, 2


@register_primitive("dil_conv_5x5")
class DilatedConv5(_DepthwiseSeparable):
    """Dilated separable 5x5 convolution: reach 9."""

    kernel, dilation = 5, 2


class GlobalPrimitive(Primitive):
    """A global layer; with stride 2 its Init is a factorized reduction, and the PDE runs on the smaller map."""

    options: ClassVar[dict[str, Any]]

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__(channels, stride)
        reduce = None if stride == 1 else FactorizedReduce(channels, channels)
        self.layer = GlobalLayer(channels, init=reduce, init_changes_shape=stride > 1, **self.options)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)

    @classmethod
    def cost(cls, channels: int, stride: int, size: Size) -> Cost:
        init = Cost() if stride == 1 else FactorizedReduce.cost_of(channels, channels, size)
        return init + _layer_cost(cls, channels, strided(size, stride))


@lru_cache(maxsize=4096)
def _layer_cost(cls: type[GlobalPrimitive], channels: int, size: Size) -> Cost:
    with torch.device("meta"):
        return GlobalLayer(channels, **cls.options).cost(size)


GLOBAL_KINDS: dict[str, dict[str, Any]] = {
    "advection_diffusion": {},
    "constant_diffusivity": {"diffusivity": 1.0},
    "diffusion": {"velocity": "none"},
    "advection": {"diffusivity": "none"},
}
GLOBAL_STEPS = (1, 3, 5)

for _kind, _options in GLOBAL_KINDS.items():
    for _steps in GLOBAL_STEPS:
        register_primitive(f"global_{_kind}_{_steps}")(
            type(
                f"Global{_kind.title().replace('_', '')}{_steps}",
                (GlobalPrimitive,),
                {
                    "options": {**_options, "steps": _steps},
                    "__doc__": f"Global layer, {_kind.replace('_', '-')}, {_steps} steps of the PDE.",
                    "__module__": __name__,
                },
            )
        )


def is_global(primitive: str) -> bool:
    """Whether the primitive of that name solves the PDE."""
    return issubclass(get_primitive(primitive), GlobalPrimitive)
