"""The look at a data set before anything is trained, so that what is wrong with it is said then."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from training.data.dataset_facts import find_info
from training.data.datasets import ARRAY_SETS, FOLDER_SETS, DatasetInfo, ImageOptions, located, same
from training.data.loading import array_file, check_limits, open_source
from training.data.lookup import dataset_info
from training.data.selection import choose, limited


@dataclass(frozen=True)
class PreparedData:
    """What is known of the data set, and how many images are for what; ``validation_images`` may be 0."""

    info: DatasetInfo
    train_images: int
    validation_images: int
    test_images: int

    def to_json(self) -> dict[str, Any]:
        """As a run's ``settings.json`` keeps it."""
        return {
            "dataset": self.info.to_json(),
            "train_images": self.train_images,
            "validation_images": self.validation_images,
            "test_images": self.test_images,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> PreparedData:
        """Reads what ``to_json`` wrote."""
        counts = (record[name] for name in ("train_images", "validation_images", "test_images"))
        return cls(DatasetInfo.from_json(record["dataset"]), *counts)


def prepare_data(
    name: str,
    data_dir: str | Path | None = None,
    *,
    known: DatasetInfo | None = None,
    image_size: int | str | None = None,
    channels: int | None = None,
    flip: str | None = None,
    validation: float = 0.0,
    train_limit: int | None = None,
    test_limit: int | None = None,
    batch_size: int = 1,
) -> PreparedData:
    """Downloads the data set if it is missing, reads it, and sees that there are enough images.

    For the start of a search, so that its trials find the data in place and need not look at them again: arrays
    are read whole against their checksums, image files decoded as far as that is a matter of seconds. ``known`` is
    what a run found when it began; data that differ are refused. See ``training.data.loading.load_data`` for the others;
    ``batch_size`` images are needed to train on. Raises ``UserError``.
    """
    check_limits(validation, train_limit, test_limit)
    name, data_dir = located(name, data_dir)
    options = ImageOptions.of(image_size, channels, flip)
    if name not in FOLDER_SETS and name != "digits":
        array_file(name, data_dir).verify()
    if name in ARRAY_SETS or name == "imagenet":
        info = dataset_info(name, data_dir, image_size=image_size, channels=channels, flip=flip)
        if known is not None:
            info = same(known, info, str(data_dir or name))
    else:
        info = find_info(name, data_dir, options, known)
    source = open_source(name, data_dir, info, torch.device("cpu"))
    source.check()
    kept, held_out = choose(
        source.labels("train"), info, limit=train_limit, validation=validation, batch_size=batch_size
    )
    return PreparedData(info, len(kept), len(held_out), len(limited(source.labels("test"), test_limit)))
