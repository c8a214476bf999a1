"""Opens a data set: split for searching, on the device, with the test images left alone until asked for."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from records.errors import UserError
from training.data.arrays import Arrays
from training.data.datasets import (
    ARRAY_SETS,
    FOLDER_SETS,
    DatasetInfo,
    ImageOptions,
    dataset_names,
    is_array_file,
    located,
    same,
)
from training.data.lookup import dataset_info
from training.data.selection import choose, limited, stratified
from training.data.split import DeviceSplit, Split

if TYPE_CHECKING:
    from search_space import Genotype
    from training.data.sources.npz import ArrayFile

try:
    DEFAULT_FOLDER = Path.home() / ".cache" / "pde-nas"
except RuntimeError:  # a user that the system does not know, as in a container
    DEFAULT_FOLDER = Path(tempfile.gettempdir()) / "pde-nas"

# Which images are held back is a part of the data set, not of a run: these seeds are fixed.
_DIGITS_TEST_SEED = 20250101
_DIGITS_TEST_IMAGES = 360


@dataclass(frozen=True)
class Data:
    """``validation`` is None where no images were held out; ``test`` is read when it is first used.

    Examples:
        >>> data = load_data("digits", validation=0.2)
        >>> len(data.train), len(data.validation), data.info.image
        (1150, 287, (1, 8, 8))
    """

    info: DatasetInfo
    train: Split
    validation: Split | None
    open_test: Callable[[], Split]

    @cached_property
    def test(self) -> Split:
        return self.open_test()


def load_data(
    name: str | Mapping[str, Any],
    data_dir: str | Path | None = None,
    *,
    info: DatasetInfo | None = None,
    device: str | torch.device = "cpu",
    seed: int = 0,
    validation: float = 0.2,
    train_limit: int | None = None,
    test_limit: int | None = None,
    image_size: int | str | None = None,
    channels: int | None = None,
    flip: str | None = None,
    workers: int = 4,
    randaugment: int = 0,
    share: float = 1.0,
) -> Data:
    """Opens the data set ``name`` on ``device``: one of ``dataset_names``, a file of arrays of one's own
    (``my.npz``, see ``training.data.arrays.save_arrays``), or such arrays themselves by their names.

    ``info`` is what was found of it before; without it, it is found here, see ``dataset_info``.
    ``validation``: share in [0, 1) of the training images held out, by class, decided by ``seed``.
    ``train_limit``, ``test_limit``: use so many images, each class in its proportion (always the same ones);
    the training limit counts before validation images are held out. ``share``, in (0, 1], of those that are not held
    out are trained on, chosen alike, at least one of each class. ``workers`` (processes) and
    ``randaugment`` (magnitude, 0: none) are for image files.

    Raises ``UserError`` for unknown names, data that are missing or damaged, numbers out of range, and for images
    that are too few for each class to be trained on and held out.
    """
    check_limits(validation, train_limit, test_limit)
    device = torch.device(device)
    if isinstance(name, str) or not isinstance(name, Mapping):
        name, data_dir = located(name, data_dir)
        if info is None:
            info = dataset_info(name, data_dir, image_size=image_size, channels=channels, flip=flip)
    elif info is None:
        from training.data.dataset_facts import arrays_info

        info = arrays_info(Arrays(name), "arrays", ImageOptions.of(image_size, channels, flip))
    source = open_source(name, data_dir, info, device, workers, randaugment)
    labels = source.labels("train")
    kept, held_out = choose(labels, info, limit=train_limit, validation=validation, seed=seed)
    if share < 1:
        kept = kept[limited(labels[kept], max(info.classes, round(share * len(kept))), least=1)]
    return Data(
        info,
        source.split("train", kept),
        source.split("train", held_out) if validation else None,
        lambda: source.split("test", limited(source.labels("test"), test_limit)),
    )


class Source(Protocol):
    """The images and labels of a data set, its ``which`` being "train" or "test"."""

    def labels(self, which: str) -> np.ndarray:
        """int64, (N,)."""

    def split(self, which: str, rows: np.ndarray) -> Split:
        """The images at ``rows``."""

    def check(self) -> None:
        """Raises ``UserError`` for images that cannot be read or do not fit, as far as that is quickly seen."""


def open_source(
    name: str | Mapping[str, Any],
    data_dir: str | Path | None,
    info: DatasetInfo,
    device: torch.device,
    workers: int = 0,
    randaugment: int = 0,
) -> Source:
    """The data set of which ``info`` is known. Raises ``UserError`` where other data are found."""
    if isinstance(name, Mapping):
        return _ArraySource(Arrays(name, info), info, device)
    if name in FOLDER_SETS:
        from training.data.sources.folder import FolderSource
        from training.data.sources.images import class_names

        classes = class_names(name, data_dir)
        assert data_dir is not None  # class_names says so
        opened = FolderSource(info, data_dir, classes, device, workers, randaugment)
        found = opened.fingerprint() if info.fingerprint else ""
        current = dataclasses.replace(
            info, classes=len(classes), class_names=info.class_names and classes, fingerprint=found
        )
        same(info, current, str(data_dir))
        return opened
    if name == "digits":
        return _ArraySource(_digits(info), info, device)
    file = array_file(name, data_dir, info)
    if info.fingerprint:
        same(info, dataclasses.replace(info, fingerprint=file.fingerprint()), str(file.path))
    return _ArraySource(file, info, device)


def array_file(name: str, data_dir: str | Path | None, info: DatasetInfo | None = None) -> ArrayFile:
    """``<data_dir>/<name>.npz``, made from torchvision's download where it is missing, or the user's own file."""
    from training.data.sources.npz import ArrayFile

    if is_array_file(name):
        return ArrayFile(Path(data_dir or ".", name), info)
    path = Path(data_dir if data_dir is not None else DEFAULT_FOLDER, f"{name}.npz")
    if not path.is_file():
        from training.data.sources.download import download

        download(name, path)
    return ArrayFile(path, info)


def require_fitting(genotype: Genotype, info: DatasetInfo) -> None:
    """``UserError`` if the genotype's network does not take the data's images or has other classes."""
    if tuple(genotype.image) != info.image or genotype.classes != info.classes:
        raise UserError(
            f"the genotype is for images {tuple(genotype.image)} and {genotype.classes} classes; dataset "
            f"{info.name} has {info.image} and {info.classes}"
        )


class _ArraySource:
    """Arrays, read where they are, kept on the device."""

    def __init__(self, arrays: Arrays, info: DatasetInfo, device: torch.device) -> None:
        self.arrays, self.info, self.device = arrays, info, device

    def labels(self, which: str) -> np.ndarray:
        return self.arrays.labels(which)

    def split(self, which: str, rows: np.ndarray) -> DeviceSplit:
        images = torch.from_numpy(self.arrays.images(which, rows))
        return DeviceSplit(images, torch.from_numpy(self.arrays.labels(which)[rows]), self.info, self.device)

    def check(self) -> None:
        for which in ("train", "test"):
            self.arrays.images(which, np.arange(0))


def _digits(info: DatasetInfo) -> Arrays:
    """scikit-learn has no test images of its own, so some are held back here, always the same."""
    from training.data.sources.digits import read_digits

    images, labels = read_digits()
    test, train = stratified(labels, _DIGITS_TEST_IMAGES, _DIGITS_TEST_SEED)
    arrays = {
        "x_train": images[train],
        "y_train": labels[train],
        "x_test": images[test],
        "y_test": labels[test],
    }
    return Arrays(arrays, info, where="scikit-learn's digits")


def check_limits(validation: float, train_limit: int | None, test_limit: int | None) -> None:
    """Raises ``UserError`` for numbers out of range."""
    if not 0 <= validation < 1:
        raise UserError(f"validation is {validation:g}; accepted: a share of the training images in [0, 1)")
    for name, limit in (("train_limit", train_limit), ("test_limit", test_limit)):
        if limit is not None and limit < 1:
            raise UserError(f"{name} is {limit}; accepted: 1 image or more")


__all__ = [
    "ARRAY_SETS",
    "Data",
    "DatasetInfo",
    "Split",
    "dataset_info",
    "dataset_names",
    "load_data",
    "require_fitting",
]
