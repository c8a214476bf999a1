"""Trains a supernet and its architecture weights with one of NNI's strategies; resumed exactly where it was stopped."""

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

from records.errors import UserError
from strategies.budget import UNLIMITED, Budget
from strategies.contract import OneShotStrategy
from strategies.supernet.data import EpochBatches, epoch_seed
from strategies.supernet.distribution import CostTable
from strategies.supernet.keeper import FREE_ON_RESUME, EpochKeeper
from strategies.supernet.learning.weights import SupernetTraining
from strategies.supernet.quiet import lightning_log_to
from strategies.supernet.ranks import ALONE, Ranks, trainer_options
from strategies.supernet.settings import SupernetSettings
from strategies.supernet.state import SearchState
from training.checkpoint import make_place
from training.data.augment import Augmentation
from training.data.loading import Data
from training.data.split import steps_per_epoch


def search_supernet(
    make_space: Callable[[], nn.Module],
    table: CostTable,
    data: Data,
    settings: SupernetSettings,
    *,
    strategy: type[OneShotStrategy],
    checkpoint: Path,
    log: Path,
    describe: dict[str, Any] | None = None,
    on_epoch: Callable[[SearchState], None] | None = None,
    progress: bool = False,
    ranks: Ranks = ALONE,
    budget: Budget = UNLIMITED,
    given: Any = None,
) -> SearchState:
    """Searches by ``strategy`` on the model space that ``make_space`` builds; ``table`` gives its MACs.

    Weights are trained on ``data.train``; architecture weights on ``data.validation``, on which the supernet
    is also judged after each epoch: some hundred logits do not learn its images by heart. The state is
    written to ``checkpoint`` after each epoch, and where that file exists the search goes on from it with the
    same numbers as if it had never stopped (exactly so on a CPU). ``describe`` adds to what must then be
    unchanged; ``on_epoch`` is called after each epoch, and once with what was read back. No epoch derives an
    architecture above the ``budget``, and no single path that is trained is above it. ``given`` is the user's strategy
    of NNI's, where ``strategy`` runs such an object.

    Several ``ranks``, whose ``ranks.group`` exists, share each batch: its size, and with it the
    learning rate's meaning, is that of all of them together. Norms see a process's part of a batch only.

    Raises ``TrainingFailed`` if a loss is not finite (epochs done are kept), ``UserError`` for a checkpoint
    of other settings and for batches that are too small to be shared, ``KeyboardInterrupt`` when interrupted.
    """
    own = {"strategy": strategy.name, **dataclasses.asdict(budget), "train images": len(data.train)}
    described = dataclasses.asdict(settings) | own | (describe or {})
    described = {name: value for name, value in described.items() if name not in FREE_ON_RESUME}
    keeper = strategy.keeper()(
        table, data, settings, described, checkpoint, on_epoch, progress, ranks, budget
    )
    shares = _shares(data, settings, ranks)
    on_interrupt = signal.getsignal(signal.SIGINT)
    if checkpoint.is_file():
        keeper.read(checkpoint)
        if len(keeper.records) == settings.epochs:
            return keeper.state()
    make_place(checkpoint)
    steps = steps_per_epoch(len(data.train), settings.batch_size)
    with lightning_log_to(log), torch.random.fork_rng(devices=_cuda_devices(settings.device)):
        torch.manual_seed(settings.seed)
        trainer = _make_trainer(settings, keeper, ranks)
        evaluator = Lightning(
            SupernetTraining(
                learning_rate=settings.learning_rate,
                momentum=settings.momentum,
                weight_decay=settings.weight_decay,
                auxiliary_weight=settings.auxiliary_weight,
            ),
            trainer,
            train_dataloaders=_batches(data, data.train, settings, steps, trainer, ranks, 0),
            val_dataloaders=_batches(data, data.validation, settings, steps, trainer, ranks, 1),
        )
        common = {"table": table, "ranks": ranks, "shares": shares, "budget": budget}
        if given is not None:
            common["given"] = given
        explore = strategy.nni_strategy(settings, **common)
        try:
            explore(RawFormatModelSpace.from_model(make_space(), evaluator), SequentialExecutionEngine())
        except SystemExit as stopped:  # what Lightning makes of Ctrl-C
            if trainer.interrupted:
                signal.signal(signal.SIGINT, on_interrupt)  # Lightning leaves it ignored
                raise KeyboardInterrupt from stopped
            raise
        finally:
            keeper.bar.close()
    return keeper.state()


def _shares(data: Data, settings: SupernetSettings, ranks: Ranks) -> tuple[float, float]:
    assert data.validation is not None  # the settings of a search hold images out
    sizes = [min(settings.batch_size, len(split)) for split in (data.train, data.validation)]
    if min(sizes) < ranks.count:
        raise UserError(
            f"devices is {ranks.count}; a batch of {min(sizes)} images cannot be shared by so many"
        )
    return ranks.share(sizes[0]), ranks.share(sizes[1])


def _make_trainer(settings: SupernetSettings, keeper: EpochKeeper, ranks: Ranks) -> Any:
    trainer = Trainer(
        **trainer_options(ranks, settings.device),
        max_epochs=settings.epochs,
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


def _batches(
    data: Data, split: Any, settings: SupernetSettings, steps: int, trainer: Any, ranks: Ranks, role: int
) -> Any:
    height = data.info.image[1]
    return EpochBatches(
        split,
        settings.batch_size,
        steps,
        augmentation=Augmentation(padding=round(height / 8), flip=data.info.flip),
        seed=epoch_seed(settings.seed, role),
        epoch=lambda: trainer.current_epoch,
        every_nth=ranks.every_nth,
    )


def _cuda_devices(device: str) -> list[torch.device]:
    return [torch.device(device)] if device.startswith("cuda") else []
