"""Images and labels as arrays: what is accepted, in memory and in a file, and how a user's own become a file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from records.checks import shown
from records.errors import UserError
from records.files import write_errors
from training.data.datasets import ARRAY_SUFFIX, DatasetInfo, is_array_file

KEYS = ("x_train", "y_train", "x_test", "y_test")
NAMES = "class_names"
_LONGEST_NAME = 200
_IMAGES = "uint8 (pixels of 0 to 255) of shape (N, H, W), (N, H, W, C) or (N, C, H, W) with C 1 or 3"
_LABELS = "whole numbers from 0 of shape (N,)"


def as_array(name: str, value: Any) -> np.ndarray:
    """``value`` as an array. Raises ``UserError`` for lists of different lengths, for tensors on a GPU,
    and where values are masked."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise UserError(
            f"arrays: {name} has {np.ma.count_masked(value):,} masked values; accepted: an array without, of what is known"
        )
    try:
        return np.asarray(value)
    except ValueError as error:
        raise UserError(f"arrays: {name} is no array ({error}); accepted: one of a single shape") from error
    except (TypeError, RuntimeError) as error:  # torch's, of tensors that numpy has no form for
        said = str(error).partition("\n")[0]
        raise UserError(
            f"arrays: {name} is a {type(value).__name__} that is no array ({said}); accepted: what numpy.asarray takes, such "
            "as x.detach().cpu().float().numpy() of a torch tensor x"
        ) from error


class Arrays:
    """The arrays ``x_train``, ``y_train``, ``x_test``, ``y_test`` and, if it is there, ``class_names``.

    Images are uint8, (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels C; labels are whole numbers, (N,)
    or (N, 1), from 0 without gaps. ``info`` is what they must be, None for whatever they are; ``where`` is what
    errors begin with. Each method raises ``UserError`` of one line.
    """

    def __init__(
        self, arrays: Mapping[str, Any], info: DatasetInfo | None = None, *, where: str = "arrays"
    ) -> None:
        self.arrays, self.info, self.where = arrays, info, where
        self.require_keys(list(arrays))

    def require_keys(self, keys: list[str]) -> None:
        missing = [key for key in KEYS if key not in keys]
        if missing:
            raise UserError(
                f"{self.where} lacks {', '.join(missing)}; it holds {', '.join(keys) or 'nothing'}"
            )

    def array(self, key: str) -> np.ndarray:
        """As it was given."""
        return as_array(key, self.arrays[key])

    def fingerprint(self) -> str:
        """By which others of the same name are told; empty where they have no name that stays."""
        return ""

    def has(self, key: str) -> bool:
        return key in self.arrays

    def labels(self, split: str) -> np.ndarray:
        """All labels of ``split`` ("train" or "test"): int64, (N,)."""
        key = f"y_{split}"
        labels = self.array(key)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.ndim != 1 or labels.dtype.kind not in "iu" or len(labels) == 0:
            raise self._wrong(key, labels, _LABELS, _label_hint(labels))
        low, high = int(labels.min()), int(labels.max())
        if self.info is not None and (low < 0 or high >= self.info.classes):
            raise UserError(
                f"{self.where}: {key} has labels from {low} to {high}; {self.info.name} has 0 to "
                f"{self.info.classes - 1}"
            )
        if low < 0:
            raise UserError(f"{self.where}: {key} has the label {low}; accepted: {_LABELS}")
        if high > np.iinfo(np.int64).max:  # of uint64
            raise UserError(f"{self.where}: {key} has the label {high}; accepted: {_LABELS}")
        return labels.astype(np.int64)

    def shape(self, split: str) -> tuple[int, int, int]:
        """(channels, height, width) of the images of ``split``."""
        return self._look(split)[1]

    def images(self, split: str, rows: np.ndarray | None = None) -> np.ndarray:
        """The images at ``rows`` of ``split`` (all if None): uint8, (N, C, H, W)."""
        images, image, channels_first = self._counted(split)
        return _channels_first(images if rows is None else images[rows], image, channels_first)

    def parts(self, split: str, count: int) -> Iterator[np.ndarray]:
        """All images of ``split``, ``count`` at a time; of mapped arrays no more are in memory."""
        images, image, channels_first = self._counted(split)
        for start in range(0, len(images), count):
            yield _channels_first(images[start : start + count], image, channels_first)

    def _counted(self, split: str) -> tuple[np.ndarray, tuple[int, int, int], bool]:
        """`_look`, where there are as many labels."""
        images, image, channels_first = self._look(split)
        count = len(self.labels(split))
        if len(images) != count:
            raise UserError(
                f"{self.where}: {len(images)} images in x_{split} but {count} labels in y_{split}"
            )
        return images, image, channels_first

    def _look(self, split: str) -> tuple[np.ndarray, tuple[int, int, int], bool]:
        """The array, what one image is, and whether its channels stand first."""
        key = f"x_{split}"
        images = self.array(key)
        shape, known = images.shape[1:], self.info
        looked = None
        if images.ndim == 3:
            looked = (1, *shape)
        elif images.ndim == 4 and shape[2] in (1, 3):
            looked = (shape[2], shape[0], shape[1])
        elif images.ndim == 4 and shape[0] in (1, 3):
            looked = shape
        if images.dtype != np.uint8 or looked is None or 0 in images.shape or (
            known is not None and looked != known.image
        ):  # fmt: skip
            raise self._wrong(
                key, images, _IMAGES if known is None else _shapes(known), _image_hint(key, images)
            )
        return images, looked, images.ndim == 4 and shape[2] not in (1, 3)

    def class_names(self, classes: int) -> tuple[str, ...]:
        """The names of the classes; empty where there are none."""
        if not self.has(NAMES):
            return ()
        names = self.array(NAMES)
        if names.dtype.kind not in "US" or names.shape != (classes,):
            raise UserError(
                f"{self.where}: {NAMES} is {names.dtype} of shape {names.shape}; accepted: text of shape "
                f"({classes},), a name for each of the labels 0 to {classes - 1} of y_train"
            )
        if names.dtype.kind == "S":
            names = np.char.decode(names, "utf-8", "backslashreplace")
        for name in names:
            if not (str(name).isprintable() and 0 < len(str(name).strip()) <= _LONGEST_NAME):
                raise UserError(
                    f"{self.where}: {NAMES} has {shown(str(name))}; accepted: printable names of 1 to "
                    f"{_LONGEST_NAME} letters"
                )
        if len(set(names)) < classes:
            raise UserError(
                f"{self.where}: {NAMES} has a name twice; accepted: a name of its own for each class"
            )
        return tuple(map(str, names))

    def outline(self) -> tuple[tuple[int, int, int], int, tuple[str, ...]]:
        """(channels, height, width), number of classes and their names; everything but the pixels is checked."""
        labels = np.unique(self.labels("train"))
        classes = len(labels)
        gap = np.flatnonzero(labels != np.arange(classes))
        if len(gap):
            raise UserError(
                f"{self.where}: y_train has labels from {labels[0]} to {labels[-1]}, but no {gap[0]}; accepted: 0 to "
                "the number of classes less 1, without gaps"
            )
        if classes < 2:
            raise UserError(f"{self.where}: y_train has the label 0 alone; accepted: 2 classes or more")
        image = self.shape("train")
        if self.shape("test") != image:
            raise UserError(
                f"{self.where}: images in x_test are {self.shape('test')}, those in x_train {image} (channels, "
                "height, width); accepted: the same"
            )
        if (high := int(self.labels("test").max())) >= classes:
            raise UserError(f"{self.where}: y_test has the label {high}; y_train has 0 to {classes - 1}")
        for split in ("train", "test"):
            self.images(split, np.arange(0))  # as many as labels
        return image, classes, self.class_names(classes)

    def _wrong(self, key: str, array: np.ndarray, accepted: str, hint: str = "") -> UserError:
        needed = "accepted:" if self.info is None else f"{self.info.name} needs"
        hint = hint if array.size else "; no number of the shape may be 0"
        return UserError(
            f"{self.where}: {key} is {array.dtype} of shape {array.shape}; {needed} {accepted}{hint}"
        )


