"""Which images are trained on, which are held out, and which a limit leaves: decided by class and by a seed."""

from __future__ import annotations

import numpy as np

from records.errors import UserError
from training.data.datasets import DatasetInfo

_LIMIT_SEED = 20250102  # which images a limit leaves is a part of the data set, not of a run


def choose(
    labels: np.ndarray,
    info: DatasetInfo,
    *,
    limit: int | None = None,
    validation: float = 0.0,
    seed: int = 0,
    batch_size: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows held out, of images with these labels; both sorted.

    Of ``limit`` images (None: all) the share ``validation`` is held out. Each class is in both parts, and a batch
    is left to train on, or a ``UserError`` says what would be accepted.
    """
    least = 2 if validation else 1
    _require_classes(labels, info, least)
    count = len(labels) if limit is None else min(limit, len(labels))
    if not _enough(count, info.classes, validation, batch_size):
        raise _too_few(len(labels), limit, info.classes, validation, batch_size)
    rows = limited(labels, limit, least=least)
    if not validation:
        return rows, rows[:0]
    held_out, kept = stratified(labels[rows], _held(count, validation), seed, least=1, left=1)
    return rows[kept], rows[held_out]


def require_batch(batch_size: int, train_images: int) -> None:
    """Raises ``UserError`` for too few images to make a batch of."""
    if train_images < batch_size:
        raise _no_batch(batch_size, train_images)


def limited(labels: np.ndarray, limit: int | None, *, least: int = 0) -> np.ndarray:
    """Rows of ``limit`` images (None: all), each class in its proportion; always the same ones."""
    if limit is None or limit >= len(labels):
        return np.arange(len(labels))
    return stratified(labels, limit, _LIMIT_SEED, least=least)[0]


def stratified(
    labels: np.ndarray, count: int, seed: int, *, least: int = 0, left: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of ``count`` images with each class in its proportion, and the rows of the rest; both sorted.

    Rounding is by largest remainder, so that the count is exact; which rows is decided by ``seed``. A small class
    gets more than its proportion where it would have fewer than ``least`` images, and less where fewer than
    ``left`` of it would remain, as far as the count allows.
    """
    if not 0 <= count <= len(labels):
        raise UserError(f"{count} images were asked for; there are {len(labels)}")
    random = np.random.default_rng(seed)
    classes, sizes = np.unique(labels, return_counts=True)
    shares = sizes * (count / len(labels))
    quotas = np.floor(shares).astype(int)
    by_remainder = np.argsort(quotas - shares, kind="stable")
    quotas[by_remainder[: count - quotas.sum()]] += 1
    _even_out(quotas, np.minimum(least, sizes), np.maximum(sizes - left, 0))
    chosen = [
        random.permutation(np.flatnonzero(labels == label))[:quota]
        for label, quota in zip(classes, quotas, strict=True)
    ]
    mask = np.zeros(len(labels), dtype=bool)
    mask[np.concatenate(chosen)] = True
    return np.flatnonzero(mask), np.flatnonzero(~mask)


def _even_out(quotas: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
    """Moves images between classes, their sum kept, until ``low <= quotas <= high`` or none can be moved."""
    high = np.maximum(low, high)
    while (quotas < low).any() or (quotas > high).any():
        lacking, over = quotas < low, quotas > high
        giver = np.argmax(np.where(over, quotas - high, 0) if over.any() else quotas - low)
        taker = np.argmax(np.where(lacking, low - quotas, 0) if lacking.any() else high - quotas)
        if quotas[giver] <= low[giver] or quotas[taker] >= high[taker]:
            return
        quotas[giver] -= 1
        quotas[taker] += 1


def _held(count: int, validation: float) -> int:
    return round(validation * count)


def _enough(count: int, classes: int, validation: float, batch_size: int) -> bool:
    """Whether each class can be in both parts, and a batch in the one to train on."""
    held = _held(count, validation)
    return count - held >= max(classes, batch_size) and (not validation or held >= classes)


def _require_classes(labels: np.ndarray, info: DatasetInfo, least: int) -> None:
    counts = np.bincount(labels, minlength=info.classes)
    few = np.flatnonzero(counts < least)
    if not len(few):
        return
    label = int(few[0])
    name = repr(info.class_names[label]) if info.class_names else str(label)
    others = f" (of {len(few)} classes that have too few)" if len(few) > 1 else ""
    reason = ", of which one is held out" if least > 1 else ""
    raise UserError(
        f"dataset {info.name}: training images of class {name}{others}: {counts[label]}; accepted: {least} or more "
        f"of each class{reason}"
    )


def _too_few(there: int, limit: int | None, classes: int, validation: float, batch_size: int) -> UserError:
    """Says what would be enough: another limit where one was given, another share to hold out, other batches."""
    count = there if limit is None else min(limit, there)
    held = _held(count, validation)
    kept = count - held
    smallest = _smallest(there, classes, validation, batch_size)
    if limit is not None and smallest is not None:
        why = f"each of the {classes} classes is trained on"
        why += f" and held out (validation {validation:g})" if validation else ""
        if smallest != _smallest(there, classes, validation, 1):
            why += f", and a batch has {batch_size} images (fewer with a smaller batch_size)"
        return UserError(f"train_limit is {limit}; accepted: {smallest} or more: {why}")
    if _enough(count, classes, validation, 1):
        return _no_batch(batch_size, kept)
    if validation and count >= 2 * classes:
        least, most = classes / count, 1 - classes / count
        return UserError(
            f"validation {validation:g} of {count} images is {held}; accepted: a share from {least:.3g} to "
            f"{most:.3g}, so that each of the {classes} classes is trained on and held out"
        )
    return UserError(
        f"there are {count} training images of {classes} classes; accepted: {2 if validation else 1} or more of each"
    )


def _no_batch(batch_size: int, images: int) -> UserError:
    return UserError(
        f"batch_size is {batch_size}; there are {images} images to train on, of which no batch can be made; accepted: "
        f"up to {images}"
    )


def _smallest(there: int, classes: int, validation: float, batch_size: int) -> int | None:
    """The fewest images that are enough; None if all are too few."""
    sizes = range(classes, there + 1)
    return next((count for count in sizes if _enough(count, classes, validation, batch_size)), None)
