"""One architecture judged: data, network, training, validation accuracy."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import torch

from search_space.errors import UserError
from search_space.measurement import Measurement
from training.data import DatasetInfo, load_data, require_fitting
from training.fit import EpochResult, TrainingFailed, fit
from training.recipe import Recipe
from training.recipes import get_recipe

if TYPE_CHECKING:
    from search_space import Genotype


@dataclass(frozen=True)
class TrialSettings:
    """How each candidate of a search is judged; the same for all of them.

    ``epochs``, ``batch_size`` (images) and ``learning_rate`` replace the recipe's own where given;
    ``validation`` is the share of the training images held out; ``threads`` (of the CPU, 0: torch's choice).
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
    image_size: int = 224
    workers: int = 2

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UserError(f"seed is {self.seed}; it must be 0 or more")
        if self.threads < 0:
            raise UserError(f"threads is {self.threads}; it must be 0 (torch's choice) or more")
        if not 0 < self.validation < 1:
            raise UserError(f"validation is {self.validation:g}; a search needs a share in (0, 1)")
        self.make_recipe()

    def make_recipe(self) -> Recipe:
        return get_recipe(
            self.recipe, epochs=self.epochs, batch_size=self.batch_size, learning_rate=self.learning_rate
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
    loss that is no number gives a measurement of status "failed"; whatever else is wrong is raised.
    """
    started = time.perf_counter()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    cost = genotype.cost()
    recipe = settings.make_recipe()
    data = load_data(
        settings.dataset,
        settings.data_dir,
        device=settings.device,
        seed=settings.seed,
        validation=settings.validation,
        train_limit=settings.train_limit,
        image_size=settings.image_size,
        workers=settings.workers,
    )
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

    error = None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = genotype.build()
    try:
        fit(model, data, recipe, seed=settings.seed, device=settings.device, on_epoch=on_epoch)
    except TrainingFailed as failure:
        error = str(failure)
    return Measurement(
        index=index,
        genotype=genotype.to_json(),
        status="ok" if error is None else "failed",
        accuracy=history[-1] if error is None else None,
        macs=cost.macs,
        macs_published=cost.macs_published,
        params=cost.params,
        seconds=time.perf_counter() - started,
        seed=settings.seed,
        history=tuple(history),
        error=error,
        time=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )
