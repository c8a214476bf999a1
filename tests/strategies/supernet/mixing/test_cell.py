"""A cell computes what NNI's does, and what partial channels and an auxiliary skip say."""

import copy

import torch
from nni.nas.nn.pytorch import Cell
from nni.nas.oneshot.pytorch.supermodule.differentiable import DifferentiableMixedCell
from nni.nas.strategy import DARTS
from torch import nn

from strategies.supernet.learning.carrier import SupernetStrategy
from strategies.supernet.mixing.cell import MixedCell
from strategies.supernet.mixing.mixer import Softmax
from strategies.supernet.settings import SupernetSettings
from tests.strategies.supernet.toy import WIDTH, Toy, toy_table


def test_a_cell_computes_what_nnis_own_does():
    torch.manual_seed(0)
    toy = Toy()
    ours, theirs = copy.deepcopy(toy), copy.deepcopy(toy)
    torch.manual_seed(1)
    mixer = Softmax()
    mixer.learning = True
    SupernetStrategy(SupernetSettings(), mixer, table=toy_table()).mutate_model(ours)
    torch.manual_seed(1)
    DARTS().mutate_model(theirs)
    assert any(type(module) is MixedCell for module in ours.modules())
    assert any(type(module) is DifferentiableMixedCell for module in theirs.modules())
    images = torch.randn(3, 1, 8, 8)
    for model in (ours, theirs):
        model.double()
    results = [model(images.double()) for model in (ours, theirs)]
    torch.testing.assert_close(*results, rtol=1e-12, atol=1e-12)
    gradients = [
        torch.autograd.grad(result.square().sum(), list(model.parameters()), allow_unused=True)
        for result, model in zip(results, (ours, theirs), strict=True)
    ]
    for one, other in zip(*gradients, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


class Wide(Toy):
    """The toy with cells of eight channels, whose operations are made for half of them."""

    def __init__(self) -> None:
        super().__init__()
        channels = 2 * WIDTH
        factories = {
            "skip": lambda node, position, source: nn.Identity(),
            "conv": lambda node, position, source: nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False),
        }
        self.cells = nn.ModuleList([Cell(factories, 2, 2, 2, label="normal")])
        self.stem = nn.Conv2d(1, channels, 1)

    def forward(self, images):
        x = self.stem(images)
        return self.cells[0]([x, x])


def mixed(space, **settings):
    torch.manual_seed(1)
    SupernetStrategy(SupernetSettings(**settings), Softmax(), table=toy_table()).mutate_model(space)
    return space


def test_with_partial_channels_the_others_go_past_the_operations_and_are_shuffled():
    torch.manual_seed(0)
    space = mixed(Wide(), partial_channels=2)
    (cell,) = space.cells
    with torch.no_grad():
        for node, source in ((2, 0), (2, 1), (3, 0), (3, 1), (3, 2)):
            cell.edge_logits(node, source).copy_(torch.tensor([50.0, 0.0, 0.0]))  # the skip alone
    x = torch.randn(2, 8, 8, 8)
    first = cell([x, x])[:, :8]  # node 2: a sum of two skips, and a mean of what went past
    assert first.shape == (2, 8, 8, 8)
    torch.testing.assert_close(first[:, 0::2], 2 * x[:, :4])
    torch.testing.assert_close(first[:, 1::2], x[:, 4:])


def test_what_goes_past_is_weighed_by_the_chance_that_an_edge_is_there():
    space = mixed(Wide(), partial_channels=2)
    (cell,) = space.cells
    with torch.no_grad():
        for source, none in ((0, 50.0), (1, 0.0)):
            cell.edge_logits(2, source).copy_(torch.tensor([0.0, 0.0, none]))
    one, two = torch.randn(2, 1, 8, 8, 8).unbind()
    torch.testing.assert_close(cell([one, two])[:, 1:8:2], two[:, 4:])


def test_an_auxiliary_skip_stands_beside_each_edge_with_its_weight():
    space = mixed(Toy())
    cell = space.cells[0]
    x = torch.randn(2, WIDTH, 8, 8)
    before = cell([x, x])
    cell.auxiliary = 0.5
    after = cell([x, x])
    torch.testing.assert_close(after[:, :WIDTH], before[:, :WIDTH] + 2 * 0.5 * x)  # node 2 has two edges


def test_what_has_no_weights_is_computed_once_for_all_edges_of_an_input():
    space = mixed(Toy())
    calls = []
    for cell in space.cells:
        for edges in cell.choices:
            for edge in edges:
                edge[0].register_forward_hook(lambda *_: calls.append(1))
    space(torch.randn(1, 1, 8, 8))
    assert len(calls) == 2 * 3  # of each cell's inputs 0, 1 and 2, which have five edges together
