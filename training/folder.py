"""Images in folders: ``<data_dir>/train/<class>/*`` and ``<data_dir>/val/<class>/*``, ImageNet's layout.

A set that is small enough is decoded once and kept on the device like the others; a larger one is streamed by
worker processes, with torchvision's transforms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from search_space.errors import UserError
from training.augment import Augmentation, cut_out, draw, move
from training.datasets import DatasetInfo
from training.split import Batches, DeviceSplit, Part, Split, stratified

DEVICE_BYTES = 2**30  # decoded images up to this size are kept on the device
_LIMIT_SEED = 20250103
_RESIZE = 1.143  # the shorter side before the middle is cut out, over the cut's side: 256 for 224 pixels


def class_names(name: str, data_dir: str | Path | None) -> list[str]:
    """The sorted names of the folders in ``<data_dir>/train``, which are the classes."""
    if data_dir is None:
        raise UserError(f"dataset {name} needs a data directory with train/<class>/ and val/<class>/ folders")
    found = {}
    for part in ("train", "val"):
        folder = Path(data_dir) / part
        if not folder.is_dir():
            raise UserError(
                f"no folder {folder}; dataset {name} needs train/<class>/ and val/<class>/ folders"
            )
        found[part] = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    if len(found["train"]) < 2:
        raise UserError(
            f"{Path(data_dir) / 'train'} has {len(found['train'])} class folders; it needs 2 or more"
        )
    if found["train"] != found["val"]:
        odd = ", ".join(sorted(set(found["train"]) ^ set(found["val"]))[:5])
        raise UserError(f"train and val in {data_dir} have different classes: {odd} in only one of them")
    return found["train"]


def count_images(data_dir: str | Path | None) -> tuple[int, int]:
    """Files of the training and of the test part."""
    if data_dir is None:
        raise UserError("image folders need a data directory")
    return len(_Files(Path(data_dir) / "train").paths), len(_Files(Path(data_dir) / "val").paths)


def load_folder(
    info: DatasetInfo,
    data_dir: str | Path | None,
    *,
    device: torch.device,
    seed: int,
    validation: float,
    limits: tuple[int | None, int | None],
    workers: int,
    randaugment: int,
) -> tuple[Split, Split | None, Callable[[], Split]]:
    """Training part, validation part (None without a share for it), and what opens the test part."""
    if data_dir is None:
        raise UserError(f"dataset {info.name} needs a data directory")
    train_limit, test_limit = limits

    def part(files: _Files, rows: np.ndarray) -> Split:
        streamed = StreamSplit(files, rows, info, device, workers, randaugment)
        channels, height, width = info.image
        if len(rows) * channels * height * width > DEVICE_BYTES:
            return streamed
        return streamed.on_device()

    train = _Files(Path(data_dir) / "train")
    rows = _limited(train.labels, train_limit)
    held_out, kept = stratified(train.labels[rows], round(validation * len(rows)), seed)

    def open_test() -> Split:
        test = _Files(Path(data_dir) / "val")
        return part(test, _limited(test.labels, test_limit))

    return part(train, rows[kept]), part(train, rows[held_out]) if len(held_out) else None, open_test


class _Files:
    """Paths and labels of one part, as torchvision's ImageFolder lists them."""

    def __init__(self, folder: Path) -> None:
        from torchvision.datasets import ImageFolder

        try:
            listed = ImageFolder(str(folder))
        except (FileNotFoundError, OSError) as error:
            raise UserError(
                f"{folder} cannot be read as image folders: {' '.join(str(error).split())}"
            ) from error
        self.paths = [path for path, _ in listed.samples]
        self.labels = np.asarray(listed.targets, dtype=np.int64)


class _Decoded(torch.utils.data.Dataset):
    """Files decoded and transformed to uint8 (3, H, W)."""

    def __init__(self, files: _Files, rows: np.ndarray, transform: Callable) -> None:
        self.paths = [files.paths[row] for row in rows]
        self.labels = files.labels[rows]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        from torchvision.datasets.folder import default_loader

        try:
            image = default_loader(self.paths[index])
        except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for files it cannot read
            raise UserError(f"image {self.paths[index]} cannot be read; replace or delete it") from error
        return self.transform(image), int(self.labels[index])


class _Parts(torch.utils.data.Sampler[list[int]]):
    """Of each batch of rows every n-th row, from the i-th on."""

    def __init__(self, batches: torch.utils.data.BatchSampler, part: Part) -> None:
        self.batches, self.part = batches, part

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        first, step = self.part
        for rows in self.batches:
            yield rows[first::step]


class StreamSplit:
    """A part that is read from its files in every epoch (see ``training.split.Split``).

    Training images are cut at a random size and place (Szegedy et al. 2015), evaluation images in the middle.
    """

    def __init__(
        self,
        files: _Files,
        rows: np.ndarray,
        info: DatasetInfo,
        device: torch.device,
        workers: int,
        randaugment: int,
    ) -> None:
        self.files, self.rows, self.info = files, rows, info
        self.device, self.workers, self.randaugment = device, workers, randaugment
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
        part: Part = (0, 1),
    ) -> Batches:
        transform = self._middle() if seed is None else self._random_cut()
        # The random cut takes the place of the padded one.
        augmentation = (
            Augmentation(flip=augmentation.flip, cutout=augmentation.cutout) if augmentation else None
        )
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        for pixels, labels in self._load(batch_size, transform, generator, part):
            images = pixels.to(self.device, non_blocking=True)
            if generator is None or augmentation is None:
                yield self._pixels.normalised(images), labels.to(self.device, non_blocking=True)
                continue
            whole = min(batch_size, len(self))
            draws = draw(augmentation, whole, self.info.image[1:], generator, self.device)
            draws = draws.of(slice(part[0], None, part[1]))
            images = self._pixels.normalised(move(images, augmentation, draws))
            yield cut_out(images, augmentation, draws), labels.to(self.device, non_blocking=True)

    def _load(
        self,
        batch_size: int,
        transform: Callable,
        generator: torch.Generator | None,
        part: Part = (0, 1),
    ) -> Batches:
        decoded = _Decoded(self.files, self.rows, transform)
        order: torch.utils.data.Sampler[int] = torch.utils.data.SequentialSampler(decoded)
        if generator is not None:
            order = torch.utils.data.RandomSampler(decoded, generator=generator)
        whole = torch.utils.data.BatchSampler(
            order, batch_size, drop_last=generator is not None and len(decoded) >= batch_size
        )
        loader = torch.utils.data.DataLoader(
            decoded,
            batch_sampler=_Parts(whole, part),  # only these files are decoded
            num_workers=self.workers,
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
        from torchvision.transforms import v2

        size = self.info.image[1]
        return v2.Compose([v2.PILToTensor(), v2.Resize(round(size * _RESIZE)), v2.CenterCrop(size)])

    def _random_cut(self) -> Callable:
        from torchvision.transforms import v2

        steps = [v2.PILToTensor(), v2.RandomResizedCrop(self.info.image[1])]
        if self.randaugment:
            steps.append(v2.RandAugment(magnitude=self.randaugment))
        return v2.Compose(steps)


def _limited(labels: np.ndarray, limit: int | None) -> np.ndarray:
    if limit is None or limit >= len(labels):
        return np.arange(len(labels))
    return stratified(labels, limit, _LIMIT_SEED)[0]
