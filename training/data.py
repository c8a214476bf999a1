"""Opens a data set: split for searching, on the device, with the test images left alone until asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from search_space.errors import UserError
from training.datasets import FOLDER_SETS, DatasetInfo, dataset_info, dataset_names
from training.split import DeviceSplit, Split, stratified

if TYPE_CHECKING:
    from search_space import Genotype

DEFAULT_FOLDER = Path.home() / ".cache" / "pde-nas"

# Which images are held back is a part of the data set, not of a run: these seeds are fixed.
_DIGITS_TEST_SEED = 20250101
_DIGITS_TEST_IMAGES = 360
_LIMIT_SEED = 20250102


@dataclass(frozen=True)
class Data:
    """``validation`` is None where no images were held out; ``test`` is read when it is first used."""

    info: DatasetInfo
    train: Split
    validation: Split | None
    open_test: Callable[[], Split]

    @cached_property
    def test(self) -> Split:
        return self.open_test()


def load_data(
    name: str,
    data_dir: str | Path | None = None,
    *,
    device: str | torch.device = "cpu",
    seed: int = 0,
    validation: float = 0.2,
    train_limit: int | None = None,
    test_limit: int | None = None,
    image_size: int = 224,
    workers: int = 4,
    randaugment: int = 0,
) -> Data:
    """Opens the data set ``name`` (see ``dataset_names``) on ``device``.

    ``validation``: share in [0, 1) of the training images held out, by class, decided by ``seed``.
    ``train_limit``, ``test_limit``: use so many images, each class in its proportion (always the same ones);
    the training limit counts before validation images are held out. ``image_size`` (pixels), ``workers``
    (processes) and ``randaugment`` (magnitude, 0: none) are for images streamed from folders.

    Raises ``UserError`` for unknown names, data that are missing or damaged, and numbers out of range.
    """
    _check_limits(validation, train_limit, test_limit)
    device = torch.device(device)
    if name in FOLDER_SETS:
        from training.folder import load_folder

        info = dataset_info(name, data_dir, image_size=image_size)
        return Data(
            info,
            *load_folder(
                info,
                data_dir,
                device=device,
                seed=seed,
                validation=validation,
                limits=(train_limit, test_limit),
                workers=workers,
                randaugment=randaugment,
            ),
        )
    info = dataset_info(name)
    source = _DigitsSource(info) if name == "digits" else _ArraySource(info, data_dir)

    labels = source.labels("train")
    rows = _limited(labels, train_limit)
    held_out, kept = stratified(labels[rows], round(validation * len(rows)), seed)
    if validation and not len(held_out):
        raise UserError(f"validation {validation:g} of {len(rows)} images is none; give a larger share")

    def split(which: str, rows: np.ndarray | None) -> DeviceSplit:
        labels = source.labels(which) if rows is None else source.labels(which)[rows]
        images = torch.from_numpy(source.images(which, rows))
        return DeviceSplit(images, torch.from_numpy(labels), info, device)

    return Data(
        info,
        split("train", rows[kept]),
        split("train", rows[held_out]) if validation else None,
        lambda: split("test", _limited(source.labels("test"), test_limit)),
    )


def image_counts(
    name: str, data_dir: str | Path | None = None, *, validation: float, train_limit: int | None = None
) -> dict[str, int]:
    """``train_images``, ``validation_images`` and ``test_images`` as `load_data` parts them; reads labels alone."""
    if name in FOLDER_SETS:
        from training.folder import count_images

        whole, test = count_images(data_dir)
    else:
        info = dataset_info(name)
        source = _DigitsSource(info) if name == "digits" else _ArraySource(info, data_dir)
        whole, test = len(source.labels("train")), len(source.labels("test"))
    used = whole if train_limit is None else min(train_limit, whole)
    held_out = round(validation * used)
    return {"train_images": used - held_out, "validation_images": held_out, "test_images": test}


def prepare_data(name: str, data_dir: str | Path | None = None) -> DatasetInfo:
    """Downloads the data set if it is missing, and reads it whole against its checksums.

    For the start of a search, so that its trials find the data in place and need not check them again.
    """
    info = dataset_info(name, data_dir)
    if name not in FOLDER_SETS and name != "digits":
        _ArraySource(info, data_dir).file.verify()
    return info


def require_fitting(genotype: Genotype, info: DatasetInfo) -> None:
    """``UserError`` if the genotype's network does not take the data's images or has other classes."""
    if tuple(genotype.image) != info.image or genotype.classes != info.classes:
        raise UserError(
            f"the genotype is for images {tuple(genotype.image)} and {genotype.classes} classes; dataset "
            f"{info.name} has {info.image} and {info.classes}"
        )


class _ArraySource:
    """Images of ``<data_dir>/<name>.npz``, which is made from torchvision's download where it is missing."""

    def __init__(self, info: DatasetInfo, data_dir: str | Path | None) -> None:
        from training.npz import ArrayFile

        folder = Path(data_dir) if data_dir is not None else DEFAULT_FOLDER
        path = folder / f"{info.name}.npz"
        if not path.is_file():
            from training.download import download

            download(info.name, path)
        self.file = ArrayFile(path, info)

    def labels(self, which: str) -> np.ndarray:
        return self.file.labels(which)

    def images(self, which: str, rows: np.ndarray | None) -> np.ndarray:
        return self.file.images(which, rows)


class _DigitsSource:
    """scikit-learn has no test images of its own, so some are held back here, always the same."""

    def __init__(self, info: DatasetInfo) -> None:
        from training.digits import read_digits

        images, labels = read_digits()
        test, train = stratified(labels, _DIGITS_TEST_IMAGES, _DIGITS_TEST_SEED)
        self._parts = {"train": (images[train], labels[train]), "test": (images[test], labels[test])}

    def labels(self, which: str) -> np.ndarray:
        return self._parts[which][1]

    def images(self, which: str, rows: np.ndarray | None) -> np.ndarray:
        images = self._parts[which][0]
        return images if rows is None else images[rows]


def _limited(labels: np.ndarray, limit: int | None) -> np.ndarray:
    if limit is None or limit >= len(labels):
        return np.arange(len(labels))
    return stratified(labels, limit, _LIMIT_SEED)[0]


def _check_limits(validation: float, train_limit: int | None, test_limit: int | None) -> None:
    if not 0 <= validation < 1:
        raise UserError(f"validation is {validation:g}; it must be a share of the training images in [0, 1)")
    for name, limit in (("train_limit", train_limit), ("test_limit", test_limit)):
        if limit is not None and limit < 1:
            raise UserError(f"{name} is {limit}; it must be 1 image or more")


__all__ = [
    "Data",
    "DatasetInfo",
    "Split",
    "dataset_info",
    "dataset_names",
    "image_counts",
    "load_data",
    "prepare_data",
    "require_fitting",
]
