"""NNI's DARTS with a MAC penalty that reaches the architecture weights.

NNI's own one (``ExpectationProfilerPenalty``) is computed from probabilities that were turned into Python numbers, so
its gradient is zero (nni 3.0, oneshot/pytorch/supermodule/differentiable.py, each ``export_probs``); a test notes when
that is no longer so. What is changed here besides, and why:

- ``manual_backward``: the penalty is added there, and each backward pass computes the gradients of those parameters
  alone that its step updates (the weights' are half of the work of an architecture step), added up over the processes
  that share the batch.
- ``arch_parameters``: NNI's order is that of a set of objects, which differs between two processes, and the
  optimiser's state is saved by position.
- ``export``: NNI ranks a node's edges by raw logits, which are not comparable between edges; here, as DARTS does, by
  softmax probability, so that "none" counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from nni.nas.evaluator.pytorch import LightningModule
from nni.nas.oneshot.pytorch.differentiable import DartsLightningModule
from torch import Tensor, nn

from strategies.budget import UNLIMITED, Budget
from strategies.supernet.distribution import Architecture, CellDistribution, CostTable, Node, uniform
from strategies.supernet.learning.operation_stop import OperationStop
from strategies.supernet.mixing.cell import MixedCell
from strategies.supernet.mixing.mixer import Mixer
from strategies.supernet.ranks import ALONE, Ranks
from strategies.supernet.settings import SupernetSettings

Batch = tuple[Tensor, Tensor]


class SupernetModule(DartsLightningModule):
    """NNI's first-order DARTS; the architecture step's loss is the cross entropy on validation images plus

        ``mac_penalty`` * expected MACs / expected MACs at the start,

    the start being all logits equal, where that quotient is 1 whatever the width and the image size.

    ``ranks`` share each batch; ``shares`` are this process's, of a batch of the weights and of one of the logits. Both
    losses kept here are this process's parts of the whole ones. ``budget`` is that of what is derived.
    """

    def __init__(
        self,
        training_module: LightningModule,
        settings: SupernetSettings,
        mixer: Mixer,
        *,
        table: CostTable,
        budget: Budget = UNLIMITED,
        ranks: Ranks = ALONE,
        shares: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        super().__init__(
            training_module,
            arc_learning_rate=settings.architecture_learning_rate,
            gradient_clip_val=settings.clip_norm,
            log_prob_every_n_step=10**9,
            warmup_epochs=settings.warmup_epochs,
        )
        self.settings, self.mixer, self.table, self.budget = settings, mixer, table, budget
        self.ranks, self.shares = ranks, shares
        self.reference_macs = float(uniform(table).expected_macs())
        self.weight_loss = torch.zeros(())
        self.architecture_loss = torch.zeros(())
        self.stop: OperationStop | None = None
        self._parts: tuple[dict[str, MixedCell], list[nn.Parameter], list[nn.Parameter]] | None = None

    def set_model(self, model: nn.Module) -> None:
        self._parts = None
        super().set_model(model)
        if self.settings.operation_stop:
            cells = [module for module in self.modules() if isinstance(module, MixedCell)]
            self.stop = OperationStop(cells, self.settings.operation_stop)

    def _known(self) -> tuple[dict[str, MixedCell], list[nn.Parameter], list[nn.Parameter]]:
        """Cells by name (one of each; their logits are shared), architecture weights, other weights: found once,
        because a supernet has thousands of modules."""
        if self._parts is None:
            cells = {module.label: module for module in self.modules() if isinstance(module, MixedCell)}
            named = {name: logits for cell in cells.values() for name, logits in cell._arch_alpha.items()}
            architecture = [named[name] for name in sorted(named)]
            known = {id(parameter) for parameter in architecture}
            weights = [parameter for parameter in self.parameters() if id(parameter) not in known]
            self._parts = cells, architecture, weights
        return self._parts

    def rows(self) -> dict[Node, list[Tensor]]:
        """By node, the logits (K + 1,) of each of its edges."""
        cells = self._known()[0]
        return {
            (cell, node): [cells[cell].edge_logits(node, source) for source in range(len(costs))]
            for (cell, node), costs in self.table.nodes.items()
        }

    def distribution(self) -> CellDistribution:
        """What the logits now stand for; gradients reach them."""
        return CellDistribution(self.table, {node: torch.stack(rows) for node, rows in self.rows().items()})

    def derived(self, distribution: CellDistribution) -> Architecture:
        """The result after an epoch, within the budget."""
        return distribution.derive_within(self.budget)

    def arch_parameters(self) -> list[nn.Parameter]:
        return self._known()[1]

    # What happens in an epoch

    def begin_epoch(self, epoch: int) -> None:
        """``epoch`` counts from 0; called by whoever keeps the epochs, also by a search that is gone on with."""
        self.mixer.begin_epoch(self.settings.seed, epoch, self.settings.epochs)
        skip = self.settings.auxiliary_skip * (1 - epoch / max(1, self.settings.epochs - 1))
        for module in self.modules():
            if isinstance(module, MixedCell):
                module.auxiliary = skip

    def end_epoch(self) -> None:
        """Before the supernet is judged."""

    def begin_judging(self) -> None:
        self.mixer.begin_judging(self.table, self.distribution().logits)

    def notes(self) -> dict[str, Any]:
        """What the epoch's record has besides."""
        notes: dict[str, Any] = dict(self.mixer.notes())
        if self.settings.auxiliary_skip:
            notes["auxiliary_skip"] = next(iter(self._known()[0].values())).auxiliary
        if self.stop is not None:
            notes["operations_stopped"] = self.stop.share
        return notes

    def extra_state(self) -> dict[str, Any]:
        """What is neither a parameter nor of Lightning's optimisers, and is needed to go on: plain values and
        tensors."""
        return {} if self.stop is None else {"operation_stop": self.stop.state()}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        if self.stop is not None:
            self.stop.load(state["operation_stop"])

    # Steps

    def training_step(self, batch: dict[str, Batch], batch_idx: int) -> Tensor:
        if self.trainer.current_epoch >= self.warmup_epochs:
            self.learn_architecture(batch["val"], batch_idx)
        return self.learn_weights(batch["train"], batch_idx)

    def learn_architecture(self, batch: Batch, batch_idx: int) -> None:
        optimizer: Any = self.architecture_optimizers()
        with self._architecture_alone():
            self.mixer.begin_step(self.rows(), learning=True)
            loss = self.training_module.training_step(batch, 2 * batch_idx)
        optimizer.zero_grad()
        if self.stop is not None:  # of the former training step: what is compared is of these images alone
            for parameter in self._known()[2]:
                parameter.grad = None
        self.step_backward(loss, learning=True)
        optimizer.step()

    def learn_weights(self, batch: Batch, batch_idx: int) -> Tensor:
        self.mixer.begin_step(self.rows(), learning=False)
        loss = self.training_module.training_step(batch, 2 * batch_idx + 1)
        self.advance_optimization(loss, batch_idx, self.gradient_clip_val)
        return loss.detach()

    def manual_backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """NNI calls it for the weights."""
        self.step_backward(loss, learning=False)

    def step_backward(self, loss: Tensor, *, learning: bool) -> None:
        """Leaves the gradients of what the step updates, over the whole batch."""
        architecture, weights = self._known()[1:]
        share = self.shares[1 if learning else 0]
        if learning and self.settings.mac_penalty:
            expected = self.distribution().expected_macs() / self.reference_macs
            loss = loss + self.settings.mac_penalty * expected
        self.add_loss(share * loss.detach(), learning=learning)
        inputs = architecture if learning else weights
        both = learning and self.stop is not None
        super().manual_backward(loss, inputs=[*architecture, *weights] if both else inputs)
        self.ranks.add_gradients([*architecture, *weights] if both else inputs, share)
        if self.stop is not None:
            if learning:
                self.stop.keep_validation(weights)
            else:
                self.stop.compare()

    def add_loss(self, loss: Tensor, *, learning: bool) -> None:
        """To the epoch's sum."""
        if learning:
            self.architecture_loss = self.architecture_loss.to(loss.device) + loss
        else:
            self.weight_loss = self.weight_loss.to(loss.device) + loss

    @contextmanager
    def _architecture_alone(self) -> Iterator[None]:
        """While it lasts a forward pass keeps nothing that only gradients of the weights need."""
        if self.stop is not None:  # it compares these gradients
            yield
            return
        weights = self._known()[2]
        for parameter in weights:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in weights:
                parameter.requires_grad_(True)

    def export(self) -> dict[str, Any]:
        sample: dict[str, Any] = {}
        for cell, nodes in self.distribution().derive_within(self.budget).items():
            first = min(number for name, number in self.table.nodes if name == cell)
            for number, pairs in enumerate(nodes, start=first):
                for position, (primitive, source) in enumerate(pairs):
                    sample[f"{cell}/op_{number}_{position}"] = primitive
                    sample[f"{cell}/input_{number}_{position}"] = [source]
        return sample

    def log_probs(self, probs: Any) -> None:
        """Nothing: Lightning's log is not used, and the distribution is written once an epoch instead."""
