"""Where a recipe's bfloat16 and its memory format are used: on a GPU, and on a processor that multiplies bfloat16."""

from __future__ import annotations

import torch

from training.recipes.recipe import Recipe


def multiplies_bf16() -> bool:
    """Whether this processor has AMX's tiles of bfloat16, as it says itself. AVX-512's instructions are not enough: what
    they gain, the conversions take.

    Examples:
        >>> multiplies_bf16() in (True, False)
        True
    """
    return bool(getattr(torch.cpu, "get_capabilities", dict)().get("amx_bf16", False))


def in_bf16(recipe: Recipe, device: torch.device) -> bool:
    """Whether a network is trained under autocast in bfloat16."""
    return recipe.bf16 and (device.type == "cuda" or (device.type == "cpu" and multiplies_bf16()))


def memory_format(recipe: Recipe, device: torch.device) -> torch.memory_format:
    """Of the network and its images. In float32 channels_last is no faster on a CPU."""
    last = recipe.channels_last and (device.type == "cuda" or in_bf16(recipe, device))
    return torch.channels_last if last else torch.contiguous_format
