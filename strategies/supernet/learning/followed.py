"""What an epoch's keeper asks of a supernet's module, for one that is not this project's: NNI's own or a user's."""

from __future__ import annotations

import math
import random
import warnings
from functools import cached_property
from typing import Any

import numpy as np
import torch
from nni.nas.oneshot.pytorch.base_lightning import BaseOneShotLightningModule
from nni.nas.oneshot.pytorch.supermodule.differentiable import DifferentiableMixedCell
from torch import Tensor, nn

from strategies.budget import Budget
from strategies.supernet.data import epoch_seed
from strategies.supernet.distribution import Architecture, CellDistribution, CostTable, Node
from strategies.supernet.settings import SupernetSettings

_DRAWS = 128  # exported architectures whose frequencies stand for a strategy without architecture weights


class Followed:
    """``module`` as `EpochKeeper` sees it.

    The distribution is that of the architecture weights, where each edge has some, as in all that NNI derives from its
    DARTS; else the shares of `_DRAWS` architectures that the module exports. ``architecture_loss`` is not known.
    """

    def __init__(
        self, module: BaseOneShotLightningModule, table: CostTable, budget: Budget, settings: SupernetSettings
    ) -> None:
        self.module, self.table, self.budget, self.settings = module, table, budget, settings
        self.weight_loss = self.architecture_loss = torch.zeros(())
        self.losses = 0
        self.exported: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name)

    def rows(self) -> dict[Node, list[Tensor]] | None:
        """By node, the weights (K + 1,) of each of its edges; None where not all edges have them."""
        cells = {
            cell.label: cell for cell in self.module.modules() if isinstance(cell, DifferentiableMixedCell)
        }
        if any(name not in cells for name, _ in self.table.nodes):
            return None
        return {
            (name, node): [cells[name]._arch_alpha[f"{name}/{node}_{source}"] for source in range(len(costs))]
            for (name, node), costs in self.table.nodes.items()
        }

    def distribution(self) -> CellDistribution:
        rows = self.rows()
        if rows is None:
            return CellDistribution(self.table, self.table.shown([self._export() for _ in range(_DRAWS)]))
        return CellDistribution(self.table, {node: torch.stack(each).detach() for node, each in rows.items()})

    def derived(self, distribution: CellDistribution) -> Architecture:
        """What the module exports; where that is above the budget, the most probable architecture within it."""
        architecture = self.table.architecture(self.exported)
        if self.budget.allows(self.table.cost(architecture)):
            return architecture
        return distribution.derive_within(self.budget)

    def begin_epoch(self, epoch: int) -> None:
        """Chance begins anew with each epoch, as torch's does: NNI's strategies draw from Python's and numpy's."""
        self.losses = 0
        seed = epoch_seed(self.settings.seed, epoch, 3)
        random.seed(seed)
        np.random.seed(seed % 2**32)

    def end_epoch(self) -> None:
        self.exported = self._export()

    def begin_judging(self) -> None:
        """Where one architecture is run at a time, it is the exported one."""
        for module in self.module.supernet_modules():
            module.resample(memo=dict(self.exported))

    def _export(self) -> dict[str, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of NNI's, that one which is drawn is arbitrary
            return self.module.export()

    def arch_parameters(self) -> list[Tensor]:
        """What processes that train together compare; this is one alone."""
        return []

    def notes(self) -> dict[str, Any]:
        notes = {"loss": float(self.weight_loss) / max(1, self.losses), "architecture_loss": None}
        return notes if self.rows() is not None else notes | {"equal_entropy": self._entropy_of_chance}

    @cached_property
    def _entropy_of_chance(self) -> float:
        """In nats, what as many architectures show that are drawn evenly: less than equal weights have, for a node has
        few inputs and its later edges are left out more often."""
        chance = random.Random(0)
        even = [
            {
                f"{cell}/{label}": value
                for (cell, node), costs in self.table.nodes.items()
                for k in range(self.table.chosen)
                for label, value in (
                    (f"op_{node}_{k}", chance.choice(self.table.primitives)),
                    (f"input_{node}_{k}", [chance.randrange(len(costs))]),
                )
            }
            for _ in range(_DRAWS)
        ]
        entropy = CellDistribution(self.table, self.table.shown(even)).entropy()
        return math.fsum(entropy.values()) / len(entropy)

    def extra_state(self) -> dict[str, Any]:
        return {}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        """There is none."""

    def add_loss(self, outputs: Any) -> None:
        """Of a step: a loss, or what holds one by that name."""
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if isinstance(loss, Tensor):
            self.weight_loss = self.weight_loss.to(loss.device) + loss.detach()
            self.losses += 1


def sort_parameters(module: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """By their names, before the first step: an optimiser's state goes by order, and NNI gives it a set, whose order is
    another in each process."""
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    for group in optimizer.param_groups:
        group["params"].sort(key=lambda parameter: names.get(id(parameter), ""))
