"""What a one-shot search is to do, whole and plain, so that it can be handed to other processes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from search_space import Genotype
from search_space.errors import UserError
from strategies.oneshot_candidates import check_budget
from strategies.oneshot_distribution import Architecture, CostTable
from strategies.oneshot_settings import SupernetSettings
from strategies.oneshot_table import cost_table
from training.data import DatasetInfo
from training.trial import TrialSettings

if TYPE_CHECKING:
    from strategies.settings import SearchSettings


@dataclass(frozen=True)
class OneShotPlan:
    """``space_settings`` by name; ``trial``: how the candidates are judged, up to ``trials`` of them, none
    with more than ``max_macs`` MACs; its data set, split, seed and device are the supernet's too, which
    ``devices`` processes train together."""

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


def make_plan(settings: SearchSettings, info: DatasetInfo | None = None) -> OneShotPlan:
    """``info`` is what was found of the data set; without it, it is found when it is needed."""
    # Everything is in this process, one candidate after the other, so all cores are the supernet's.
    trial = dataclasses.replace(settings.trial_settings(), threads=settings.threads)
    if info is not None:
        trial = trial.knowing(info)
    supernet = SupernetSettings(
        epochs=settings.supernet_epochs,
        mac_penalty=settings.mac_penalty,
        seed=settings.seed,
        device=trial.device,
    )
    if settings.batch_size is not None:
        supernet = dataclasses.replace(supernet, batch_size=settings.batch_size)
    return OneShotPlan(
        settings.space,
        settings.space_settings(),
        trial,
        supernet,
        settings.trials,
        None if settings.max_macs is None else float(settings.max_macs),
        count_devices(trial.device, settings.devices),
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
