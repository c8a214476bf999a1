"""What a one-shot search is to do, whole and plain, so that it can be handed to other processes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from records.errors import UserError
from search_space import Problem, get_space
from search_space.supernet_cells import SupernetCells
from strategies.budget import UNLIMITED, Budget
from strategies.supernet.candidates import check_budget
from strategies.supernet.distribution import CostTable
from strategies.supernet.settings import SupernetSettings
from strategies.supernet.table import cost_table
from training.trial_settings import TrialSettings


@dataclass(frozen=True)
class OneShotPlan:
    """``strategy`` trains the supernet of ``problem``; ``trial``: how the candidates are judged, up to ``trials`` of
    them, none above the ``budget``; its data set, split, seed and device are the supernet's too, which
    ``devices`` processes train together."""

    strategy: str
    problem: Problem
    trial: TrialSettings
    supernet: SupernetSettings
    trials: int
    budget: Budget = UNLIMITED
    devices: int = 1

    def __post_init__(self) -> None:
        for name in ("trials", "devices"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} is {getattr(self, name)}; accepted: 1 or more")

    @property
    def cells(self) -> SupernetCells:
        """What of the problem is searched. Raises ``UserError`` for a space without cells that a supernet can have."""
        return get_space(self.problem.space).supernet_cells(self.problem)

    def to_json(self) -> dict[str, Any]:
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return fields | {
            "problem": self.problem.to_json(),
            "trial": self.trial.to_json(),
            "supernet": dataclasses.asdict(self.supernet),
            "budget": dataclasses.asdict(self.budget),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> OneShotPlan:
        parts = {
            "problem": Problem.from_json(record["problem"]),
            "trial": TrialSettings(**record["trial"]),
            "supernet": SupernetSettings(**record["supernet"]),
            "budget": Budget(**record["budget"]),
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


def check_plan(plan: OneShotPlan) -> CostTable:
    """What its networks cost; what can be known before anything is trained is checked. Raises ``UserError`` for a space without such cells, for
    a budget that no network meets and for batches that cannot be shared by the devices."""
    cells = plan.cells
    table = cost_table(cells)
    parts, width = plan.supernet.partial_channels, cells.width
    if width is None and parts > 1:
        raise UserError(f"partial_channels is {parts}; accepted with {plan.problem.space}: 1")
    if width is not None and width % parts:
        raise UserError(
            f"partial_channels is {parts}; accepted: a divisor of the width, which is {width} channels"
        )
    check_budget(table, plan.budget)
    if plan.supernet.batch_size < plan.devices:
        raise UserError(
            f"devices is {plan.devices}; a batch of {plan.supernet.batch_size} images cannot be shared by so "
            "many: raise --batch-size"
        )
    return table
