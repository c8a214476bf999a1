"""The facts of a data set by its name: what is known is said at once, the rest is looked for in the data."""

from __future__ import annotations

from pathlib import Path

from records.errors import UserError
from training.data.datasets import (
    ARRAY_SETS,
    IMAGENET_MEAN,
    IMAGENET_SIZE,
    IMAGENET_STD,
    DatasetInfo,
    ImageOptions,
    located,
)


def dataset_info(
    name: str,
    data_dir: str | Path | None = None,
    *,
    image_size: int | str | None = None,
    channels: int | None = None,
    flip: str | None = None,
) -> DatasetInfo:
    """The facts of a data set.

    Those of the sets with a name are known; ``imagenet`` needs ``data_dir`` for its classes. For ``folder`` and
    for a file of arrays the training images are read, see ``training.data.dataset_facts``. ``image_size`` (pixels a side, or
    ``"HxW"``), ``channels`` (1 or 3) and ``flip`` ("on" or "off") are what the user asks for.
    """
    options = ImageOptions.of(image_size, channels, flip)
    name, data_dir = located(name, data_dir)
    if name in ARRAY_SETS:
        return options.applied(ARRAY_SETS[name])
    if name == "imagenet":
        return _imagenet(data_dir, options)
    from training.data.dataset_facts import find_info

    return find_info(name, data_dir, options)


def _imagenet(data_dir: str | None, options: ImageOptions) -> DatasetInfo:
    from training.data.sources.images import class_names

    if options.channels == 1:
        raise UserError("channels is 1; imagenet's mean and deviation are of 3: accepted with dataset folder")
    classes = class_names("imagenet", data_dir)
    image = (3, *(options.size or IMAGENET_SIZE))
    return DatasetInfo(
        "imagenet", image, len(classes), IMAGENET_MEAN, IMAGENET_STD, options.flip is not False, classes
    )
