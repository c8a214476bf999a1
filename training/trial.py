"""One architecture judged: data, network, training, validation accuracy."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from records.errors import UserError
from records.measurement import Measurement, Status
from training.data.datasets import DatasetInfo
from training.data.loading import require_fitting
from training.fit import EpochResult, TrainingFailed, fit
from training.latency import measured_latency
from training.recipes.recipe import Recipe
from training.trial_settings import TrialSettings

if TYPE_CHECKING:
    from search_space import Genotype

_LONGEST_ERROR = 500  # characters


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
