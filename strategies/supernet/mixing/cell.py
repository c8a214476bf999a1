"""A supernet's cell: NNI's, whose forward pass runs the terms that a mixer names."""

from __future__ import annotations

from typing import Any

import torch
from nni.nas.nn.pytorch.cell import preprocess_cell_inputs
from nni.nas.oneshot.pytorch.supermodule.differentiable import DifferentiableMixedCell
from torch import Tensor, nn
from torch.nn import functional as F

from pde_ops.cpu.training.kernels import put_kernels
from strategies.supernet.mixing.mixer import Mixer, Term


class MixedCell(DifferentiableMixedCell):
    """A cell with all primitives on all edges, of which the ``mixer`` says what is run.

    NNI's own stacks the results of all primitives of an edge, concatenates zeros and multiplies; a running weighted
    sum gives the same with fewer passes over memory. What has no weights and is the same on several edges of an
    input, such as a pool, is computed once for all of them.

    ``parts`` above 1: the primitives see 1/parts of the channels, and are made for so many. The others go past them:
    a node's are the sum over its edges, each weighed by its chance of being there over that of all of them. Then the
    channels are shuffled (PC-DARTS, Xu et al., ICLR 2020; its edge normalisation has weights of its own).

    ``auxiliary``: a skip beside each edge that keeps the number of channels, times this number (DARTS-, Chu et al.,
    ICLR 2021).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        options = args[8] if len(args) > 8 else kwargs["mutate_kwargs"]
        self.mixer: Mixer = options["mixer"]
        self.parts: int = options["parts"]
        self.auxiliary = 0.0
        put_kernels(self)
        self.choices = tuple(tuple(tuple(edge.values()) for edge in edges) for edges in self.ops)
        self.alike = tuple(tuple(tuple(map(_alike, edge)) for edge in edges) for edges in self.choices)

    def forward(self, *inputs: Any) -> Any:
        entering = preprocess_cell_inputs(self.num_predecessors, *inputs)
        states = list(self.preprocessor(entering))
        parts = [_first(state, self.parts) for state in states]
        known: dict[tuple[int, str], Tensor] = {}  # results that several edges share
        for node in range(self.num_predecessors, self.num_predecessors + self.num_nodes):
            logits = [self.edge_logits(node, source) for source in range(node)]
            total = self._mix(
                node, self.mixer.terms((self.label, node), logits, training=self.training), parts, known
            )
            if self.parts > 1:
                total = self._join(total, states[:node], logits)
            if self.auxiliary:
                for state in states[:node]:
                    if state.shape[1] == total.shape[1]:
                        total = torch.add(total, _fitting(state, total), alpha=self.auxiliary)
            states.append(total)
            parts.append(_first(total, self.parts))
        merged = torch.cat(states[self.num_predecessors :], self.concat_dim)
        return self.postprocessor(merged, entering)

    def edge_logits(self, node: int, source: int) -> nn.Parameter:
        return self._arch_alpha[f"{self.label}/{node}_{source}"]

    def _mix(
        self, node: int, terms: Any, states: list[Tensor], known: dict[tuple[int, str], Tensor]
    ) -> Tensor:
        total: Tensor | None = None
        for term in terms:
            result = self._result(node, term, states[term.source], known)
            if term.weight is None:
                total = result if total is None else total + result
            else:
                total = term.weight * result if total is None else torch.addcmul(total, term.weight, result)
        assert total is not None  # a mixer leaves no node without an edge
        return total

    def _result(self, node: int, term: Term, state: Tensor, known: dict[tuple[int, str], Tensor]) -> Tensor:
        place = node - self.num_predecessors, term.source, term.primitive
        choice = self.choices[place[0]][place[1]][place[2]]
        if term.blind:
            with torch.no_grad():
                return choice(state)
        alike = self.alike[place[0]][place[1]][place[2]]
        if alike is None:
            return choice(state)
        key = term.source, alike
        if key not in known:
            known[key] = choice(state)
        return known[key]

    def _join(self, mixed: Tensor, states: list[Tensor], logits: list[nn.Parameter]) -> Tensor:
        present = torch.stack([1 - row.softmax(0)[-1] for row in logits])
        present = (present if self.mixer.learning else present.detach()) / present.sum()
        past: Tensor | None = None
        for share, state in zip(present.unbind(), states, strict=True):
            rest = _fitting(state[:, mixed.shape[1] :], mixed)
            past = share * rest if past is None else torch.addcmul(past, share, rest)
        assert past is not None
        joined = torch.cat([mixed, past], 1)
        n, channels, rows, columns = joined.shape
        joined = joined.view(n, self.parts, channels // self.parts, rows, columns)
        return joined.transpose(1, 2).reshape(n, channels, rows, columns)


def _first(state: Tensor, parts: int) -> Tensor:
    return state if parts == 1 else state[:, : state.shape[1] // parts]


def _fitting(state: Tensor, like: Tensor) -> Tensor:
    """``state`` at the size of ``like``: pooled by twos where an edge has stride 2."""
    return state if state.shape[2:] == like.shape[2:] else F.avg_pool2d(state, 2, ceil_mode=True)


def _alike(choice: nn.Module) -> str | None:
    """What a module without weights and statistics is; two of the same text compute the same."""
    return None if choice.state_dict() else repr(choice)
