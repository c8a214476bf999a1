"""Networks for digits: the 64-channel ones of the ODE literature, and backbones of one channel.

Sources: Chen, Rubanova, Bettencourt and Duvenaud, "Neural Ordinary Differential Equations", NeurIPS 2018 (the
frame that brings an image to 64 x 6 x 6 features and back to logits); Kag and Saligrama, CVPR 2022 (the
global layer in it, and their public script of the illustrative example: the one-channel backbones).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor, nn
from torch.nn import functional as F

from pde_ops import integrate
from pde_ops.cost import Cost, conv_cost, linear_cost, norm_cost, pde_cost
from records.checks import one_of
from records.errors import UserError
from records.options import option
from search_space.families.blocks import Conv3
from search_space.families.family import Family, Part, one_each
from search_space.families.layers import NONE, STARTS, layer_names, make_layer
from search_space.families.resnet import check_layers, whole_numbers
from search_space.primitives.registry import Size
from search_space.problem import Problem
from search_space.space import Decision, register_space

FRAMES = ("downsampling", "pixel")
BLOCKS, CONVOLUTION, RESIDUAL, GLOBAL = "blocks_", "convolution", "residual_", "shared_global_"
PIXEL_FEATURES = (CONVOLUTION, *(f"{kind}{steps}" for kind in (RESIDUAL, GLOBAL) for steps in (1, 3, 5)))


GROUPS = 32


def group_norm(channels: int) -> nn.GroupNorm:
    """Normalisation in ``GROUPS`` groups, or one a channel where there are fewer."""
    return nn.GroupNorm(min(GROUPS, channels), channels)


class SingleConv(nn.Conv2d):
    """3x3 convolution of one channel to one, without bias; keeps the size.

    While training on a CPU the images of the batch stand side by side as the channels of a depthwise one: the
    same sums, and forward and backward take an eighth of the time of PyTorch's convolution of one channel
    (1.1 ms for 7.9, 128 images of 28 x 28 pixels on one thread).
    """

    def __init__(self) -> None:
        super().__init__(1, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or x.device.type != "cpu":
            return super().forward(x)
        count = x.shape[0]
        weight = self.weight.expand(count, 1, 3, 3)
        return F.conv2d(x.transpose(0, 1), weight, padding=1, groups=count).transpose(0, 1)

    def cost(self, size: Size) -> Cost:
        return conv_cost(1, 1, 3, size)


def conv3(in_channels: int, channels: int) -> nn.Conv2d:
    """A 3x3 convolution without bias that keeps the size, in the form that is quick for its channels."""
    return SingleConv() if in_channels == channels == 1 else Conv3(in_channels, channels)


class DigitStem(nn.Module):
    """Batch norm, ReLU, 3x3 convolution: ``(N, C, H, W) -> (N, channels, H, W)``, of either sign."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.channels = (in_channels, channels)
        self.norm = nn.BatchNorm2d(in_channels)
        self.conv = conv3(in_channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.relu(self.norm(x)))

    def cost(self, size: Size) -> Cost:
        return norm_cost(self.channels[0], size) + conv_cost(*self.channels, 3, size)


