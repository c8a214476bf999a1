"""What happens around each epoch of a supernet: seeds, schedule, judgement, records, checkpoint."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from tqdm import tqdm

from records.text import count_text, percent_text
from strategies.budget import UNLIMITED, Budget
from strategies.supernet.data import epoch_seed
from strategies.supernet.distribution import Architecture, CostTable, Node
from strategies.supernet.ranks import Ranks
from strategies.supernet.settings import SupernetSettings
from strategies.supernet.state import SearchState
from training.checkpoint import load_checkpoint, require_same, save_checkpoint
from training.data.loading import Data
from training.data.split import steps_per_epoch
from training.fit import TrainingFailed, evaluate

FREE_ON_RESUME = ("device",)  # of the settings, those that may change when a search is taken up again
# What an earlier version did not write into a checkpoint, because there was nothing else.
_UNSAID = {"strategy": "darts", "max_macs": None, "max_params": None} | {
    name: getattr(SupernetSettings(), name)
    for name in (
        "temperature",
        "final_temperature",
        "partial_channels",
        "operation_stop",
        "auxiliary_skip",
        "nni_one_shot",
    )
}
_STEPS_BETWEEN_CHECKS = 50  # of the losses for NaN: each check waits for the device


class EpochKeeper(pl.Callback):
    """Seeds, schedules, judges, saves and reports each epoch, counted from 1.

    A record holds ``default`` (the supernet's validation accuracy in [0, 1], in eval mode), ``epoch``,
    ``loss`` and ``architecture_loss`` (means over the epoch's steps; the latter with the penalty),
    ``expected_macs`` and ``derived_macs`` (of one image), ``entropy`` (nats, mean over edges; ln(K + 1) at
    the start), ``skips`` (in the derived cells) and ``expected_skips``, each also by cell,
    ``learning_rate`` and ``seconds``; ``expected_counts``, by primitive and cell the mean number of edges that have it by
    the architecture weights; besides what the strategy notes (``temperature``, for one).

    Where ``ranks`` train together all of them come to the same records, but the first one alone judges,
    saves, reports and shows progress.
    """

    def __init__(
        self, table, data, settings, described, checkpoint, on_epoch, progress, ranks, budget=UNLIMITED
    ) -> None:
        self.ranks: Ranks = ranks
        self.budget: Budget = budget
        self.table: CostTable = table
        self.data: Data = data
        self.settings: SupernetSettings = settings
        self.described: dict[str, Any] = described
        self.checkpoint: Path = checkpoint
        self.on_epoch: Callable[[SearchState], None] | None = on_epoch
        self.records: list[dict[str, Any]] = []
        self.derived: list[Architecture] = []
        self.logits: dict[Node, Tensor] = {}
        self.saved: dict[str, Any] | None = None
        self.steps = steps_per_epoch(len(data.train), settings.batch_size)
        self.started = 0.0
        self.bar = tqdm(
            total=settings.epochs * self.steps,
            desc="supernet",
            unit="step",
            leave=True,
            disable=None if progress and self.first else True,  # None: only on a terminal
        )

    @property
    def first(self) -> bool:
        return self.ranks.number == 0

    def state(self) -> SearchState:
        return SearchState(list(self.records), list(self.derived), self.logits)

    def read(self, path: Path) -> None:
        saved = load_checkpoint(path, torch.device(self.settings.device))
        # A checkpoint may be gone on with elsewhere.
        before = {name: value for name, value in saved["settings"].items() if name not in FREE_ON_RESUME}
        if (
            before.pop("trial's image_size", None) is not None
        ):  # earlier versions wrote it in the image's place
            before.setdefault("image", self.described.get("image"))
        before = _UNSAID | before
        require_same(path, before, self.described)
        self.saved, self.records, self.derived = saved, saved["records"], saved["derived"]
        self.logits = {(cell, number): rows.cpu() for cell, number, rows in saved["logits"]}
        self.bar.update(len(self.records) * self.steps)
        self._tell()

    # Lightning's hooks

    def on_train_start(self, trainer: pl.Trainer, module: Any) -> None:
        if self.saved is not None:
            module.load_state_dict(self.saved["model"])
            for optimizer, state in zip(trainer.optimizers, self.saved["optimizers"], strict=True):
                optimizer.load_state_dict(state)
            module.load_extra_state(self.saved.get("extra", {}))
            self.saved = None
        self.ranks.copy_from_first(module)

    def on_train_epoch_start(self, trainer: pl.Trainer, module: Any) -> None:
        # Each epoch has a seed of its own, so that no generator's state has to be saved to resume.
        others = (self.ranks.number,) if self.ranks.number else ()
        torch.manual_seed(epoch_seed(self.settings.seed, trainer.current_epoch, *others))
        self.started = time.perf_counter()
        module.weight_loss, module.architecture_loss = torch.zeros(()), torch.zeros(())
        module.begin_epoch(trainer.current_epoch)
        module.train()

    def on_train_batch_start(self, trainer: pl.Trainer, module: Any, batch: Any, batch_idx: int) -> None:
        rate = self.settings.learning_rate_at(trainer.current_epoch + (batch_idx + 0.5) / self.steps)
        for group in trainer.optimizers[0].param_groups:
            group["lr"] = rate

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.bar.update()
        if (batch_idx + 1) % _STEPS_BETWEEN_CHECKS == 0:
            self._require_finite(trainer, module)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: Any) -> None:
        losses = self._require_finite(trainer, module)
        module.end_epoch()
        self.ranks.require_equal(module.arch_parameters(), "architecture weights")
        self.ranks.average_statistics(module)
        assert self.data.validation is not None  # the settings of a search hold images out
        module.begin_judging()
        accuracy = evaluate(module.model, self.data.validation) if self.first else 0.0
        accuracy = self.ranks.tell_all(accuracy, module.device)
        distribution = module.distribution()
        architecture = module.derived(distribution)
        entropy, expected = distribution.entropy(), _skips(distribution.expected_count, self.table)
        warming = trainer.current_epoch < self.settings.warmup_epochs
        skips = {cell: _count_skips(nodes) for cell, nodes in architecture.items()}
        record: dict[str, Any] = {
            "default": accuracy,
            "epoch": trainer.current_epoch + 1,
            "loss": losses[0] / self.steps,
            "architecture_loss": None if warming else losses[1] / self.steps,
            "expected_macs": round(float(distribution.expected_macs().detach())),
            "derived_macs": round(self.table.macs(architecture)),
            "entropy": math.fsum(entropy.values()) / len(entropy),
            "skips": sum(skips.values()),
            "expected_skips": math.fsum(expected.values()),
        }
        for cell in architecture:
            record[f"entropy_{cell}"] = entropy[cell]
            record[f"skips_{cell}"] = skips[cell]
            record[f"expected_skips_{cell}"] = expected.get(cell, 0.0)
        record["expected_counts"] = {
            primitive: distribution.expected_count(primitive) for primitive in self.table.primitives
        }
        record["derived_counts"] = Counter(
            primitive for nodes in architecture.values() for pairs in nodes for primitive, _ in pairs
        )
        record |= module.notes()
        record["learning_rate"] = trainer.optimizers[0].param_groups[0]["lr"]
        record["seconds"] = time.perf_counter() - self.started
        self.records.append(record)
        self.derived.append(architecture)
        self.logits = {node: rows.detach().cpu() for node, rows in distribution.logits.items()}
        if self.first:
            self._save(trainer, module)
        self.bar.set_postfix_str(
            f"accuracy {percent_text(accuracy)}%, {count_text(record['expected_macs'])} MACs expected"
        )
        self._tell()

    def _save(self, trainer: pl.Trainer, module: Any) -> None:
        state = {
            "settings": self.described,
            "records": self.records,
            "derived": self.derived,
            "logits": [(cell, number, rows) for (cell, number), rows in self.logits.items()],
            "model": module.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in trainer.optimizers],
            "extra": module.extra_state(),
        }
        save_checkpoint(state, self.checkpoint)

    def _require_finite(self, trainer: pl.Trainer, module: Any) -> list[float]:
        """The sums so far of both losses, over all processes, so that all of them stop or none does."""
        own = torch.stack([module.weight_loss, module.architecture_loss.to(module.weight_loss.device)])
        losses = self.ranks.total(own).tolist()
        for name, loss in zip(("loss", "architecture loss"), losses, strict=True):
            if not math.isfinite(loss):
                raise TrainingFailed(
                    f"the supernet's {name} is {loss} in epoch {trainer.current_epoch + 1} of "
                    f"{self.settings.epochs}; lower its learning rate (now {self.settings.learning_rate:g})"
                )
        return losses

    def _tell(self) -> None:
        if self.on_epoch is not None and self.first:
            self.on_epoch(self.state())


def _is_skip(primitive: str) -> bool:
    return primitive.startswith("skip")


def _count_skips(nodes: list) -> int:
    return sum(_is_skip(primitive) for pairs in nodes for primitive, _ in pairs)


def _skips(count: Callable[[str], dict[str, float]], table: CostTable) -> dict[str, float]:
    total: dict[str, float] = {}
    for primitive in filter(_is_skip, table.primitives):
        for cell, number in count(primitive).items():
            total[cell] = total.get(cell, 0.0) + number
    return total
