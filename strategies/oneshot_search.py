"""Trains a supernet and its architecture weights, epoch by epoch: reported, saved, and resumed exactly."""

from __future__ import annotations

import dataclasses
import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from nni.nas.evaluator.pytorch import Lightning, Trainer
from nni.nas.execution import SequentialExecutionEngine
from nni.nas.space import RawFormatModelSpace
from torch import Tensor, nn
from tqdm import tqdm

from search_space.errors import UserError
from strategies.oneshot_data import EpochBatches, epoch_seed
from strategies.oneshot_distribution import Architecture, CostTable, Node
from strategies.oneshot_quiet import chatter_into
from strategies.oneshot_supernet import PenalisedDarts, PenalisedDartsModule, SupernetTraining
from training.augment import Augmentation
from training.checkpoint import load_checkpoint, require_same, save_checkpoint
from training.data import Data
from training.fit import TrainingFailed, evaluate
from training.split import steps_per_epoch


@dataclass(frozen=True)
class SupernetSettings:
    """How the supernet is trained. The defaults are those of DARTS (Liu et al. 2019, appendix A.1)."""

    epochs: int = 50
    batch_size: int = 64  # images, of each of the two steps
    learning_rate: float = 0.025  # of the weights, at first; a cosine leads it to `final_learning_rate`
    final_learning_rate: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 3e-4
    clip_norm: float = 5.0
    auxiliary_weight: float = 0.4
    architecture_learning_rate: float = 3e-4  # Adam with betas 0.5, 0.999 and weight decay 1e-3, constant
    warmup_epochs: int = 0  # in which only the weights are trained
    mac_penalty: float = 0.0
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("warmup_epochs", 0), ("seed", 0)):
            if getattr(self, name) < least:
                raise UserError(
                    f"{name} of the supernet is {getattr(self, name)}; it must be {least} or more"
                )
        if not (math.isfinite(self.mac_penalty) and self.mac_penalty >= 0):
            raise UserError(f"mac_penalty is {self.mac_penalty:g}; it must be 0 (off) or more")
        for name in ("learning_rate", "architecture_learning_rate"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise UserError(f"{name} of the supernet is {value:g}; it must be above 0")

    def learning_rate_at(self, epoch: float) -> float:
        """Of the weights, at ``epoch`` in [0, epochs], which need not be whole."""
        low, high = self.final_learning_rate, self.learning_rate
        return low + 0.5 * (high - low) * (1 + math.cos(math.pi * epoch / self.epochs))


@dataclass(frozen=True)
class SearchState:
    """After the last epoch done: one record an epoch (see ``EpochKeeper``), what each epoch derived, and the
    logits of each node, (E, K + 1), on the CPU."""

    records: list[dict[str, Any]]
    derived: list[Architecture]
    logits: dict[Node, Tensor]


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


class EpochKeeper(pl.Callback):
    """Seeds, schedules, judges, saves and reports each epoch, counted from 1.

    A record holds ``default`` (the supernet's validation accuracy in [0, 1], in eval mode), ``epoch``,
    ``loss`` and ``architecture_loss`` (means over the epoch's steps; the latter with the penalty),
    ``expected_macs`` and ``derived_macs`` (of one image), ``entropy`` (nats, mean over edges; ln(K + 1) at
    the start), ``skips`` (in the derived cells) and ``expected_skips``, each also by cell,
    ``learning_rate`` and ``seconds``.
    """

    def __init__(self, table, data, settings, described, checkpoint, on_epoch, progress) -> None:
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
            total=settings.epochs * self.steps, desc="supernet", unit="step", disable=not progress, leave=True
        )

    def state(self) -> SearchState:
        return SearchState(list(self.records), list(self.derived), self.logits)

    def read(self, path: Path) -> None:
        saved = load_checkpoint(path, torch.device(self.settings.device))
        require_same(path, saved["settings"], self.described)
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
            self.saved = None

    def on_train_epoch_start(self, trainer: pl.Trainer, module: Any) -> None:
        # Each epoch has a seed of its own, so that no generator's state has to be saved to resume.
        torch.manual_seed(epoch_seed(self.settings.seed, trainer.current_epoch))
        self.started = time.perf_counter()
        module.weight_loss, module.architecture_loss = torch.zeros(()), torch.zeros(())
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

    def on_train_epoch_end(self, trainer: pl.Trainer, module: PenalisedDartsModule) -> None:
        self._require_finite(trainer, module)
        assert self.data.validation is not None  # the settings of a search hold images out
        accuracy = evaluate(module.model, self.data.validation)
        distribution = module.distribution()
        architecture = distribution.derive()
        entropy, expected = distribution.entropy(), _skips(distribution.expected_count, self.table)
        warming = trainer.current_epoch < self.settings.warmup_epochs
        skips = {cell: _count_skips(nodes) for cell, nodes in architecture.items()}
        record: dict[str, Any] = {
            "default": accuracy,
            "epoch": trainer.current_epoch + 1,
            "loss": float(module.weight_loss) / self.steps,
            "architecture_loss": None if warming else float(module.architecture_loss) / self.steps,
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
        record["learning_rate"] = trainer.optimizers[0].param_groups[0]["lr"]
        record["seconds"] = time.perf_counter() - self.started
        self.records.append(record)
        self.derived.append(architecture)
        self.logits = {node: rows.detach().cpu() for node, rows in distribution.logits.items()}
        self._save(trainer, module)
        self.bar.set_postfix_str(
            f"accuracy {accuracy:.3f}, {record['expected_macs'] / 1e6:.2f}M MACs expected"
        )
        self._tell()

    def _save(self, trainer: pl.Trainer, module: nn.Module) -> None:
        state = {
            "settings": self.described,
            "records": self.records,
            "derived": self.derived,
            "logits": [(cell, number, rows) for (cell, number), rows in self.logits.items()],
            "model": module.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in trainer.optimizers],
        }
        save_checkpoint(state, self.checkpoint)

    def _require_finite(self, trainer: pl.Trainer, module: Any) -> None:
        for name, loss in (("loss", module.weight_loss), ("architecture loss", module.architecture_loss)):
            if not torch.isfinite(loss):
                raise TrainingFailed(
                    f"the supernet's {name} is {float(loss)} in epoch {trainer.current_epoch + 1} of "
                    f"{self.settings.epochs}; lower its learning rate (now {self.settings.learning_rate:g})"
                )

    def _tell(self) -> None:
        if self.on_epoch is not None:
            self.on_epoch(self.state())


_STEPS_BETWEEN_CHECKS = 50  # of the losses for NaN: each check waits for the device


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
