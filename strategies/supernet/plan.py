"""What a one-shot search is to do, whole and plain, so that it can be handed to other processes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from records.errors import UserError
from search_space import Genotype
from strategies.supernet.candidates import check_budget
from strategies.supernet.distribution import Architecture, CostTable
from strategies.supernet.settings import SupernetSettings
from strategies.supernet.table import cost_table
from training.data.loading import DatasetInfo
from training.trial import TrialSettings


@dataclass(frozen=True)
class OneShotPlan:
    """``strategy`` trains the supernet; ``space_settings`` by name; ``trial``: how the candidates are judged, up to ``trials`` of them, none
    with more than ``max_macs`` MACs; its data set, split, seed and device are the supernet's too, which
    ``devices`` processes train together."""

    strategy: str
    space: str
    space_settings: dict[str, Any]
    trial: TrialSettings
    supernet: SupernetSettings
    trials: int
    max_macs: float | None = None
    devices: int = 1

    def __post_init__(self) -> None:
        for name in ("trials", "devices"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} is {getattr(self, name)}; it must be 1 or more")

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> OneShotPlan:
        parts = {
            "trial": TrialSettings(**record["trial"]),
            "supernet": SupernetSettings(**record["supernet"]),
        }
        return cls(**record | parts)

    def on_device(self, device: str, threads: int) -> OneShotPlan:
        """The same on another device, with so many threads of the CPU."""
        return dataclasses.replace(
            self,
            trial=dataclasses.replace(self.trial, device=device, threads=threads),
            supernet=dataclasses.replace(self.supernet, device=device),
        )


def count_devices(device: str, asked: int | None) -> int:
    """Processes of a supernet on ``device``, where ``asked`` for so many (None: as many as make sense).

    Raises ``UserError`` for more than there are GPUs.
    """
    if device == "cuda":
        import torch

        there = torch.cuda.device_count()
        if asked is not None and asked > there:
            raise UserError(f"devices is {asked}; this machine has {there} GPUs")
        return asked or max(1, there)
    if device != "cpu" and asked is not None and asked > 1:
        raise UserError(f"devices is {asked}; device {device} is one: choose --device cuda for several")
    return asked or 1


def check_plan(plan: OneShotPlan) -> tuple[DatasetInfo, CostTable]:
    """What can be known before anything is trained. Raises ``UserError`` for a space without such cells, for
    a budget that no network meets and for batches that cannot be shared by the devices."""
    info = plan.trial.dataset_info()
    table = cost_table(plan.space, plan.space_settings, info.image, info.classes)
    check_budget(table.smallest(), plan.max_macs)
    if plan.supernet.batch_size < plan.devices:
        raise UserError(
            f"devices is {plan.devices}; a batch of {plan.supernet.batch_size} images cannot be shared by so "
            "many: raise --batch-size"
        )
    return info, table


def make_genotype(plan: OneShotPlan, info: DatasetInfo, architecture: Architecture) -> Genotype:
    return Genotype(plan.space, info.image, info.classes, plan.space_settings, architecture)
