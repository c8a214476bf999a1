"""A part of a data set (training, validation or test) that is handed out in batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from training.data.augment import Augmentation, cut_out, draw, move
from training.data.datasets import DatasetInfo

Batches = Iterator[tuple[Tensor, Tensor]]
EveryNth = tuple[int, int]


class Split(Protocol):
    """``batches`` yields normalised images (B, C, H, W) in float32 and labels (B,) in int64, on the device.

    With a ``seed``: shuffled, augmented and without a last short batch (unless it is the only one), the same
    for the same seed. Without: in order, as they are, complete. ``every_nth`` (i, n) leaves every n-th image of each
    batch, from the i-th on: what one of n processes gets that share the batches.
    """

    def __len__(self) -> int: ...

    def batches(
        self,
        batch_size: int,
        *,
        augmentation: Augmentation | None = None,
        seed: int | None = None,
        every_nth: EveryNth = (0, 1),
    ) -> Batches: ...


class DeviceSplit:
    """Holds all images as one uint8 tensor (N, C, H, W) on the device, and labels (N,)."""

    def __init__(self, images: Tensor, labels: Tensor, info: DatasetInfo, device: torch.device) -> None:
        self.images = images.to(device)
        self.labels = labels.to(device)
        self.info = info
        shape = (1, -1, 1, 1)
        std = torch.tensor(info.std, device=device).view(shape)
        # pixel / 255, minus the mean, over std: as one multiplication and one addition
        self._scale = 1 / (255 * std)
        self._offset = -torch.tensor(info.mean, device=device).view(shape) / std

    def __len__(self) -> int:
        return len(self.labels)

    def batches(
        self,
        batch_size: int,
        *,
        augmentation: Augmentation | None = None,
        seed: int | None = None,
        every_nth: EveryNth = (0, 1),
    ) -> Batches:
        first, step = every_nth
        if seed is None:
            for start in range(0, len(self), batch_size):
                rows = slice(start + first, start + batch_size, step)
                yield self.normalised(self.images[rows]), self.labels[rows]
            return
        augmentation = augmentation or Augmentation()
        generator = torch.Generator().manual_seed(seed)
        device, size = self.images.device, self.info.image[1:]
        order = torch.randperm(len(self), generator=generator).to(device)
        draws = draw(augmentation, len(self), size, generator, device)
        for start in range(0, steps_per_epoch(len(self), batch_size) * batch_size, batch_size):
            rows = slice(start + first, start + batch_size, step)
            of_batch = draws.of(rows)
            moved = move(self.images[order[rows]], augmentation, of_batch)
            yield cut_out(self.normalised(moved), augmentation, of_batch), self.labels[order[rows]]

    def normalised(self, images: Tensor) -> Tensor:
        return torch.addcmul(self._offset, images.float(), self._scale)


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Optimiser steps an epoch: a last short batch is left out, unless it is the only one."""
    return max(1, count // batch_size)
