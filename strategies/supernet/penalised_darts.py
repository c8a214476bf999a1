"""NNI's DARTS with a MAC penalty that reaches the architecture weights.

NNI's own one (``ExpectationProfilerPenalty``) is computed from probabilities that were turned into Python
numbers, so its gradient is zero (nni 3.0, oneshot/pytorch/supermodule/differentiable.py, each
``export_probs``); a test notes when that is no longer so. What is changed here besides, and why:

- ``manual_backward``: the penalty is added there, and each backward pass computes the gradients of those
  parameters alone that its step updates (the weights' are half of the work of an architecture step), added
  up over the processes that share the batch.
- ``arch_parameters``: NNI's order is that of a set of objects, which differs between two processes, and the
  optimiser's state is saved by position.
- ``export``: NNI ranks a node's edges by raw logits, which are not comparable between edges; here, as DARTS
  does, by softmax probability, so that "none" counts.
- the cell's forward pass: NNI stacks the results of all primitives of an edge, concatenates zeros and
  multiplies; a running weighted sum gives the same with fewer passes over memory.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from nni.nas.evaluator.pytorch import LightningModule
from nni.nas.nn.pytorch.cell import preprocess_cell_inputs
from nni.nas.oneshot.pytorch.differentiable import DartsLightningModule
from nni.nas.oneshot.pytorch.supermodule.differentiable import DifferentiableMixedCell
from nni.nas.strategy import DARTS
from torch import Tensor, nn

from strategies.supernet.distribution import CellDistribution, CostTable, Node
from strategies.supernet.ranks import ALONE, Ranks


class MixedCell(DifferentiableMixedCell):
    """A cell with all primitives on all edges, each weighted by the softmax of its edge's logits."""

    def forward(self, *inputs: Any) -> Any:
        entering = preprocess_cell_inputs(self.num_predecessors, *inputs)
        states = list(self.preprocessor(entering))
        for node, edges in enumerate(self.ops, start=self.num_predecessors):
            total: Tensor | None = None
            for source, primitives in enumerate(edges):
                weights = self._softmax(self.edge_logits(node, source)).unbind()
                for weight, primitive in zip(weights, primitives.values(), strict=False):  # last weight: none
                    result = primitive(states[source])
                    total = weight * result if total is None else torch.addcmul(total, weight, result)
            states.append(total)
        merged = torch.cat(states[self.num_predecessors :], self.concat_dim)
        return self.postprocessor(merged, entering)

    def edge_logits(self, node: int, source: int) -> nn.Parameter:
        return self._arch_alpha[f"{self.label}/{node}_{source}"]


class SupernetTraining(LightningModule):
    """The evaluator's part: loss and weight optimiser. The learning rate is set each step by the caller."""

    def __init__(
        self, *, learning_rate: float, momentum: float, weight_decay: float, auxiliary_weight: float
    ) -> None:
        super().__init__()
        self.options: dict[str, Any] = dict(lr=learning_rate, momentum=momentum, weight_decay=weight_decay)
        self.auxiliary_weight = auxiliary_weight

    def forward(self, images: Tensor) -> Any:
        return self.model(images)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        images, labels = batch
        output = self(images)
        logits, auxiliary = output if isinstance(output, tuple) else (output, None)
        loss = F.cross_entropy(logits, labels)
        if auxiliary is not None and self.auxiliary_weight:
            loss = loss + self.auxiliary_weight * F.cross_entropy(auxiliary, labels)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), **self.options)


