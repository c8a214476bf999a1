"""Trains shared weights, a fair draw of networks at a time; resumed exactly where it was stopped."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from tqdm import tqdm

from pde_ops.cpu.training.kernels import put_kernels
from search_space.problem import Problem
from strategies.budget import Budget
from strategies.shared_weights.fairness import fair_networks
from strategies.shared_weights.settings import SharedTraining
from strategies.shared_weights.store import SharedWeights
from strategies.supernet.data import epoch_seed
from training.checkpoint import load_checkpoint, make_place, require_same, save_checkpoint
from training.data.augment import Augmentation
from training.data.loading import Data
from training.data.split import steps_per_epoch
from training.fit import TrainingFailed

_FREE_ON_RESUME = ("device",)
Record = dict[str, Any]


def train_shared(
    problem: Problem,
    data: Data,
    settings: SharedTraining,
    budget: Budget,
    checkpoint: Path,
    *,
    on_epoch: Callable[[Record], None] | None = None,
    progress: bool = False,
) -> SharedWeights:
    """The weights that the networks of ``problem`` share after ``settings.epochs`` epochs on ``data.train``.

    A record, one an epoch, has ``epoch`` (from 1), ``loss`` (mean over the networks that were trained),
    ``learning_rate`` at its end and ``seconds``; ``on_epoch`` gets those of epochs that were read back, too. The
    state is written to ``checkpoint`` after each epoch; where that file exists, training goes on from it with the
    same numbers as if it had never stopped (exactly so on a CPU).

    Raises ``TrainingFailed`` for a loss that is not finite, ``UserError`` for a checkpoint of other settings.
    """
    run = _Training(problem, data, settings, budget)
    records: list[Record] = []
    if checkpoint.is_file():
        records = run.read(checkpoint)
    make_place(checkpoint)
    for record in records if on_epoch is not None else ():
        on_epoch(record)  # type: ignore[misc]
    total = settings.epochs * run.steps
    with tqdm(
        total=total, initial=len(records) * run.steps, desc="supernet", unit="step",
        disable=None if progress else True,
    ) as bar:  # fmt: skip
        for epoch in range(len(records), settings.epochs):
            records.append(run.epoch(epoch, bar))
            run.save(checkpoint, records)
            if on_epoch is not None:
                on_epoch(records[-1])
    return run.shared


class _Training:
    def __init__(self, problem: Problem, data: Data, settings: SharedTraining, budget: Budget) -> None:
        self.problem, self.data, self.settings, self.budget = problem, data, settings, budget
        self.shared = SharedWeights(settings.seed, settings.device)
        self.optimizer = torch.optim.SGD(
            [
                torch.nn.Parameter(torch.zeros(0))
            ],  # it takes no empty list; the weights come as networks need them
            settings.learning_rate,
            momentum=settings.momentum,
            nesterov=settings.momentum > 0,
            weight_decay=settings.weight_decay,
        )
        self.steps = steps_per_epoch(len(data.train), settings.batch_size)
        height = data.info.image[1]
        self.augmentation = Augmentation(padding=round(height / 8), flip=data.info.flip)

    def epoch(self, number: int, bar: tqdm) -> Record:
        started, settings = time.perf_counter(), self.settings
        seed = epoch_seed(settings.seed, number)
        networks = fair_networks(self.problem, str(seed), self.budget)
        total, count = torch.zeros((), device=settings.device), 0
        rate = 0.0
        with torch.random.fork_rng(devices=_cuda(settings.device)):
            torch.manual_seed(seed)
            batches = self.data.train.batches(
                min(settings.batch_size, len(self.data.train)), augmentation=self.augmentation, seed=seed
            )
            for step, (images, labels) in enumerate(batches):
                rate = settings.learning_rate_at(number + (step + 0.5) / self.steps)
                self.shared.begin_step()
                for _ in range(settings.networks):
                    genotype = next(networks)
                    network = self.shared.network(genotype).train()
                    if settings.device == "cpu":
                        put_kernels(network)  # it lives for this step
                    output = network(images)
                    logits = output[0] if isinstance(output, tuple) else output
                    loss = F.cross_entropy(logits, labels, label_smoothing=settings.label_smoothing)
                    (loss / settings.networks).backward()
                    self.shared.add_gradients(genotype, network)
                    total, count = total + loss.detach(), count + 1
                self._step(rate)
                bar.update()
        mean = float(total / count)
        if not math.isfinite(mean):
            raise TrainingFailed(
                f"the supernet's loss is {mean} in epoch {number + 1} of {settings.epochs}; lower its learning rate "
                f"(now {settings.learning_rate:g})"
            )
        return {
            "epoch": number + 1, "loss": mean, "learning_rate": rate, "seconds": time.perf_counter() - started,
        }  # fmt: skip

    def _step(self, rate: float) -> None:
        used = self.shared.with_gradients()
        self._take_in()
        torch.nn.utils.clip_grad_norm_(used, self.settings.clip_norm)
        self.optimizer.param_groups[0]["lr"] = rate
        self.optimizer.step()

    def _take_in(self) -> None:
        """Weights that have come since are the optimiser's, too."""
        known = self.optimizer.param_groups[0]["params"]
        known += list(self.shared.parameters.values())[len(known) - 1 :]

    def _described(self) -> dict[str, Any]:
        named = {**dataclasses.asdict(self.settings), "budget": dataclasses.asdict(self.budget)}
        named |= {"problem": self.problem.to_json(), "train images": len(self.data.train)}
        return {name: value for name, value in named.items() if name not in _FREE_ON_RESUME}

    def save(self, path: Path, records: list[Record]) -> None:
        state = {
            "settings": self._described(), "records": records, "weights": self.shared.state(),
            "optimizer": self.optimizer.state_dict(),
        }  # fmt: skip
        save_checkpoint(state, path)

    def read(self, path: Path) -> list[Record]:
        saved = load_checkpoint(path, torch.device(self.settings.device))
        require_same(path, saved["settings"], self._described())
        self.shared.load(saved["weights"])
        self._take_in()
        self.optimizer.load_state_dict(saved["optimizer"])
        return saved["records"]


def _cuda(device: str) -> list[torch.device]:
    return [torch.device(device)] if device.startswith("cuda") else []