def _channels_first(images: np.ndarray, image: tuple[int, int, int], already: bool) -> np.ndarray:
    channels, height, width = image
    if not already:
        images = images.reshape(-1, height, width, channels).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(images)


def _shapes(info: DatasetInfo) -> str:
    channels, height, width = info.image
    flat = f"(N, {height}, {width}), " if channels == 1 else ""
    return f"uint8 of shape {flat}(N, {height}, {width}, {channels}) or (N, {channels}, {height}, {width})"


def _image_hint(key: str, images: np.ndarray) -> str:
    if images.dtype.kind == "f" and images.ndim > 2 and images.size:
        if any(
            np.isnan(image).any() for image in images
        ):  # one by one: a mask of all is a quarter of their memory
            return f" ({key} holds NaN)"
        return "; of numbers from 0 to 1 make (x * 255).round().astype('uint8')"
    return ""


def _label_hint(labels: np.ndarray) -> str:
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        return " (it holds NaN)"
    if labels.ndim == 2 and labels.shape[1] > 1:
        return "; of one-hot labels make y.argmax(1)"
    if labels.dtype.kind == "f":
        return "; of whole numbers kept as floats make y.astype('int64')"
    if labels.dtype.kind in "US":
        return "; of names make class_names, y = np.unique(y, return_inverse=True)"
    return ""


def save_arrays(
    path: str | Path,
    x_train: Any,
    y_train: Any,
    x_test: Any,
    y_test: Any,
    class_names: Any = None,
) -> str:
    """Writes arrays of one's own to ``path``, a file ``NAME.npz``, and returns it: what ``dataset`` takes.

    Trials are processes of their own, so a search reads its data from a file. See `Arrays` for what is accepted;
    ``class_names`` are in the order of the labels. Raises ``UserError``.
    """
    if not is_array_file(str(path)):
        raise UserError(f"path is {str(path)!r}; accepted: a file whose name ends in {ARRAY_SUFFIX}")
    given = dict(zip(KEYS, (x_train, y_train, x_test, y_test), strict=True))
    if class_names is not None:
        given[NAMES] = class_names
    arrays = {key: as_array(key, value) for key, value in given.items()}
    Arrays(arrays).outline()
    write_npz(Path(path), arrays)
    return str(path)


def write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes an npz file that is whole or as it was before. Raises ``UserError``."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    with write_errors(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as stream:
                np.savez(stream, allow_pickle=False, **arrays)
            os.replace(unfinished, path)
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise
