"""Training-free scores of networks: higher is better, among networks of about the same MACs.

A score is a function of a network, which it may change, and of training images ``(N, channels, H, W)``; it gives None
where it has no value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from pde_ops.coefficients import Coefficient
from pde_ops.layer import GlobalLayer

_ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.Hardswish, nn.SiLU)
_CURVED = (nn.ReLU6, nn.Hardswish, nn.SiLU)


def synflow(network: nn.Module, images: Tensor) -> float | None:
    """Synaptic flow (Tanaka et al., "Pruning neural networks without any data by iteratively conserving synaptic flow",
    NeurIPS 2020), as a score of networks in Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS", ICLR 2021.

    The sum over all weights w of |w dR/dw|, as a decimal logarithm; R is the sum of the outputs for an image of ones,
    with every weight replaced by its absolute value, batch norms and bounded activations by the identity. The flow
    must grow with the image alone, so velocities and diffusivities of a global layer, which are functions of it, are
    divided by their largest value.

    Examples:
        >>> layer = nn.Linear(2, 1, bias=False)
        >>> nn.init.constant_(layer.weight, -5.0).shape
        torch.Size([1, 2])
        >>> synflow(layer, torch.zeros(8, 2))
        1.0
    """
    network.double().eval()
    for module in list(network.modules()):
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            _become_identity(module)
        if isinstance(module, Coefficient):
            module.register_forward_hook(
                lambda _, __, field: field / field.detach().abs().amax().clamp_min(1e-300)
            )
        for name, child in module.named_children():
            if isinstance(child, _CURVED):
                setattr(module, name, nn.Identity())
    weights = list(network.parameters())
    for weight in weights:
        weight.data.abs_()
    ones = torch.ones(1, *images.shape[1:], dtype=torch.float64)
    gradients = torch.autograd.grad(network(ones).sum(), weights, allow_unused=True)
    flow = sum(
        float((weight.detach() * gradient).abs().sum())
        for weight, gradient in zip(weights, gradients, strict=True)
        if gradient is not None
    )
    return math.log10(flow) if 0 < flow < math.inf else None


def _become_identity(norm: Any) -> None:
    norm.reset_running_stats()
    norm.eps = 1e-12
    if norm.affine:
        nn.init.ones_(norm.weight)
        nn.init.zeros_(norm.bias)


def naswot(network: nn.Module, images: Tensor) -> float | None:
    """Mellor et al., "Neural Architecture Search without Training", ICML 2021.

    Each image has a pattern: which activations are positive. The score is the logarithm of the determinant of the
    matrix that holds, for each two images, in how many activations they agree. Outputs of global layers count as
    activations; batch norms use the images' own statistics. None for a network whose activations are no modules.

    Examples:
        >>> network = nn.Sequential(nn.Flatten(), nn.Identity(), nn.ReLU())
        >>> images = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).view(2, 1, 1, 2)
        >>> f"{naswot(network, images):.3f}"  # both agree with themselves in 2, with each other in 0
        '1.386'
    """
    network.eval()
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.train()
    agreements = torch.zeros(len(images), len(images), dtype=torch.float64)

    def add(_: nn.Module, __: Any, out: Tensor) -> None:
        positive = (out.flatten(1) > 0).float()
        negative = 1 - positive
        agreements.add_(positive @ positive.T + negative @ negative.T)

    hooks = [
        m.register_forward_hook(add) for m in network.modules() if isinstance(m, (*_ACTIVATIONS, GlobalLayer))
    ]
    with torch.no_grad():
        network(images)
    for hook in hooks:
        hook.remove()
    sign, logarithm = torch.linalg.slogdet(agreements)
    return float(logarithm) if sign > 0 and math.isfinite(logarithm) else None


Score = Callable[[nn.Module, Tensor], "float | None"]
SCORES: dict[str, Score] = {"synflow": synflow, "naswot": naswot}
