"""Trains one network by a recipe: seeded, resumable at an epoch, judged by the last epoch."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pde_ops.cpu.training.kernels import training_kernels
from records.errors import UserError
from search_space.cells.drop_path import set_drop_path
from training.captured import CapturedStep
from training.checkpoint import load_checkpoint, make_place, require_same, save_checkpoint
from training.data.augment import Augmentation
from training.data.loading import Data
from training.data.split import Split, steps_per_epoch
from training.evaluate import evaluate
from training.precision import precision_of
from training.recipes.optimizer import Average, make_optimizer, rates_on, set_rates
from training.recipes.recipe import Recipe

_STEPS_BETWEEN_CHECKS = 100  # of the loss for NaN: each check waits for the device


class TrainingFailed(UserError):
    """The loss is no longer a number; the message says when, and at what learning rate."""


@dataclass(frozen=True)
class EpochResult:
    """One epoch, counted from 1. Accuracies are in [0, 1]; ``accuracy`` is on the validation images after the
    epoch (None without any), ``train_accuracy`` on the augmented training images during it; ``residual`` is the mean
    over its steps of what the solvers of the network's equilibria left (None without any)."""

    epoch: int
    loss: float
    train_accuracy: float
    accuracy: float | None
    learning_rate: float
    seconds: float
    residual: float | None = None


@dataclass(frozen=True)
class FitResult:
    history: tuple[EpochResult, ...]
    precision: str  # in words

    @property
    def accuracy(self) -> float | None:
        """Validation accuracy after the last epoch; never the best of all epochs."""
        return self.history[-1].accuracy

    @property
    def seconds(self) -> float:
        return sum(result.seconds for result in self.history)


def fit(
    model: nn.Module,
    data: Data,
    recipe: Recipe,
    *,
    seed: int,
    device: str | torch.device = "cpu",
    on_epoch: Callable[[EpochResult], None] | None = None,
    checkpoint: Path | None = None,
    progress: bool = False,
    until: int | None = None,
    capture: bool = True,
) -> FitResult:
    """Trains ``model`` in place on ``data.train``.

    Its ``forward`` gives logits (N, classes), or in train mode a pair: these and an auxiliary head's. What modules with
    an ``extra_loss`` hold there after a forward pass is added to the loss. Modules with a ``mean_residual`` are asked for
    it after each epoch.

    ``seed`` decides the order of the images, augmentation, dropout and drop path (the initial weights are the
    caller's). ``on_epoch`` is called after each epoch, also for those read back from ``checkpoint``. With
    ``checkpoint``, the state is written after each epoch and training goes on from it where the file exists;
    it then ends with the same numbers as if it had never stopped (exactly so on a CPU).

    ``until`` stops after so many epochs of the recipe's; training may then go on from ``checkpoint`` on more images.
    On a GPU a step is recorded and replayed (``CapturedStep``), unless ``capture`` is false.

    Raises ``TrainingFailed`` if the loss is not finite, ``UserError`` for a checkpoint of other settings.
    """
    if seed < 0:
        raise UserError(f"seed is {seed}; accepted: 0 or more")
    device = torch.device(device)
    model.to(device)
    run = _Run(model, data, recipe, device, capture)
    described = _describe(model, data, recipe, seed)
    if until is not None:
        del described["train images"]
    history: list[EpochResult] = []
    if checkpoint is not None:
        make_place(checkpoint)
    if checkpoint is not None and checkpoint.is_file():
        saved = load_checkpoint(checkpoint, device)
        require_same(checkpoint, saved["settings"], described)
        try:
            history = [EpochResult(**result) for result in saved["history"]]
            run.load_state(saved)
        except (LookupError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise UserError(
                f"checkpoint {checkpoint} is not of this training; delete it to begin again"
            ) from error
        for result in history:
            _tell(on_epoch, result)

    cuda_devices = [device] if device.type == "cuda" else []
    quick = training_kernels(model, bf16=run.precision.rounded) if device.type == "cpu" else nullcontext()
    with quick, torch.random.fork_rng(devices=cuda_devices):
        for epoch in range(len(history), recipe.epochs if until is None else until):
            # Each epoch has a seed of its own, so that no generator's state has to be saved to resume.
            epoch_seed = int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0])
            torch.manual_seed(epoch_seed)
            result = run.epoch(epoch, epoch_seed, progress)
            history.append(result)
            if checkpoint is not None:
                plain = [dataclasses.asdict(each) for each in history]
                save_checkpoint({"settings": described, "history": plain, **run.state()}, checkpoint)
            _tell(on_epoch, result)
    run.finish()
    return FitResult(tuple(history), run.precision.words)


