"""Trains a supernet and its architecture weights with NNI's DARTS; resumed exactly where it was stopped."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from nni.nas.evaluator.pytorch import Lightning, Trainer
from nni.nas.execution import SequentialExecutionEngine
from nni.nas.space import RawFormatModelSpace
from torch import nn

from strategies.oneshot_data import EpochBatches, epoch_seed
from strategies.oneshot_distribution import CostTable
from strategies.oneshot_keeper import EpochKeeper, SearchState
from strategies.oneshot_quiet import chatter_into
from strategies.oneshot_settings import SupernetSettings
from strategies.oneshot_supernet import PenalisedDarts, SupernetTraining
from training.augment import Augmentation
from training.data import Data
from training.split import steps_per_epoch


def search_supernet(
    make_space: Callable[[], nn.Module],
    table: CostTable,
    data: Data,
    settings: SupernetSettings,
    *,
    checkpoint: Path,
    log: Path,
    describe: dict[str, Any] | None = None,
    on_epoch: Callable[[SearchState], None] | None = None,
    progress: bool = False,
) -> SearchState:
    """Searches with NNI's DARTS on the model space that ``make_space`` builds; ``table`` gives its MACs.

    Weights are trained on ``data.train``; architecture weights on ``data.validation``, on which the supernet
    is also judged after each epoch: some hundred logits do not learn its images by heart. The state is
    written to ``checkpoint`` after each epoch, and where that file exists the search goes on from it with the
    same numbers as if it had never stopped (exactly so on a CPU). ``describe`` adds to what must then be
    unchanged; ``on_epoch`` is called after each epoch, and once with what was read back.

    Raises ``TrainingFailed`` if a loss is not finite (epochs done are kept), ``UserError`` for a checkpoint
    of other settings, ``KeyboardInterrupt`` when interrupted.
    """
    described = dataclasses.asdict(settings) | {"train images": len(data.train)} | (describe or {})
    keeper = EpochKeeper(table, data, settings, described, checkpoint, on_epoch, progress)
    on_interrupt = signal.getsignal(signal.SIGINT)
    if checkpoint.is_file():
        keeper.read(checkpoint)
        if len(keeper.records) == settings.epochs:
            return keeper.state()
    steps = steps_per_epoch(len(data.train), settings.batch_size)
    with chatter_into(log), torch.random.fork_rng(devices=_cuda_devices(settings.device)):
        torch.manual_seed(settings.seed)
        trainer = _make_trainer(settings, keeper)
        evaluator = Lightning(
            SupernetTraining(
                learning_rate=settings.learning_rate,
                momentum=settings.momentum,
                weight_decay=settings.weight_decay,
                auxiliary_weight=settings.auxiliary_weight,
            ),
            trainer,
            train_dataloaders=_batches(data, data.train, settings, steps, trainer, 0),
            val_dataloaders=_batches(data, data.validation, settings, steps, trainer, 1),
        )
        strategy = PenalisedDarts(
            table=table,
            mac_penalty=settings.mac_penalty,
            arc_learning_rate=settings.architecture_learning_rate,
            gradient_clip_val=settings.clip_norm,
            warmup_epochs=settings.warmup_epochs,
        )
        try:
            strategy(RawFormatModelSpace.from_model(make_space(), evaluator), SequentialExecutionEngine())
        except SystemExit as stopped:  # what Lightning makes of Ctrl-C
            if trainer.interrupted:
                signal.signal(signal.SIGINT, on_interrupt)  # Lightning leaves it ignored
                raise KeyboardInterrupt from stopped
            raise
        finally:
            keeper.bar.close()
    return keeper.state()


def _make_trainer(settings: SupernetSettings, keeper: EpochKeeper) -> Any:
    cuda = settings.device.startswith("cuda")
    _, _, number = settings.device.partition(":")
    trainer = Trainer(
        max_epochs=settings.epochs,
        accelerator="gpu" if cuda else "cpu",
        devices=[int(number or 0)] if cuda else 1,
        callbacks=[keeper],
        logger=False,
        enable_checkpointing=False,  # Lightning's holds pickles; the keeper's is plain
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=0,
        num_sanity_val_steps=0,
    )
    done = trainer.fit_loop.epoch_progress.current
    done.ready = done.started = done.processed = done.completed = len(keeper.records)
    return trainer


def _batches(data: Data, split: Any, settings: SupernetSettings, steps: int, trainer: Any, role: int) -> Any:
    height = data.info.image[1]
    return EpochBatches(
        split,
        settings.batch_size,
        steps,
        augmentation=Augmentation(padding=round(height / 8), flip=data.info.flip),
        seed=epoch_seed(settings.seed, role),
        epoch=lambda: trainer.current_epoch,
    )


def _cuda_devices(device: str) -> list[torch.device]:
    return [torch.device(device)] if device.startswith("cuda") else []
