"""How a network is trained: one frozen record of hyper-parameters, checked when it is made."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from records.checks import finite
from records.errors import UserError

OPTIMIZERS = ("sgd", "adamw", "rmsprop", "muon")
SCHEDULES = ("constant", "steps", "cosine", "one-cycle", "exponential")


@dataclass(frozen=True)
class Recipe:
    """Units stand beside each field. ``bf16`` and ``channels_last`` are applied on a GPU, and as far as it pays on a
    processor with instructions for it (`training.precision`), ``compile`` on a GPU only; crop, flip and cutout are fractions so that one recipe fits 8 pixels and 224.

    Examples:
        >>> from training.recipes.named import get_recipe
        >>> recipe = get_recipe("search", epochs=10)
        >>> recipe.epochs, recipe.schedule, round(recipe.learning_rate_at(2.0), 3)
        (10, 'one-cycle', 0.1)
    """

    name: str
    epochs: int
    batch_size: int  # images
    learning_rate: float  # the highest of the schedule
    optimizer: str = "sgd"
    momentum: float = 0.9  # Nesterov's for sgd and muon; the first beta of adamw
    weight_decay: float = 0.0  # on every parameter, as in the published recipes; decoupled for adamw; of
    # muon on all but the convolutions
    schedule: str = "cosine"
    milestones: tuple[float, ...] = ()  # of "steps": fractions of the epochs
    factor: float = 0.1  # of "steps": at each milestone; of "exponential": each `decay_every`
    decay_every: float = 1.0  # epochs; of "exponential"
    warmup: float = 0.0  # epochs of linear rise from 0; of "one-cycle": fraction of the epochs
    crop: float = 0.125  # padding before a random crop, as a fraction of the image's side (4 of 32 pixels)
    flip: bool = True  # where the data set allows it
    cutout: float = 0.0  # side of the square, as a fraction of the image's side
    randaugment: int = 0  # magnitude; only for images streamed from folders
    label_smoothing: float = 0.0
    drop_path: float = 0.0  # probability: rises linearly from 0 over the epochs, or with
    drop_path_by_depth: bool = False  # from the first block to the last, the same in all epochs
    auxiliary_weight: float = 0.0  # of the auxiliary head's loss
    clip_norm: float | None = None  # largest norm of the gradient over all parameters
    ema: float = 0.0  # decay a step of the averaged weights that are evaluated; 0: the weights themselves
    rmsprop_eps: float = 1e-3
    matrix_rate: float = 0.25  # of muon: the convolutions' learning rate, as a share of learning_rate
    matrix_decay: float = 0.1  # of muon's convolutions; decoupled
    bf16: bool = False
    channels_last: bool = False
    compile: bool = False

    def __post_init__(self) -> None:
        self._require("epochs", self.epochs >= 1, "1 or more")
        self._require("batch_size", self.batch_size >= 1, "1 image or more")
        for field in ("learning_rate", "matrix_rate"):
            self._require(field, self._finite(field) and getattr(self, field) > 0, "a finite number above 0")
        self._require("optimizer", self.optimizer in OPTIMIZERS, f"one of {', '.join(OPTIMIZERS)}")
        self._require("schedule", self.schedule in SCHEDULES, f"one of {', '.join(SCHEDULES)}")
        for field in (
            "weight_decay", "matrix_decay", "auxiliary_weight", "warmup", "cutout", "randaugment", "crop",
        ):  # fmt: skip
            self._require(field, self._finite(field) and getattr(self, field) >= 0, "0 or more")
        for field in ("momentum", "label_smoothing", "drop_path", "ema"):
            self._require(field, 0 <= getattr(self, field) < 1, "in [0, 1)")
        self._require("clip_norm", self.clip_norm is None or self.clip_norm > 0, "above 0, or none")
        self._require("factor", 0 < self.factor <= 1, "in (0, 1]")
        self._require("decay_every", self.decay_every > 0, "above 0 epochs")
        object.__setattr__(self, "milestones", tuple(self.milestones))
        self._require(
            "milestones", all(0 < m < 1 for m in self.milestones), "fractions of the epochs in (0, 1)"
        )
        if self.schedule == "one-cycle":
            self._require("warmup", self.warmup < 1, "a fraction of the epochs below 1, for one-cycle")

    def _finite(self, field: str) -> bool:
        return finite(getattr(self, field))

    def _require(self, field: str, holds: bool, accepted: str) -> None:
        if not holds:
            raise UserError(f"recipe {self.name}: {field} is {getattr(self, field)!r}; accepted: {accepted}")

    def learning_rate_at(self, epoch: float) -> float:
        """The learning rate at ``epoch`` in [0, epochs], which need not be whole."""
        peak, done = self.learning_rate, min(epoch / self.epochs, 1.0)
        if self.schedule == "one-cycle":
            # Rises and falls along straight lines, from 0 to 0 (Smith and Topin 2017).
            if done < self.warmup:
                return peak * done / self.warmup
            return peak * (1 - done) / (1 - self.warmup)
        if epoch < self.warmup:
            return peak * epoch / self.warmup
        if self.schedule == "steps":
            return peak * self.factor ** sum(done >= milestone for milestone in self.milestones)
        if self.schedule == "cosine":
            return peak * 0.5 * (1 + math.cos(math.pi * done))
        if self.schedule == "exponential":
            return peak * self.factor ** (epoch // self.decay_every)
        return peak

    def drop_path_at(self, epoch: int) -> float:
        """The drop-path probability during ``epoch`` (from 0): linear, 0 at first, as DARTS has it; by depth it is
        the whole one, of which each block takes its part."""
        return self.drop_path if self.drop_path_by_depth else self.drop_path * epoch / self.epochs

    def replace(self, **changes: Any) -> Recipe:
        return dataclasses.replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Every setting that has a part in this training: muon's own are another optimiser's matter, and how to
        drop paths that of a recipe that drops some."""
        fields = dataclasses.asdict(self) | {"milestones": list(self.milestones)}
        if not self.drop_path_by_depth:
            del fields["drop_path_by_depth"]
        if self.optimizer != "muon":
            del fields["matrix_rate"], fields["matrix_decay"]
        return fields