class _Run:
    """The state of one training: model, optimiser, averaged weights."""

    def __init__(
        self, model: nn.Module, data: Data, recipe: Recipe, device: torch.device, capture: bool
    ) -> None:
        on_gpu = device.type == "cuda"
        self.precision = precision_of(model, recipe, device)
        self.autocast, self.memory_format = self.precision.autocast, self.precision.memory_format
        self.model = model.to(memory_format=self.memory_format)  # type: ignore[call-overload]
        self.forward: Callable[[Tensor], Any] = torch.compile(model) if recipe.compile and on_gpu else model
        self.optimizer = make_optimizer(model, recipe)
        # Looking them up takes a twentieth of a small network's step.
        self.parameters = list(model.parameters())
        # Each group's share of the recipe's learning rate: convolutions may have one of their own.
        self.shares = [group["lr"] / recipe.learning_rate for group in self.optimizer.param_groups]
        self.average = Average(model, recipe.ema) if recipe.ema else None
        self.data, self.recipe, self.device = data, recipe, device
        self.penalised: list[Any] = [module for module in model.modules() if hasattr(module, "extra_loss")]
        # What such a module adds to the loss changes from step to step.
        self.captures = capture and on_gpu and not self.penalised
        self.solved: list[Any] = [module for module in model.modules() if hasattr(module, "mean_residual")]
        self.drops_paths = False
        self.step = self._made_step()
        height = data.info.image[1]
        self.augmentation = Augmentation(
            padding=round(recipe.crop * height),
            flip=recipe.flip and data.info.flip,
            cutout=round(recipe.cutout * height),
        )

    def epoch(self, epoch: int, seed: int, progress: bool) -> EpochResult:
        started = time.perf_counter()
        recipe, steps = self.recipe, steps_per_epoch(len(self.data.train), self.recipe.batch_size)
        dropped = recipe.drop_path_at(epoch)
        set_drop_path(self.model, dropped, by_depth=recipe.drop_path_by_depth)
        if self.drops_paths != (dropped > 0):
            self.drops_paths, self.step = dropped > 0, self._made_step()
        self.model.train()
        loss_sum = torch.zeros((), device=self.device)
        right = torch.zeros((), device=self.device, dtype=torch.int64)
        seen, rate = 0, 0.0
        batches: Iterable[tuple[Tensor, Tensor]] = self.data.train.batches(
            recipe.batch_size, augmentation=self.augmentation, seed=seed
        )
        if progress:
            from tqdm import tqdm

            batches = tqdm(
                batches, total=steps, desc=f"epoch {epoch + 1}/{recipe.epochs}", leave=False, disable=None
            )  # None: only on a terminal
        for step, (images, labels) in enumerate(batches):
            rate = recipe.learning_rate_at(epoch + (step + 0.5) / steps)
            set_rates(self.optimizer, [rate * share for share in self.shares])
            loss, logits = self.step(images.contiguous(memory_format=self.memory_format), labels)
            loss_sum += loss
            right += (logits.argmax(1) == labels).sum()
            seen += len(labels)
            if (step + 1) % _STEPS_BETWEEN_CHECKS == 0:
                self._require_finite(loss_sum, epoch, rate)
        self._require_finite(loss_sum, epoch, rate)
        residuals = [residual for each in self.solved if (residual := each.mean_residual()) is not None]
        accuracy = None
        if self.data.validation is not None:
            accuracy = self._evaluate(self.data.validation)
        return EpochResult(
            epoch + 1,
            float(loss_sum) / steps,
            int(right) / seen,
            accuracy,
            rate,
            time.perf_counter() - started,
            sum(residuals) / len(residuals) if residuals else None,
        )

    def _made_step(self) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
        rates_on(self.optimizer, self.device if self.captures else None)
        if not self.captures:
            return self._step
        return CapturedStep(self._step, lambda: rates_on(self.optimizer, None))

    def _step(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        recipe = self.recipe
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            output = self._forward(images)
            logits, auxiliary = output if isinstance(output, tuple) else (output, None)
            loss = F.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
            if auxiliary is not None and recipe.auxiliary_weight:
                side = F.cross_entropy(auxiliary, labels, label_smoothing=recipe.label_smoothing)
                loss = loss + recipe.auxiliary_weight * side
            for module in self.penalised:  # a loss of its own, or None in a step that has none
                if module.extra_loss is not None:
                    loss, module.extra_loss = loss + module.extra_loss, None
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.parameters, recipe.clip_norm)
        self.optimizer.step()
        if self.average is not None:
            self.average.update(self.model)
        return loss.detach(), logits.detach()

    def _forward(self, images: Tensor) -> Any:
        return _forward(self.forward, images)

    def _evaluate(self, split: Split) -> float:
        if self.average is None:
            return evaluate(self.model, split, bf16=self.autocast)
        with self.average.applied_to(self.model):
            return evaluate(self.model, split, bf16=self.autocast)

    def _require_finite(self, loss_sum: Tensor, epoch: int, rate: float) -> None:
        if not torch.isfinite(loss_sum):
            raise TrainingFailed(
                f"the loss is {float(loss_sum)} in epoch {epoch + 1} of {self.recipe.epochs} at learning "
                f"rate {rate:.3g}; lower learning_rate (now {self.recipe.learning_rate:g})"
            )

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": None if self.average is None else self.average.tensors,
        }

    def load_state(self, saved: dict[str, Any]) -> None:
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        if self.average is not None:
            self.average.tensors = saved["average"]
        self.step = self._made_step()

    def finish(self) -> None:
        """Leaves in the model the weights that were evaluated."""
        if self.average is not None:
            self.average.copy_to(self.model)


