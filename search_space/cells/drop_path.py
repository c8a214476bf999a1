"""Drop path: leaving out an edge or block for single images while training.

Sources: Larsson, Maire and Shakhnarovich, "FractalNet", ICLR 2017, section 4; the form for whole images is of
Zoph and others, "Learning Transferable Architectures for Scalable Image Recognition", CVPR 2018.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DropPath(nn.Module):
    """While training, sets an edge's output to zero for an image with a probability and scales up the others.

    The probability is a buffer, so that changing it each epoch compiles nothing anew.
    """

    keep: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.active = False
        self.register_buffer("keep", torch.ones(()), persistent=False)

    def set(self, probability: float) -> None:
        self.active = probability > 0
        self.keep.fill_(1 - probability)

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and self.active):
            return x
        kept = torch.rand(x.shape[0], 1, 1, 1, device=x.device) < self.keep
        return x * (kept / self.keep).to(x.dtype)


def set_drop_path(network: nn.Module, probability: float, *, by_depth: bool = False) -> None:
    """Sets every ``DropPath`` in ``network`` to ``probability``, in [0, 1); ``by_depth``: block i of n, from 0, to
    i / n of it (timm's rule). A network without any stays as it is."""
    if not 0 <= probability < 1:
        raise ValueError(f"drop path's probability is {probability!r}; accepted: 0 or more, below 1")
    paths = [module for module in network.modules() if isinstance(module, DropPath)]
    for place, path in enumerate(paths):
        path.set(probability * place / len(paths) if by_depth else probability)
