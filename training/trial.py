"""One architecture judged: data, network, training, validation accuracy."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from records.errors import UserError
from records.measurement import Measurement, Status
from training.data.datasets import DatasetInfo, ImageOptions
from training.data.loading import Data, load_data, require_fitting
from training.data.lookup import dataset_info
from training.device import require_seed_and_threads
from training.fit import EpochResult, TrainingFailed, fit
from training.latency import PYTORCH, measured_latency
from training.recipes.named import get_recipe
from training.recipes.recipe import Recipe

if TYPE_CHECKING:
    from search_space import Genotype


_LONGEST_ERROR = 500  # characters


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
        return dataset_info(
            self.dataset,
            self.data_dir,
            image_size=self.image_size,
            channels=self.channels,
            flip=self.flip,
        )

    def load(self) -> Data:
        """The data set, on ``device``. Raises ``UserError``."""
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


@dataclass(frozen=True)
class Beginning:
    """What the settings of a training came to. ``threads`` are of the CPU, ``*_images`` are counts."""

    info: DatasetInfo
    train_images: int
    validation_images: int
    recipe: Recipe
    device: str
    threads: int
    seed: int


def measure_or_fail(
    genotype: Genotype,
    settings: TrialSettings,
    *,
    index: int,
    report: Callable[[dict[str, Any]], None] | None = None,
) -> Measurement:
    """As `measure`, but what a training raises that is no `UserError` is a measurement of status "failed", as where a
    process of its own trains it."""
    started = time.perf_counter()
    try:
        return measure(genotype, settings, index=index, report=report)
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the others can be measured
        return _measurement(
            genotype,
            settings,
            index=index,
            status="failed",
            error=" ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST_ERROR],
            seconds=time.perf_counter() - started,
        )


def _measurement(genotype: Genotype, settings: TrialSettings, **found: Any) -> Measurement:
    """What was ``found`` of a candidate, beside what is known of it before."""
    cost = genotype.cost()
    return Measurement(
        genotype=genotype.to_json(),
        macs=cost.macs,
        macs_published=cost.macs_published,
        params=cost.params,
        seed=settings.seed,
        time=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        **{"accuracy": None} | found,
    )


def measure(
    genotype: Genotype,
    settings: TrialSettings,
    *,
    index: int,
    report: Callable[[dict[str, Any]], None] | None = None,
    began: Callable[[Beginning], None] | None = None,
) -> Measurement:
    """Trains ``genotype``'s network and gives its validation accuracy after the last epoch.

    ``report`` is called after each epoch with plain numbers: ``default`` (validation accuracy in [0, 1]),
    ``epoch``, ``loss``, ``train_accuracy``, ``macs``, ``params``, ``seconds``; ``began`` before the first one. A
    loss that is no number gives a measurement of status "failed", a network slower than ``max_latency`` one of status
    "rejected", which is not trained; whatever else is wrong is raised.
    """
    started = time.perf_counter()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    cost = genotype.cost()
    recipe = settings.make_recipe()
    data = settings.load()
    require_fitting(genotype, data.info)
    assert data.validation is not None  # settings hold out validation images
    if began is not None:
        began(
            Beginning(
                data.info,
                len(data.train),
                len(data.validation),
                recipe,
                settings.device,
                torch.get_num_threads(),
                settings.seed,
            )
        )
    history: list[float] = []

    def on_epoch(result: EpochResult) -> None:
        assert result.accuracy is not None
        history.append(result.accuracy)
        if report is not None:
            report(
                {
                    "default": result.accuracy,
                    "epoch": result.epoch,
                    "loss": result.loss,
                    "train_accuracy": result.train_accuracy,
                    "macs": cost.macs,
                    "params": cost.params,
                    "seconds": time.perf_counter() - started,
                }
            )

    status: Status = "ok"
    error = latency = None
    model = genotype.build(settings.seed)
    if settings.measures_latency:
        measured = measured_latency(
            model,
            data.info.image,
            settings.device,
            runtime=settings.latency_runtime,
            batch=settings.latency_batch,
            threads=settings.latency_threads,
        )
        latency = round(measured.median, 4)
    if latency is not None and settings.max_latency is not None and latency > settings.max_latency:
        status = "rejected"
        error = f"latency {latency:.3g} ms, above max_latency {settings.max_latency:g} ms; not trained"
    else:
        try:
            fit(
                model,
                data,
                recipe,
                seed=settings.seed,
                device=settings.device,
                on_epoch=on_epoch,
                checkpoint=None if settings.checkpoint is None else Path(settings.checkpoint),
                until=settings.until,
            )
        except TrainingFailed as failure:
            status, error = "failed", str(failure)
    return _measurement(
        genotype,
        settings,
        index=index,
        status=status,
        accuracy=history[-1] if status == "ok" else None,
        seconds=time.perf_counter() - started,
        history=tuple(history),
        error=error,
        latency=latency,
    )
