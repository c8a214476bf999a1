"""Keeps the epochs of a supernet that NNI's own or a user's strategy trains."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytorch_lightning as pl

from strategies.supernet.keeper import EpochKeeper
from strategies.supernet.learning.followed import Followed, sort_parameters


class FollowingKeeper(EpochKeeper):
    """See `EpochKeeper`; what it asks of the module is asked of a `Followed`."""

    followed: Followed
    chance: tuple[Any, Any]

    def on_train_start(self, trainer: pl.Trainer, module: Any) -> None:
        self.chance = random.getstate(), np.random.get_state()
        self.followed = _kind_for(module)(module, self.table, self.budget, self.settings)
        self.steps = int(trainer.num_training_batches)  # the strategy's loaders say how many
        self.bar.total = self.settings.epochs * self.steps
        self.bar.n = len(self.records) * self.steps
        for optimizer in trainer.optimizers:
            sort_parameters(module, optimizer)
        super().on_train_start(trainer, self.followed)

    def on_train_epoch_start(self, trainer: pl.Trainer, module: Any) -> None:
        super().on_train_epoch_start(trainer, self.followed)

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.followed.add_loss(outputs)
        super().on_train_batch_end(trainer, self.followed, outputs, batch, batch_idx)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: Any) -> None:
        super().on_train_epoch_end(trainer, self.followed)

    def teardown(self, trainer: pl.Trainer, module: Any, stage: str) -> None:
        if hasattr(self, "chance"):
            random.setstate(self.chance[0])
            np.random.set_state(self.chance[1])


def _kind_for(module: Any) -> type[Followed]:
    if not hasattr(module, "policy_fn"):
        return Followed
    from strategies.supernet.learning.followed_enas import FollowedEnas

    return FollowedEnas
