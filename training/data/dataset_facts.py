"""What is found out of data of one's own before anything is trained: size, colour, classes, mean and deviation."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from training.data.arrays import Arrays
from training.data.datasets import IMAGENET_SIZE, DatasetInfo, ImageOptions, is_array_file, same
from training.data.sources.images import (
    ImageFiles,
    class_names,
    decode,
    fingerprint,
    list_images,
    read_sizes,
    sample,
    shown_rows,
)

_DECODED_PIXELS = (
    10**9
)  # of image files; with more, mean and deviation are of a sample that is always the same
_SMALLEST_SAMPLE = 1000  # images
_CHUNK_PIXELS = 2**24
_LEAST_STD = 1 / 255  # of a channel that has one value everywhere


def find_info(
    name: str, data_dir: str | Path | None, options: ImageOptions, known: DatasetInfo | None = None
) -> DatasetInfo:
    """The facts of ``folder``, or of the file of arrays ``name``, from the training images.

    Image files of one size, up to 224 pixels a side, keep it; others become squares, as large as the shorter side
    of most (the median), 224 at most. They are grey if all that are decoded are. Mean and deviation are those of
    the pixels as a network gets them. With ``known``, found before, all but mean, deviation and colour is looked
    at again, and has to be the same: of image files also their names and sizes, of arrays their checksums. Raises
    ``UserError``, also for a file that cannot be read.
    """
    if is_array_file(name):
        return _of_arrays(name, data_dir, options, known)
    classes = class_names(name, data_dir)
    assert data_dir is not None  # class_names says so
    files = list_images(Path(data_dir) / "train", classes)
    found = fingerprint(data_dir, [files, list_images(Path(data_dir) / "val", classes)])
    shapes = read_sizes(files.paths)
    size = options.size or _usual_size(shapes)
    if known is not None:
        image = (known.image[0], *size)
        return same(
            known,
            dataclasses.replace(
                known, image=image, classes=len(classes), class_names=classes, fingerprint=found
            ),
            f"{data_dir}",
        )
    channels, mean, std = _pixels_of(files, shapes, size, options.channels)
    return DatasetInfo(
        name, (channels, *size), len(classes), mean, std, flip=options.flip is True, class_names=classes,
        fingerprint=found,
    )  # fmt: skip


def _of_arrays(
    name: str, data_dir: str | Path | None, options: ImageOptions, known: DatasetInfo | None
) -> DatasetInfo:
    from training.data.sources.npz import ArrayFile

    path = Path(data_dir or ".", name)
    file = ArrayFile(path)
    if known is not None:
        image, classes, names = file.outline()
        current = dataclasses.replace(
            known, image=image, classes=classes, class_names=names, fingerprint=file.fingerprint()
        )
        return same(known, current, str(path))
    return arrays_info(file, name, options)


def arrays_info(arrays: Arrays, name: str, options: ImageOptions) -> DatasetInfo:
    """The facts of arrays of one's own, called ``name``; all pixels of the training images are read."""
    image, classes, names = arrays.outline()
    info = options.applied(DatasetInfo(name, image, classes, (), (), flip=False, class_names=names))
    count = max(1, _CHUNK_PIXELS // math.prod(image))
    mean, std = mean_and_std(arrays.parts("train", count))
    return dataclasses.replace(info, mean=mean, std=std, fingerprint=arrays.fingerprint())


def _usual_size(shapes: list[tuple[int, int]]) -> tuple[int, int]:
    """(height, width) for images of these."""
    first = shapes[0]
    if all(shape == first for shape in shapes) and max(first) <= max(IMAGENET_SIZE):
        return first
    side = min(statistics.median_low([min(shape) for shape in shapes]), IMAGENET_SIZE[0])
    return side, side


def _pixels_of(
    files: ImageFiles, shapes: list[tuple[int, int]], size: tuple[int, int], channels: int | None
) -> tuple[int, tuple[float, ...], tuple[float, ...]]:
    """Channels, mean and deviation of the images cut to ``size``; channels are found where they are None."""
    from training.data.sources.folder import Middle

    pixels = statistics.mean(height * width for height, width in shapes)
    rows = sample(len(files.paths), max(_SMALLEST_SAMPLE, int(_DECODED_PIXELS / pixels)))
    cut, counts = Middle(size), _Histogram()
    for row in shown_rows(rows, "mean of pixels"):
        counts.add(cut(decode(files.paths[row], channels or 3)).numpy()[None])
    if channels is None and counts.grey:
        counts.keep_first()
    mean, std = counts.mean_and_std()
    return len(mean), mean, std


def mean_and_std(parts: Iterable[np.ndarray]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Of each channel of images (N, C, H, W), pixels taken as [0, 1]; one value everywhere deviates by 1/255."""
    counts = _Histogram()
    for part in parts:
        counts.add(part)
    return counts.mean_and_std()


class _Histogram:
    """How often each of the 256 values occurs in each channel: exact, however many the pixels."""

    def __init__(self) -> None:
        self.counts: np.ndarray | None = None  # (C, 256)
        self.grey = True  # all channels alike, pixel for pixel

    def add(self, images: np.ndarray) -> None:
        """uint8 (N, C, H, W)."""
        new = np.stack([np.bincount(channel.ravel(), minlength=256) for channel in images.swapaxes(0, 1)])
        self.counts = new if self.counts is None else self.counts + new
        self.grey = self.grey and all(
            np.array_equal(images[:, 0], images[:, channel]) for channel in range(1, images.shape[1])
        )

    def keep_first(self) -> None:
        assert self.counts is not None
        self.counts = self.counts[:1]

    def mean_and_std(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        assert self.counts is not None  # there are images: they were counted
        values = np.arange(256) / 255
        share = self.counts / self.counts.sum(1, keepdims=True)
        mean = share @ values
        std = np.sqrt((share * (values - mean[:, None]) ** 2).sum(1)).clip(_LEAST_STD)
        return tuple(round(float(m), 6) for m in mean), tuple(round(float(s), 6) for s in std)
