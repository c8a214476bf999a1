"""How each candidate of a search is judged, as settings. Importing it imports no torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from records.errors import UserError
from training.data.datasets import DatasetInfo, ImageOptions
from training.device import require_seed_and_threads
from training.recipes.named import get_recipe
from training.recipes.recipe import Recipe

if TYPE_CHECKING:
    from training.data.loading import Data

PYTORCH, ONNX = RUNTIMES = ("pytorch", "onnx")  # in which a latency is measured


@dataclass(frozen=True)
class TrialSettings:
    """How each candidate of a search is judged; the same for all of them.

    ``epochs``, ``batch_size`` (images) and ``learning_rate`` replace the recipe's own where given;
    ``validation`` is the share of the training images held out; ``threads`` (of the CPU, 0: torch's choice).
    ``image_size`` (pixels a side, or "HxW"), ``channels`` (1 or 3) and ``flip`` ("on" or "off") are what is asked of
    the images; ``info`` is what was found of the data set (``DatasetInfo`` as JSON), so that no trial looks again.
    ``latency``: whether the network's time is measured, of ``latency_batch`` images by ``latency_threads`` in
    ``latency_runtime`` (``training.latency``); ``max_latency`` (milliseconds): one that takes longer is not trained. ``until`` (epochs of the recipe's) and ``share`` (of the images that
    are not held out) train in part; ``checkpoint`` is a file from which training goes on and where it is kept.

    Examples:
        >>> settings = TrialSettings(dataset="digits", epochs=1, train_limit=200)
        >>> settings.make_recipe().epochs, settings.validation
        (1, 0.2)
    """

    dataset: str = "digits"
    data_dir: str | None = None
    recipe: str = "search"
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    validation: float = 0.2
    train_limit: int | None = None
    seed: int = 0
    device: str = "cpu"
    threads: int = 0
    workers: int = 2
    image_size: int | str | None = None
    channels: int | None = None
    flip: str | None = None
    info: dict[str, Any] | None = None
    latency: bool = False
    max_latency: float | None = None
    latency_runtime: str = PYTORCH
    latency_batch: int = 1
    latency_threads: int = 1
    until: int | None = None
    share: float = 1.0
    checkpoint: str | None = None

    def __post_init__(self) -> None:
        require_seed_and_threads(self.seed, self.threads)
        if not 0 < self.validation < 1:
            raise UserError(f"validation is {self.validation:g}; accepted: a share in (0, 1)")
        ImageOptions.of(self.image_size, self.channels, self.flip)
        self.make_recipe()

    def make_recipe(self) -> Recipe:
        return get_recipe(
            self.recipe, epochs=self.epochs, batch_size=self.batch_size, learning_rate=self.learning_rate
        )

    @property
    def measures_latency(self) -> bool:
        return self.latency or self.max_latency is not None

    def data_request(self) -> dict[str, Any]:
        """What ``training.data.prepare.prepare_data`` takes, for the data that trials read."""
        names = ("data_dir", "image_size", "channels", "flip", "validation", "train_limit")
        asked = {name: getattr(self, name) for name in names}
        return asked | {"name": self.dataset, "batch_size": self.make_recipe().batch_size}

    def knowing(self, info: DatasetInfo) -> TrialSettings:
        """The same, with what was found of the data set. Its classes' names are left out: training needs none, and
        there may be a thousand in each trial's settings."""
        return dataclasses.replace(self, info=info.to_json() | {"class_names": []})

    def dataset_info(self) -> DatasetInfo:
        """What was found of the data set, or else is found now. Raises ``UserError``."""
        if self.info is not None:
            return DatasetInfo.from_json(self.info)
        from training.data.lookup import dataset_info

        return dataset_info(
            self.dataset,
            self.data_dir,
            image_size=self.image_size,
            channels=self.channels,
            flip=self.flip,
        )

    def load(self) -> Data:
        """The data set, on ``device``. Raises ``UserError``."""
        from training.data.loading import load_data

        return load_data(
            self.dataset,
            self.data_dir,
            info=self.dataset_info(),
            device=self.device,
            seed=self.seed,
            validation=self.validation,
            train_limit=self.train_limit,
            workers=self.workers,
            share=self.share,
        )

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)
