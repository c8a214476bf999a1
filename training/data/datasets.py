"""What is known of each data set, and what a user may ask of the images."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records.checks import as_path, flag, number, one_of, shown, text, whole_number
from records.errors import UserError
from records.options import MOST
from records.plugins import HINT
from search_space.problem import LARGEST_SIDE
from training.data import class_names as names

_LEAST_STD = 1e-6  # of a channel's pixels, by which they are divided


@dataclass(frozen=True)
class DatasetInfo:
    """``image`` is (channels, height, width); ``mean`` and ``std`` are per channel, of pixels in [0, 1].

    ``flip`` says whether a mirrored image still shows its class (a mirrored digit does not). ``class_names`` are
    in the order of the labels; empty where the data set does not name its classes. ``fingerprint`` is of the images of
    data of one's own, by which others under the same name are told; else empty.

    Examples:
        >>> info = DatasetInfo("shapes", (1, 12, 12), 2, (0.5,), (0.29,), True, ("round", "square"))
        >>> DatasetInfo.from_json(info.to_json()) == info
        True
    """

    name: str
    image: tuple[int, int, int]
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip: bool
    class_names: tuple[str, ...] = ()
    fingerprint: str = ""

    def to_json(self) -> dict[str, Any]:
        return {n: list(v) if isinstance(v, tuple) else v for n, v in dataclasses.asdict(self).items()}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> DatasetInfo:
        """Reads what ``to_json`` wrote, lists for tuples. Raises ``UserError`` for anything else."""
        fields = dataclasses.fields(cls)
        needed = [field.name for field in fields if field.default is dataclasses.MISSING]
        known = [field.name for field in fields]
        if not isinstance(record, dict) or set(needed) - record.keys() or record.keys() - set(known):
            raise UserError(
                f"{shown(record)} is no record of a data set; accepted: an object with {', '.join(known)}"
            )
        values: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in record.items()}
        found = cls(**values)
        text("name", found.name)
        image = _several("image", found.image, 3, lambda side: whole_number("image", side, 1, LARGEST_SIDE))
        whole_number("classes", found.classes, 1, MOST)
        _several("mean", found.mean, image[0], lambda value: number("mean", value, 0, 1))
        _several("std", found.std, image[0], lambda value: number("std", value, _LEAST_STD, 1))
        flag("flip", found.flip)
        if found.class_names != ():
            _several("class_names", found.class_names, found.classes, lambda word: text("class_names", word))
        if found.fingerprint != "":
            text("fingerprint", found.fingerprint)
        return found


class OtherData(UserError):
    """Where a data set was known, another one lies."""


def same(known: DatasetInfo, current: DatasetInfo, where: str) -> DatasetInfo:
    """``known``, if images and classes of ``current``, found now, are still the same. Raises `OtherData`."""
    differing = []
    if known.image[1:] != current.image[1:]:
        differing.append(f"images are {size_text(current.image[1:])}, were {size_text(known.image[1:])}")
    if known.image[0] != current.image[0]:
        differing.append(f"channels are {current.image[0]}, were {known.image[0]}")
    if known.classes != current.classes:
        differing.append(f"classes are {current.classes}, were {known.classes}")
    else:
        pairs = zip(_names(current), _names(known), strict=True)
        differing += [f"there is a class {now!r} for {before!r}" for now, before in pairs if now != before][
            :1
        ]
    recorded = known.fingerprint  # empty in runs of earlier versions
    if not differing and recorded and recorded != current.fingerprint:
        differing.append("images were added, removed or replaced")
    if differing:
        raise OtherData(
            f"the data in {where} are others than the run began with: {'; '.join(differing)}; accepted: the same data"
        )
    return known


def _names(info: DatasetInfo) -> tuple[str, ...]:
    return info.class_names or tuple(map(str, range(info.classes)))


def _several(name: str, values: Any, count: int, check: Callable[[Any], Any]) -> tuple[Any, ...]:
    """``values``, of which there are ``count``, checked. Raises ``UserError``."""
    if not isinstance(values, tuple) or len(values) != count:
        raise UserError(f"{name} is {shown(values)}; accepted: a list of {count}")
    return tuple(map(check, values))


@dataclass(frozen=True)
class ImageOptions:
    """What is asked of the images; None leaves it to the data. ``size`` is (height, width), ``channels`` 1 (grey)
    or 3 (colour), ``flip`` whether training images are mirrored at random."""

    size: tuple[int, int] | None = None
    channels: int | None = None
    flip: bool | None = None

    @classmethod
    def of(cls, image_size: int | str | None, channels: int | None, flip: str | None) -> ImageOptions:
        """From the words of a command line. Raises ``UserError``."""
        if channels is not None and (isinstance(channels, bool) or channels not in (1, 3)):
            raise UserError(f"channels is {shown(channels)}; accepted: 1 (grey) or 3 (colour)")
        if flip is not None:
            one_of("flip", flip, ("on", "off"))
        size = None if image_size is None else sides(image_size)
        return cls(size, channels, None if flip is None else flip == "on")

    def applied(self, info: DatasetInfo) -> DatasetInfo:
        """``info`` as asked for, where its images stay as they are. Raises ``UserError`` for another size."""
        channels, *size = info.image
        if self.size not in (None, tuple(size)):
            raise UserError(
                f"image_size is {size_text(self.size)}; dataset {info.name} has images of {size_text(size)}; "
                "accepted: leave it out (images in folders alone are scaled)"
            )
        if self.channels not in (None, channels):
            raise UserError(f"channels is {self.channels}; dataset {info.name} has {channels}: leave it out")
        return info if self.flip is None else dataclasses.replace(info, flip=self.flip)


def sides(value: int | str) -> tuple[int, int]:
    """(height, width) of a size such as 28, ``"28"`` or ``"28x32"``. Raises ``UserError``."""
    match = re.fullmatch(r"\s*(\d{1,9})(?:\s*[xX]\s*(\d{1,9}))?\s*", str(value))
    if match is None or isinstance(value, bool):
        raise UserError(f"image_size is {shown(value)}; accepted: pixels a side, such as 28, or HxW, 28x32")
    height, width = int(match[1]), int(match[2] or match[1])
    for side in (height, width):
        whole_number("image_size", side, 1, LARGEST_SIDE)
    return height, width


def size_text(size: Any) -> str:
    """``28x32`` of (28, 32)."""
    return "x".join(map(str, size))


IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
IMAGENET_SIZE = (224, 224)

# Mean and standard deviation are over all pixels of the training images.
ARRAY_SETS = {
    info.name: info
    for info in (
        DatasetInfo("digits", (1, 8, 8), 10, (0.3053,), (0.3761,), False, names.DIGITS),
        DatasetInfo("mnist", (1, 28, 28), 10, (0.1307,), (0.3081,), False, names.DIGITS),
        DatasetInfo("fashion-mnist", (1, 28, 28), 10, (0.2860,), (0.3530,), True, names.FASHION_MNIST),
        DatasetInfo(
            "cifar10", (3, 32, 32), 10, (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616), True, names.CIFAR10
        ),
        DatasetInfo(
            "cifar100", (3, 32, 32), 100, (0.5071, 0.4866, 0.4409), (0.2673, 0.2564, 0.2762), True,
            names.CIFAR100,
        ),
    )
}  # fmt: skip
TRAINING_IMAGES = {"mnist": 60_000, "fashion-mnist": 60_000, "cifar10": 50_000, "cifar100": 50_000}
FOLDER_SETS = ("imagenet", "folder")
ARRAY_SUFFIX = ".npz"


def dataset_names() -> tuple[str, ...]:
    """Those that have a name; any file of arrays is one, too."""
    return (*ARRAY_SETS, *FOLDER_SETS)


def is_array_file(name: str) -> bool:
    """Whether ``name`` is a file of the user's own arrays."""
    return name.lower().endswith(ARRAY_SUFFIX)


def located(name: Any, data_dir: str | Path | None) -> tuple[str, str | None]:
    """The data set's name, without folders, and the folder in which it is.

    ``sub/my.npz`` in ``data_dir`` is ``my.npz`` in ``data_dir/sub``. Raises ``UserError`` for an unknown name.
    """
    folder = None if data_dir is None else os.fspath(as_path("data_dir", data_dir))
    if isinstance(name, os.PathLike):
        name = os.fspath(name)
    if isinstance(name, str) and is_array_file(name):
        file = os.path.join(folder or "", name)
        return os.path.basename(file), os.path.dirname(file) or "."
    if not isinstance(name, str) or name not in dataset_names():
        what = repr(name) if isinstance(name, str) else f"of type {type(name).__name__}"
        arrays = "" if isinstance(name, str) else " (training.data.arrays.save_arrays writes one)"
        raise UserError(
            f"unknown dataset {what}; accepted: {', '.join(dataset_names())}, or a file of arrays, such as my.npz{arrays}; "
            f"{HINT}"
        )
    return name, folder
