"""In which precision and order of memory a network is trained on a device: what is asked for, where it pays."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from pde_ops.cpu.training.kernels import has_float32_kernels
from training.device import multiplies_bfloat16
from training.recipes.recipe import Recipe


class Precision(NamedTuple):
    """``autocast``: the network under ``torch.autocast`` to bfloat16. ``rounded``: its dense convolutions alone in
    bfloat16. Otherwise float32. ``memory_format`` is that of images and weights."""

    autocast: bool
    rounded: bool
    memory_format: torch.memory_format

    @property
    def words(self) -> str:
        """For whoever reads a result later."""
        if self.autocast:
            return "bfloat16 by autocast"
        return "dense convolutions in bfloat16" if self.rounded else "float32"


def precision_of(network: nn.Module, recipe: Recipe, device: torch.device) -> Precision:
    """On a CPU with instructions for bfloat16 a network of dense convolutions and global layers is trained by autocast,
    channels last. One with depthwise convolutions keeps their float32 kernels, without which its step would be up to
    twice as long, and has its dense convolutions in bfloat16. On other CPUs all is float32.

    Examples:
        >>> from training.recipes.named import get_recipe
        >>> precision_of(nn.Conv2d(3, 8, 3), get_recipe("search"), torch.device("cpu")).autocast
        False
    """
    half = recipe.bf16 and multiplies_bfloat16(device)
    if device.type == "cuda":
        return Precision(half, False, _order(recipe.channels_last))
    # A loss on a Jacobian differentiates the gradient, which the kernels' convolutions do not offer.
    plain = any(hasattr(module, "extra_loss") for module in network.modules())
    rounded = half and not plain and has_float32_kernels(network)
    return Precision(half and not rounded, rounded, _order(recipe.channels_last and half and not rounded))


def _order(channels_last: bool) -> torch.memory_format:
    return torch.channels_last if channels_last else torch.contiguous_format
