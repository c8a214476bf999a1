"""The operator ``pde_ops::taken_images``: what an ahead-of-time compiled network begins with.

Such a network is code for one memory layout and type, and looks at neither. This operator, in ``aoti_images.cpp``, looks.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pde_ops.operator import library

library.define(
    "taken_images(Tensor images, int[] shape) -> Tensor",
    tags=(torch.Tag.pt2_compliant_tag, torch.Tag.flexible_layout),
)
TAKEN = torch.ops.pde_ops.taken_images.default


def _taken(images: Tensor, shape: list[int]) -> Tensor:
    """``images``, whose sizes but the first are ``shape``, copied to contiguous memory.

    Raises `RuntimeError` for others, for none, and for what is no strided float32 tensor on a CPU.
    """
    plain = images.device.type == "cpu" and images.layout is torch.strided and images.dtype is torch.float32
    if not plain or list(images.shape[1:]) != shape or not len(images):
        accepted = f"float32 of the shape (batch, {', '.join(map(str, shape))}) on a CPU"
        raise RuntimeError(
            f"images are {images.dtype} of the shape {tuple(images.shape)}; accepted: {accepted}"
        )
    return images.clone(memory_format=torch.contiguous_format)


library.impl("taken_images", _taken, "CPU")


@torch.library.register_fake("pde_ops::taken_images", lib=library)
def _fake(images: Tensor, shape: list[int]) -> Tensor:
    return torch.empty_like(images, memory_format=torch.contiguous_format)