class Downsampling(nn.Module):
    """3x3 without padding, GN, ReLU, 4x4 stride 2, GN, ReLU, 4x4 stride 2: 28 x 28 pixels become 6 x 6."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.channels = (in_channels, channels)
        self.conv1 = nn.Conv2d(in_channels, channels, 3)
        self.norm1 = group_norm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 4, 2, padding=1)
        self.norm2 = group_norm(channels)
        self.conv3 = nn.Conv2d(channels, channels, 4, 2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2(F.relu(self.norm1(self.conv1(x))))
        return self.conv3(F.relu(self.norm2(x)))

    @staticmethod
    def sizes(size: Size) -> tuple[Size, Size, Size]:
        """After each convolution."""
        first = (size[0] - 2, size[1] - 2)
        second = (first[0] // 2, first[1] // 2)
        return first, second, (second[0] // 2, second[1] // 2)

    def out_size(self, size: Size) -> Size:
        out = self.sizes(size)[2]
        if min(out) < 2:  # group norm needs more than one value a group
            raise UserError(
                f"image is {size[0]} x {size[1]} pixels; accepted with frame downsampling: 12 x 12 or more"
            )
        return out

    def cost(self, size: Size) -> Cost:
        before, c = self.channels
        first, second, third = self.sizes(size)
        return (
            conv_cost(before, c, 3, first, bias=True) + norm_cost(c, first)
            + conv_cost(c, c, 4, second, bias=True) + norm_cost(c, second)
            + conv_cost(c, c, 4, third, bias=True)
        )  # fmt: skip


class PreActivation(nn.Module):
    """x + 3x3(ReLU(GN(3x3(ReLU(GN(x))))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.norm1 = group_norm(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = group_norm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.relu(self.norm1(x)))
        return x + self.conv2(F.relu(self.norm2(y)))

    def cost(self, size: Size) -> Cost:
        return (conv_cost(self.channels, self.channels, 3, size) + norm_cost(self.channels, size)) * 2


class DigitHead(nn.Module):
    """GN, ReLU, global average pooling, linear: ``(N, C, H, W) -> (N, classes)``."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = group_norm(channels)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.pool(F.relu(self.norm(x))).flatten(1))

    def cost(self, size: Size) -> Cost:
        c = self.linear.in_features
        return norm_cost(c, size) + linear_cost(c, self.linear.out_features)


class Backbone(nn.Module):
    """One feature layer of a single 3x3 convolution g(h) = conv(ReLU(BN h)): ``(N, C, H, W)`` to the same.

    ``convolution``: g(h). ``residual_<K>``: K times h + g(h) with the same weights. ``shared_global_<K>``: K
    steps of the PDE with velocities u = v = g(h), not activated, D = 1, dt = 0.2 and h as source and start.
    Then BN, which the convolution alone does without, and ReLU.

    The K residual steps share weights and not the statistics that BN keeps for evaluation: h grows from step
    to step, and with one mean and variance for all of them a network that is right for 91.5% of the test
    images by each batch's own statistics was right for 63.1% in evaluation.
    """

    def __init__(self, kind: str, channels: int) -> None:
        super().__init__()
        self.kind, self.channels = kind, channels
        self.steps = 1 if kind == CONVOLUTION else int(kind.rpartition("_")[2])
        self.norm = nn.BatchNorm2d(channels)
        # What the later residual steps keep for evaluation: buffers alone, weight and bias are the first's.
        later = self.steps - 1 if kind.startswith(RESIDUAL) else 0
        self.statistics = nn.ModuleList(nn.BatchNorm2d(channels, affine=False) for _ in range(later))
        self.conv = conv3(channels, channels)
        self.out_norm = None if kind == CONVOLUTION else nn.BatchNorm2d(channels)

    def features(self, x: Tensor, step: int = 0) -> Tensor:
        kept = cast(nn.BatchNorm2d, self.statistics[step - 1] if step else self.norm)
        x = F.batch_norm(
            x, kept.running_mean, kept.running_var, self.norm.weight, self.norm.bias, self.training
        )
        return self.conv(F.relu(x))

    def forward(self, h: Tensor) -> Tensor:
        if self.kind.startswith(GLOBAL):
            velocity = self.features(h)
            h = integrate(h, h, velocity, velocity, 1.0, 1.0, steps=self.steps, dt=0.2)
        elif self.kind.startswith(RESIDUAL):
            for step in range(self.steps):
                h = h + self.features(h, step)
        else:
            h = self.features(h)
        return F.relu(h if self.out_norm is None else self.out_norm(h))

    def cost(self, size: Size) -> Cost:
        weights = conv_cost(self.channels, self.channels, 3, size) + norm_cost(self.channels, size)
        if self.out_norm is None:
            return weights
        total = weights + norm_cost(self.channels, size)
        if self.kind.startswith(GLOBAL):
            return total + pde_cost(self.channels, size, self.steps)
        again = Cost(0, weights.macs, weights.macs_published)  # the same weights
        return total + again * (self.steps - 1)


class PooledClassifier(nn.Module):
    """Average pool 4, flatten, linear: for images of ``size``."""

    def __init__(self, channels: int, size: Size, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels * (size[0] // 4) * (size[1] // 4), classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(F.avg_pool2d(x, 4).flatten(1))

    def out_size(self, size: Size) -> Size:
        if min(size) < 4:
            raise UserError(
                f"image is {size[0]} x {size[1]} pixels; accepted with frame pixel: 4 x 4 or more"
            )
        return size[0] // 4, size[1] // 4

    def cost(self, size: Size) -> Cost:
        return linear_cost(self.linear.in_features, self.linear.out_features)


@dataclass(frozen=True)
class MnistSettings:
    """What is fixed while a digit network is searched."""

    frame: str = option(
        "downsampling",
        "downsampling: features at a quarter of the size; pixel: at full size",
        choices=lambda: FRAMES,
    )
    widths: tuple[int, ...] = option((1, 8, 16, 32, 64), "what the width is chosen from", unit="channels")
    blocks: tuple[int, ...] = option(
        (1, 2, 3, 4, 5, 6), "what the number of residual blocks is chosen from (downsampling)", unit="blocks"
    )
    layers: tuple[str, ...] = option(
        layer_names(("", "basic_block"))[1:], "global layers that may take the blocks' place (downsampling)"
    )
    start: str = option("small", "how the PDE's coefficients are normalised", choices=lambda: STARTS)
    bias: bool = option(False, "whether the coefficients' convolutions have a bias")

    def __post_init__(self) -> None:
        one_of("frame", self.frame, FRAMES)
        object.__setattr__(self, "widths", whole_numbers("widths", self.widths, 4096))
        object.__setattr__(self, "blocks", whole_numbers("blocks", self.blocks, 200))
        check_layers(self)
        if NONE in self.layers:
            raise UserError("layers has none; accepted: global layers, blocks are always among the options")
        for width in self.widths if self.frame == "downsampling" else ():
            if width % min(32, width):
                raise UserError(f"widths has {width}; accepted: up to 32, or multiples of 32 (group norm)")


@register_space
class MnistGlobalSpace(Family):
    """``mnist-global``: decisions ``width`` and ``features``: ``blocks_<n>`` or a global layer in the frame
    ``downsampling``, one of ``PIXEL_FEATURES`` in the frame ``pixel``."""

    name = "mnist-global"
    Settings = MnistSettings

    def decisions(self, problem: Problem) -> list[Decision]:
        settings: MnistSettings = self.settings_of(problem)
        downsampling = [*(f"{BLOCKS}{count}" for count in settings.blocks), *settings.layers]
        features = downsampling if settings.frame == "downsampling" else PIXEL_FEATURES
        return [one_each("width", settings.widths), one_each("features", features)]

    def parts(self, problem: Problem, architecture: dict[str, Any]) -> list[Part]:
        settings: MnistSettings = self.settings_of(problem)
        width, features = architecture["width"], architecture["features"]
        if settings.frame == "pixel":
            return [
                Part(DigitStem, (problem.image[0], width)),
                Part(Backbone, (features, width)),
                Part(PooledClassifier, (width, problem.image[1:], problem.classes)),
            ]
        if features.startswith(BLOCKS):
            body = [Part(PreActivation, (width,))] * int(features.removeprefix(BLOCKS))
        else:
            body = [Part(make_layer, (features, width, settings.start, settings.bias))]
        return [
            Part(Downsampling, (problem.image[0], width)),
            *body,
            Part(DigitHead, (width, problem.classes)),
        ]
