"""Augmentation of a whole batch at once on the device that holds it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """``padding``: pixels added on each side before a crop of the old size is cut at random; ``flip``: mirror
    half of the images; ``cutout``: side in pixels of the square that is set to the mean (0: none)."""

    padding: int = 0
    flip: bool = False
    cutout: int = 0

    def __post_init__(self) -> None:
        for name in ("padding", "cutout"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; accepted: 0 or more pixels")


@dataclass(frozen=True)
class Draws:
    """The random numbers of one epoch, drawn at once: one entry an image, so that a batch only indexes."""

    shift: Tensor | None  # (N, 2) row and column of the crop in the padded image
    mirrored: Tensor | None  # (N,) bool
    centre: Tensor | None  # (N, 2) row and column of the cutout's centre

    def of(self, rows: slice) -> Draws:
        return Draws(*(None if t is None else t[rows] for t in (self.shift, self.mirrored, self.centre)))


def draw(
    augmentation: Augmentation,
    count: int,
    size: tuple[int, int],
    generator: torch.Generator,
    device: torch.device,
) -> Draws:
    """Draws for ``count`` images of ``size`` (H, W). Drawn on the CPU: the same seed gives the same images on
    every device."""
    height, width = size
    shift = mirrored = centre = None
    if augmentation.padding:
        shift = torch.randint(2 * augmentation.padding + 1, (count, 2), generator=generator).to(device)
    if augmentation.flip:
        mirrored = (torch.rand(count, generator=generator) < 0.5).to(device)
    if augmentation.cutout:
        unit = torch.rand(count, 2, generator=generator)
        centre = (unit * torch.tensor([height, width])).long().to(device)
    return Draws(shift, mirrored, centre)


def move(images: Tensor, augmentation: Augmentation, draws: Draws) -> Tensor:
    """Crop and flip of raw pixels (N, C, H, W); the padding is black, as in the published recipes."""
    count, _, height, width = images.shape
    if draws.shift is not None:
        each = torch.arange(count, device=images.device)
        # (N, C, 2p+1, 2p+1, H, W) is a view; one indexing copies the chosen window of each image.
        windows = F.pad(images, (augmentation.padding,) * 4).unfold(2, height, 1).unfold(3, width, 1)
        images = windows[each, :, draws.shift[:, 0], draws.shift[:, 1]]
    if draws.mirrored is not None:
        images = torch.where(draws.mirrored[:, None, None, None], images.flip(3), images)
    return images


def cut_out(images: Tensor, augmentation: Augmentation, draws: Draws) -> Tensor:
    """Sets a square of each normalised image (N, C, H, W) to 0, the mean; it may reach over the border
    (DeVries and Taylor 2017, https://arxiv.org/abs/1708.04552)."""
    if draws.centre is None:
        return images
    start = draws.centre - augmentation.cutout // 2
    inside = []
    for axis, length in ((0, images.shape[2]), (1, images.shape[3])):
        offset = torch.arange(length, device=images.device) - start[:, axis, None]
        inside.append((offset >= 0) & (offset < augmentation.cutout))
    square = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return images.masked_fill(square, 0.0)