def require_trainable(build: Callable[[], nn.Module], image: tuple[int, int, int], batch_size: int) -> None:
    """Raises ``UserError`` if the network cannot be trained on batches of so many images (channels, height, width),
    before anything is trained: it is tried where batches have one image."""
    if batch_size == 1:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            _forward(build().train(), torch.zeros(1, *image))


def _forward(network: Callable[[Tensor], Any], images: Tensor) -> Any:
    try:
        return network(images)
    except ValueError as error:
        if len(images) == 1 and "more than 1 value per channel" in str(error):
            raise UserError(
                "batches have one image, of which the last maps have one pixel: batch norm cannot train on one "
                "value a channel; accepted: batch_size and training images of 2 or more"
            ) from error
        raise


def _describe(model: nn.Module, data: Data, recipe: Recipe, seed: int) -> dict[str, Any]:
    """What must be the same for a training to be continued."""
    shapes = [(name, tuple(tensor.shape)) for name, tensor in model.state_dict().items()]
    return {
        **recipe.to_json(),
        "seed": seed,
        "dataset": data.info.name,
        "image": list(data.info.image),
        "train images": len(data.train),
        "validation images": 0 if data.validation is None else len(data.validation),
        "network": hashlib.sha256(repr(shapes).encode()).hexdigest()[:12],
    }


def _tell(on_epoch: Callable[[EpochResult], None] | None, result: EpochResult) -> None:
    if on_epoch is not None:
        on_epoch(result)
