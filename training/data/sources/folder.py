"""Images in folders: ``<data_dir>/train/<class>/*`` and ``<data_dir>/val/<class>/*``, ImageNet's layout.

A set that is small enough is decoded once and kept on the device like the others; a larger one is streamed by
worker processes, with torchvision's transforms.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from multiprocessing import get_all_start_methods
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from records.errors import UserError
from training.data.augment import Augmentation, cut_out, draw, move
from training.data.datasets import DatasetInfo
from training.data.sources.images import ImageFiles, check_images, decode, fingerprint, list_images
from training.data.split import Batches, DeviceSplit, EveryNth, Split

DEVICE_BYTES = 2**30  # decoded images up to this size are kept on the device
MARGIN = (
    1.143  # imagenet: the shorter side before the middle is cut out, over the cut's side: 256 for 224 pixels
)


class FolderSource:
    """The image files of ``info``, opened as parts of it."""

    def __init__(
        self,
        info: DatasetInfo,
        data_dir: str | Path,
        classes: tuple[str, ...],
        device: torch.device,
        workers: int,
        randaugment: int,
    ) -> None:
        self.info, self.folder, self.classes = info, Path(data_dir), classes
        self.device, self.workers, self.randaugment = device, workers, randaugment
        self._files: dict[str, ImageFiles] = {}

    def files(self, which: str) -> ImageFiles:
        """Of "train" or "test"."""
        if which not in self._files:
            name = "train" if which == "train" else "val"
            self._files[which] = list_images(self.folder / name, self.classes)
        return self._files[which]

    def labels(self, which: str) -> np.ndarray:
        return self.files(which).labels

    def fingerprint(self) -> str:
        return fingerprint(self.folder, [self.files("train"), self.files("test")])

    def split(self, which: str, rows: np.ndarray) -> Split:
        """The images at ``rows``: on the device if they are few enough, else streamed."""
        streamed = StreamSplit(
            self.files(which), rows, self.info, self.device, self.workers, self.randaugment
        )
        channels, height, width = self.info.image
        if len(rows) * channels * height * width > DEVICE_BYTES:
            return streamed
        return streamed.on_device()

    def check(self) -> None:
        if self.info.name != "imagenet":  # whose images are known to be good, and a million
            check_images(self.files("test").paths)


class Middle:
    """The middle of an image, uint8 (C, H, W), cut to ``size`` (height, width); one of that size stays as it is.

    Before, it is scaled until it covers the size, or, with a ``margin``, until its shorter side is so many times the
    size's longer one.
    """

    def __init__(self, size: tuple[int, int], margin: float | None = None) -> None:
        self.size, self.margin = size, margin

    def __call__(self, pixels: np.ndarray) -> Tensor:
        from torchvision.transforms.v2 import functional

        image = torch.from_numpy(pixels)
        if self.margin is not None:
            shorter, side = min(image.shape[1:]), round(max(self.size) * self.margin)
            image = _scaled(image, [max(side, int(side * was / shorter)) for was in image.shape[1:]])
        elif image.shape[1:] != self.size:
            sides = list(zip(self.size, image.shape[1:], strict=True))
            scale = max(side / was for side, was in sides)
            image = _scaled(image, [max(side, round(scale * was)) for side, was in sides])
        return image if image.shape[1:] == self.size else functional.center_crop(image, list(self.size))


def evaluation_cut(info: DatasetInfo) -> Middle:
    """What a network of that data set sees of an image when it is judged."""
    return Middle(info.image[1:], MARGIN if info.name == "imagenet" else None)


def _scaled(image: Tensor, sides: list[int]) -> Tensor:
    from torchvision.transforms.v2 import functional

    if sides == [1, 1]:  # torch 2.x cannot scale several channels of uint8 to one pixel
        return torch.cat([functional.resize(channel[None], sides) for channel in image])
    return functional.resize(image, sides)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Decoded(torch.utils.data.Dataset):
    """Files decoded and transformed to uint8 (C, H, W)."""

    def __init__(self, files: ImageFiles, rows: np.ndarray, channels: int, transform: Callable) -> None:
        self.paths = [files.paths[row] for row in rows]
        self.labels = files.labels[rows]
        self.channels, self.transform = channels, transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        pixels = decode(self.paths[index], self.channels)
        return self.transform(pixels), int(self.labels[index])


class _EveryNth(torch.utils.data.Sampler[list[int]]):
    """Of each batch of rows every n-th row, from the i-th on."""

    def __init__(self, batches: torch.utils.data.BatchSampler, every_nth: EveryNth) -> None:
        self.batches, self.every_nth = batches, every_nth

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        first, step = self.every_nth
        for rows in self.batches:
            yield rows[first::step]


class StreamSplit:
    """A part that is read from its files in every epoch (see ``training.data.split.Split``).

    Training images are cut at a random size and place (Szegedy et al. 2015), evaluation images in the middle.
    """

    def __init__(
        self,
        files: ImageFiles,
        rows: np.ndarray,
        info: DatasetInfo,
        device: torch.device,
        workers: int,
        randaugment: int,
    ) -> None:
        self.files, self.rows, self.info = files, rows, info
        self.device, self.workers, self.randaugment = device, min(workers, _cores()), randaugment
        empty = torch.zeros((0, *info.image), dtype=torch.uint8)
        self._pixels = DeviceSplit(empty, torch.zeros(0, dtype=torch.int64), info, device)

    def __len__(self) -> int:
        return len(self.rows)

    def on_device(self) -> DeviceSplit:
        """All images, decoded once, their middle cut out."""
        images, labels = [], []
        for pixels, part in self._load(256, self._middle(), None):
            images.append(pixels)
            labels.append(part)
        return DeviceSplit(torch.cat(images), torch.cat(labels), self.info, self.device)

    def batches(
        self,
        batch_size: int,
        *,
        augmentation: Augmentation | None = None,
        seed: int | None = None,
        every_nth: EveryNth = (0, 1),
    ) -> Batches:
        transform = self._middle() if seed is None else self._random_cut()
        # The random cut takes the place of the padded one.
        augmentation = (
            Augmentation(flip=augmentation.flip, cutout=augmentation.cutout) if augmentation else None
        )
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        for pixels, labels in self._load(batch_size, transform, generator, every_nth):
            images = pixels.to(self.device, non_blocking=True)
            if generator is None or augmentation is None:
                yield self._pixels.normalised(images), labels.to(self.device, non_blocking=True)
                continue
            whole = min(batch_size, len(self))
            draws = draw(augmentation, whole, self.info.image[1:], generator, self.device)
            draws = draws.of(slice(every_nth[0], None, every_nth[1]))
            images = self._pixels.normalised(move(images, augmentation, draws))
            yield cut_out(images, augmentation, draws), labels.to(self.device, non_blocking=True)

    def _load(
        self,
        batch_size: int,
        transform: Callable,
        generator: torch.Generator | None,
        every_nth: EveryNth = (0, 1),
    ) -> Batches:
        decoded = _Decoded(self.files, self.rows, self.info.image[0], transform)
        order: torch.utils.data.Sampler[int] = torch.utils.data.SequentialSampler(decoded)
        if generator is not None:
            order = torch.utils.data.RandomSampler(decoded, generator=generator)
        whole = torch.utils.data.BatchSampler(
            order, batch_size, drop_last=generator is not None and len(decoded) >= batch_size
        )
        loader = torch.utils.data.DataLoader(
            decoded,
            batch_sampler=_EveryNth(whole, every_nth),  # only these files are decoded
            num_workers=self.workers,
            # Also within a spawned process, whose default would import torch anew in each worker of each pass.
            multiprocessing_context="fork" if self.workers and "fork" in get_all_start_methods() else None,
            pin_memory=self.device.type == "cuda",
            # Also seeds the workers; without it the global generator would be used up.
            generator=generator or torch.Generator().manual_seed(0),
        )
        try:
            yield from loader
        except UserError as error:
            # A worker's error comes with its stack trace in the message; the last line is the message.
            raise UserError(str(error).strip().splitlines()[-1].rpartition("UserError: ")[2]) from error

    def _middle(self) -> Callable:
        return evaluation_cut(self.info)

    def _random_cut(self) -> Callable:
        from torchvision.transforms import v2

        steps = [torch.from_numpy, v2.RandomResizedCrop(self.info.image[1:])]
        if self.randaugment:
            steps.append(v2.RandAugment(magnitude=self.randaugment))
        return v2.Compose(steps)
