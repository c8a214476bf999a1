"""How far a one-shot search has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from strategies.supernet.distribution import Architecture, Node


@dataclass(frozen=True)
class SearchState:
    """After the last epoch done: one record an epoch (see ``EpochKeeper``), what each epoch derived, and the
    logits of each node, (E, K + 1), on the CPU."""

    records: list[dict[str, Any]]
    derived: list[Architecture]
    logits: dict[Node, Tensor]

    def to_json(self) -> dict[str, Any]:
        logits = [[cell, number, rows.tolist()] for (cell, number), rows in self.logits.items()]
        return {"records": self.records, "derived": self.derived, "logits": logits}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> SearchState:
        logits = {(cell, number): torch.tensor(rows) for cell, number, rows in record["logits"]}
        return cls(record["records"], record["derived"], logits)
