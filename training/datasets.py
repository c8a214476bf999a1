"""What is known of each data set before any of its images is read."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_space.errors import UserError


@dataclass(frozen=True)
class DatasetInfo:
    """``image`` is (channels, height, width); ``mean`` and ``std`` are per channel, of pixels in [0, 1].

    ``flip`` says whether a mirrored image still shows its class (a mirrored digit does not). ``class_names`` are
    in the order of the labels; empty where the data set does not name its classes.
    """

    name: str
    image: tuple[int, int, int]
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip: bool
    class_names: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> DatasetInfo:
        """Reads what ``to_json`` wrote, lists for tuples."""
        fields: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in record.items()}
        return cls(**fields)


_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)

# Mean and standard deviation are over all pixels of the training images.
ARRAY_SETS = {
    info.name: info
    for info in (
        DatasetInfo("digits", (1, 8, 8), 10, (0.3053,), (0.3761,), flip=False),
        DatasetInfo("mnist", (1, 28, 28), 10, (0.1307,), (0.3081,), flip=False),
        DatasetInfo("fashion-mnist", (1, 28, 28), 10, (0.2860,), (0.3530,), flip=True),
        DatasetInfo(
            "cifar10", (3, 32, 32), 10, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616), flip=True
        ),
        DatasetInfo(
            "cifar100", (3, 32, 32), 100, (0.5071, 0.4866, 0.4409), (0.2673, 0.2564, 0.2762), flip=True
        ),
    )
}
FOLDER_SETS = ("imagenet", "folder")


def dataset_names() -> tuple[str, ...]:
    return (*ARRAY_SETS, *FOLDER_SETS)


def dataset_info(name: str, data_dir: str | Path | None = None, *, image_size: int = 224) -> DatasetInfo:
    """The facts of a data set; reads no image.

    ``folder`` and ``imagenet`` need ``data_dir`` with ``train/<class>/`` and ``val/<class>/`` folders, whose
    number gives the classes; their images are cut to ``image_size`` pixels a side.
    """
    if name in ARRAY_SETS:
        return ARRAY_SETS[name]
    if name not in FOLDER_SETS:
        raise UserError(f"unknown dataset {name!r}; known are {', '.join(dataset_names())}")
    from training.folder import class_names

    classes = len(class_names(name, data_dir))
    return DatasetInfo(name, (3, image_size, image_size), classes, _IMAGENET_MEAN, _IMAGENET_STD, flip=True)
