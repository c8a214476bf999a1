"""Batches that are already on the device, in a form that Lightning takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from torch import Tensor

from training.data.augment import Augmentation
from training.data.split import EveryNth, Split


class EpochBatches:
    """``steps`` batches of ``split`` an epoch, which begins again, in another order, when it is used up.

    Order and augmentation are decided by ``seed`` and by the epoch that ``epoch()`` tells when the first
    batch is asked for, so a search that was stopped goes on with the batches that it would have had. With a
    ``every_nth`` these are parts of batches (see ``training.data.split.Split``).
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        steps: int,
        *,
        augmentation: Augmentation,
        seed: int,
        epoch: Callable[[], int],
        every_nth: EveryNth = (0, 1),
    ) -> None:
        self.every_nth = every_nth
        self.split, self.batch_size, self.steps = split, min(batch_size, len(split)), steps
        self.augmentation, self.seed, self.epoch = augmentation, seed, epoch

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        epoch, left, round_ = self.epoch(), self.steps, 0
        while left:
            seed = epoch_seed(self.seed, epoch, round_)
            for batch in self.split.batches(
                self.batch_size, augmentation=self.augmentation, seed=seed, every_nth=self.every_nth
            ):
                yield batch
                left -= 1
                if not left:
                    return
            round_ += 1


def epoch_seed(*numbers: int) -> int:
    """One seed of several numbers, in [0, 2**63)."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
