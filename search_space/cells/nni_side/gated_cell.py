"""A cell with ProxylessNAS' gates for NNI's Proxyless. Importing this module imports NNI's supernets.

NNI's Proxyless fails on cells: it has no supernet of a `Cell`, so it keeps the operations that a cell holds before its
inputs are chosen, all of stride 1, where those of a reduction need 2 ("stack expects each tensor to be equal size").
`test_nnis_proxyless_still_has_no_cells` notices when this is no longer needed.

Source: Cai, Zhu and Han, "ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware", ICLR 2019,
section 3.2 and equation 3.
"""

from __future__ import annotations

from typing import Any

import torch
from nni.nas.nn.pytorch.cell import preprocess_cell_inputs
from nni.nas.oneshot.pytorch.supermodule.differentiable import DifferentiableMixedCell
from nni.nas.oneshot.pytorch.supermodule.proxyless import _ProxylessFunction
from torch import Tensor


class GatedCell(DifferentiableMixedCell):
    """NNI's supernet of a cell, in which one operation of each edge is run, or none.

    Architecture weights, probabilities and what is exported are as in NNI's DARTS: K + 1 an edge, the last one for no
    edge. `resample` draws by their softmax. The gradient of the weights is that of NNI's Proxyless: the other
    operations are run in the backward pass, one after the other, without a graph.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._drawn: dict[str, int] = {}

    def resample(self, memo: dict[str, Any]) -> dict[str, int]:
        """Draws the number of an operation, K for none, for each edge by its label; ``memo`` is what cells of the same
        label have drawn."""
        for edge, logits in self._arch_alpha.items():
            chances = self._softmax(logits.detach())
            self._drawn[edge] = memo[edge] if edge in memo else int(torch.multinomial(chances, 1))
        return dict(self._drawn)

    def forward(self, *inputs: Any) -> Any:
        """As `Cell.forward`. Raises ``RuntimeError`` before anything is drawn."""
        if not self._drawn:
            raise RuntimeError("resample() comes before a forward pass")
        entering = preprocess_cell_inputs(self.num_predecessors, *inputs)
        states = list(self.preprocessor(entering))
        for node in self.output_node_indices:
            edges = [self._gated(node, source, state) for source, state in enumerate(states)]
            states.append(torch.stack(edges).sum(0))
        merged = torch.cat(states[self.num_predecessors :], self.concat_dim)
        return self.postprocessor(merged, entering)

    def _gated(self, node: int, source: int, state: Tensor) -> Tensor:
        edge = f"{self.label}/{node}_{source}"
        operations = list(self.ops[node - self.num_predecessors][source].values())
        drawn = self._drawn[edge]

        def run(number: int, state: Tensor) -> Tensor:
            if number < len(operations):
                return operations[number](state)
            with torch.no_grad():
                return torch.zeros_like(operations[0](state))

        given = state, run(drawn, state)
        return _ProxylessFunction.apply(run, drawn, 1, self._softmax, self._arch_alpha[edge], *given)
