"""What makes a velocity or diffusivity field of a feature map: a transform, then a normalisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pde_ops.blocks import BasicBlock, Bottleneck, Convolution, Identity
from pde_ops.cost import Cost, norm_cost

# (channels, kernel size, bias of depthwise convolutions) -> a module (N, C, H, W) -> (N, C, H, W)
TRANSFORMS: dict[str, Callable[[int, int, bool], nn.Module]] = {
    "depthwise": lambda c, k, bias: Convolution(c, c, k, groups=c, bias=bias),
    "depthwise-bias": lambda c, k, bias: Convolution(c, c, k, groups=c, bias=True),
    "pointwise": lambda c, k, bias: Convolution(c, c, 1, bias=True),
    "full": lambda c, k, bias: Convolution(c, c, k, bias=True),
    "basic-block": lambda c, k, bias: BasicBlock(c),
    "separable-block": lambda c, k, bias: BasicBlock(c, separable=True),
    "bottleneck": lambda c, k, bias: Bottleneck(c),
    "identity": lambda c, k, bias: Identity(),
}

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "relu6": F.relu6,
    "silu": F.silu,
    "hard-swish": F.hardswish,
    "tanh": torch.tanh,
    "softsign": lambda x: x / (1.0 + x.abs()),
    "identity": lambda x: x,
}

START_MECHANISMS = ("multiplier", "gain")


class CoefficientNorm(nn.BatchNorm2d):
    """Batch normalisation whose output before gain and bias is multiplied by a fixed number.

    ``y = weight * multiplier * (x - mean) / sqrt(var + eps) + bias``. A small multiplier keeps coefficients
    near their bias at the start *and* slows the learning of their gain by as much, which a small gain alone
    does not; a large ``eps`` (the published layer's, C) does the same, with ``multiplier`` about
    ``sqrt(var / (var + eps))``, but in a size that depends on the input's variance.

    Tools that put another norm in place of each batch norm, or fold it into a convolution by its weight alone
    (`nn.SyncBatchNorm.convert_sync_batchnorm`, `torch.nn.utils.fusion`), do not know of the multiplier: give them a layer
    with ``start_mechanism="gain"``, which has none.
    """

    def __init__(self, channels: int, *, eps: float, multiplier: float = 1.0, gain: float = 1.0) -> None:
        super().__init__(channels, eps=eps)
        self.multiplier = multiplier
        nn.init.constant_(self.weight, gain)

    def effective_weight(self) -> Tensor:
        """The factor ``(C,)`` on the normalised value."""
        return self.weight if self.multiplier == 1.0 else self.weight * self.multiplier

    def forward(self, x: Tensor) -> Tensor:
        self._check_input_dim(x)
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.effective_weight(), self.bias,
            self.training, _momentum(self) if self.training else 0.0, self.eps,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, multiplier={self.multiplier}"


def _momentum(norm: Any) -> float:
    """Of the batch that is counted already: torch's None is the mean over all batches."""
    return 1 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum


@torch.no_grad()
def move_statistics(norms: Sequence[Any], mean: Tensor, variance: Tensor, count: int) -> None:
    """Move the norms' running statistics as a training step of `nn.BatchNorm2d` does.

    For a kernel that has the batch's statistics and calls no norm. All norms have the first one's momentum, and have
    seen as many batches.

    Args:
        norms: batch norms with running statistics.
        mean, variance: of the batch, ``(norms, C)``; the variance is the mean square, not yet unbiased.
        count: values of a channel, N * H * W > 1.
    """
    torch._foreach_add_([norm.num_batches_tracked for norm in norms], 1)
    momentum = _momentum(norms[0])
    kept = norms[0].running_mean.dtype
    mean, unbiased = mean.to(kept), (variance * (count / (count - 1))).to(kept)
    torch._foreach_lerp_([norm.running_mean for norm in norms], list(mean.unbind(0)), momentum)
    torch._foreach_lerp_([norm.running_var for norm in norms], list(unbiased.unbind(0)), momentum)


class Coefficient(nn.Module):
    """Pre-activation of one coefficient field: ``norm(transform(x))``, ``(N, C, H, W)`` to the same."""

    def __init__(
        self,
        channels: int,
        kind: str,
        *,
        kernel_size: int,
        bias: bool,
        eps: float,
        start: float,
        mechanism: str,
    ) -> None:
        super().__init__()
        self.kind = kind
        self.transform = TRANSFORMS[kind](channels, kernel_size, bias)
        by_gain = mechanism == "gain"
        self.norm = CoefficientNorm(
            channels, eps=eps, multiplier=1.0 if by_gain else start, gain=start if by_gain else 1.0
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.transform(x))

    def cost(self, size: tuple[int, int]) -> Cost:
        """Parameters and MACs for one image of ``size``."""
        return self.transform.cost(size) + norm_cost(self.norm.num_features, size)  # type: ignore[operator]