class PenalisedDartsModule(DartsLightningModule):
    """NNI's first-order DARTS; the architecture step's loss is the cross entropy on validation images plus

        ``mac_penalty`` * expected MACs / expected MACs at the start,

    the start being all logits equal, where that quotient is 1 whatever the width and the image size.

    ``ranks`` share each batch; ``shares`` are this process's, of a batch of the weights and of one of the
    logits. Both losses kept here are this process's parts of the whole ones.
    """

    def __init__(
        self,
        training_module: LightningModule,
        *,
        table: CostTable,
        mac_penalty: float,
        ranks: Ranks = ALONE,
        shares: tuple[float, float] = (1.0, 1.0),
        **options: Any,
    ) -> None:
        super().__init__(training_module, **options)
        self.table = table
        self.mac_penalty = mac_penalty
        self.ranks, self.shares = ranks, shares
        self.reference_macs = float(uniform(table).expected_macs())
        self.weight_loss = torch.zeros(())
        self.architecture_loss = torch.zeros(())
        self._updating_weights = False
        self._parts: tuple[dict[str, MixedCell], list[nn.Parameter], list[nn.Parameter]] | None = None

    def set_model(self, model: nn.Module) -> None:
        self._parts = None
        super().set_model(model)

    def _known(self) -> tuple[dict[str, MixedCell], list[nn.Parameter], list[nn.Parameter]]:
        """Cells by name (one of each; their logits are shared), architecture weights, other weights: found
        once, because a supernet has thousands of modules."""
        if self._parts is None:
            cells = {module.label: module for module in self.modules() if isinstance(module, MixedCell)}
            named = {name: logits for cell in cells.values() for name, logits in cell._arch_alpha.items()}
            architecture = [named[name] for name in sorted(named)]
            known = {id(parameter) for parameter in architecture}
            weights = [parameter for parameter in self.parameters() if id(parameter) not in known]
            self._parts = cells, architecture, weights
        return self._parts

    def distribution(self) -> CellDistribution:
        """What the logits now stand for; gradients reach them."""
        cells = self._known()[0]
        logits: dict[Node, Tensor] = {}
        for cell, node in self.table.nodes:
            edges = range(len(self.table.nodes[cell, node]))
            logits[cell, node] = torch.stack([cells[cell].edge_logits(node, source) for source in edges])
        return CellDistribution(self.table, logits)

    def arch_parameters(self) -> list[nn.Parameter]:
        return self._known()[1]

    def manual_backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        if self._updating_weights:
            share = self.shares[0]
            self.weight_loss = self.weight_loss.to(loss.device) + share * loss.detach()
            inputs = self._known()[2]
        else:
            if self.mac_penalty:
                loss = loss + self.mac_penalty * self.distribution().expected_macs() / self.reference_macs
            share = self.shares[1]
            self.architecture_loss = self.architecture_loss.to(loss.device) + share * loss.detach()
            inputs = self._known()[1]
        super().manual_backward(loss, *args, inputs=inputs, **kwargs)
        self.ranks.add_gradients(inputs, share)

    def advance_optimization(self, *args: Any, **kwargs: Any) -> None:
        self._updating_weights = True
        try:
            super().advance_optimization(*args, **kwargs)
        finally:
            self._updating_weights = False

    def export(self) -> dict[str, Any]:
        sample: dict[str, Any] = {}
        for cell, nodes in self.distribution().derive().items():
            first = min(number for name, number in self.table.nodes if name == cell)
            for number, pairs in enumerate(nodes, start=first):
                for position, (primitive, source) in enumerate(pairs):
                    sample[f"{cell}/op_{number}_{position}"] = primitive
                    sample[f"{cell}/input_{number}_{position}"] = [source]
        return sample

    def log_probs(self, probs: Any) -> None:
        """Nothing: Lightning's log is not used, and the distribution is written once an epoch instead."""


class PenalisedDarts(DARTS):
    """NNI's DARTS strategy on the modules above. ``options`` are those of ``DARTS``."""

    def __init__(
        self,
        *,
        table: CostTable,
        mac_penalty: float = 0.0,
        ranks: Ranks = ALONE,
        shares: tuple[float, float] = (1.0, 1.0),
        **options: Any,
    ) -> None:
        # One log of probabilities an epoch is what NNI cannot be kept from; see log_probs.
        super().__init__(mutation_hooks=[MixedCell.mutate], log_prob_every_n_step=10**9, **options)
        self.table = table
        self.mac_penalty = mac_penalty
        self.ranks, self.shares = ranks, shares

    def configure_oneshot_module(self, training_module: LightningModule) -> PenalisedDartsModule:
        return PenalisedDartsModule(
            training_module,
            table=self.table,
            mac_penalty=self.mac_penalty,
            ranks=self.ranks,
            shares=self.shares,
            arc_learning_rate=self.arc_learning_rate,
            gradient_clip_val=self.gradient_clip_val,
            log_prob_every_n_step=self.log_prob_every_n_step,
            warmup_epochs=self.warmup_epochs,
        )


def uniform(table: CostTable) -> CellDistribution:
    """All logits equal."""
    logits = {node: torch.zeros(len(costs), len(table.primitives) + 1) for node, costs in table.nodes.items()}
    return CellDistribution(table, logits)
