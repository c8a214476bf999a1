"""A small supernet of two primitives, for tests."""

from __future__ import annotations

import torch
from nni.nas.nn.pytorch import Cell, ModelSpace
from torch import nn

from strategies.supernet.distribution import CostTable
from strategies.supernet.search import search_supernet
from strategies.supernet.settings import SupernetSettings

WIDTH = 4
PRIMITIVES = ("skip", "conv")
SETTINGS = SupernetSettings(epochs=3, batch_size=32, architecture_learning_rate=0.02, seed=3)


class Toy(ModelSpace):
    """A stem, two cells that share their choices, a linear head; 8x8 images of one channel, 10 classes."""

    def __init__(self) -> None:
        super().__init__()
        factories = {
            "skip": lambda node, position, source: nn.Identity(),
            "conv": lambda node, position, source: nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False),
        }
        self.stem = nn.Conv2d(1, WIDTH, 1)
        self.cells = nn.ModuleList(Cell(factories, 2, 2, 2, label="normal") for _ in range(2))
        self.narrow = nn.Conv2d(2 * WIDTH, WIDTH, 1)
        self.head = nn.Linear(2 * WIDTH, 10)

    def forward(self, images):
        x = self.stem(images)
        x = self.narrow(self.cells[0]([x, x]))
        return self.head(self.cells[1]([x, x]).mean((2, 3)))


def toy_table():
    """The convolutions' MACs on 8x8 pixels in both cells; all else counted as 1000."""
    conv = 2 * 64 * 9 * WIDTH * WIDTH
    costs = torch.tensor([0.0, conv], dtype=torch.float64)
    return CostTable(PRIMITIVES, 2, 1000.0, {("normal", node): costs.repeat(node, 1) for node in (2, 3)})


def search(folder, data, settings=SETTINGS, *, strategy, make=Toy, table=None, **options):
    """What ``strategy`` makes of the toy, its files in ``folder``."""
    return search_supernet(
        make,
        toy_table() if table is None else table,
        data,
        settings,
        strategy=strategy,
        checkpoint=folder / "state.pt",
        log=folder / "search.log",
        **options,
    )


def same(one, other):
    return all(torch.equal(one.logits[node], other.logits[node]) for node in one.logits)


def without_seconds(state):
    return [{key: value for key, value in record.items() if key != "seconds"} for record in state.records]
