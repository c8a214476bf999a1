"""The supernet's step: the penalty reaches the architecture weights, and what is exported is what is derived."""

import pytest
import torch
from nni.mutable import MutableExpression
from nni.nas.nn.pytorch import LayerChoice, ModelSpace
from nni.nas.oneshot.pytorch.profiler import ExpectationProfilerPenalty
from nni.nas.profiler import ExpressionProfiler
from nni.nas.strategy import DARTS
from torch import nn

from strategies.supernet.distribution import CellDistribution
from strategies.supernet.learning.carrier import SupernetStrategy
from strategies.supernet.learning.gradient import SupernetModule
from strategies.supernet.learning.weights import SupernetTraining
from strategies.supernet.mixing.mixer import Softmax
from strategies.supernet.settings import SupernetSettings
from tests.strategies.supernet.toy import WIDTH, Toy, toy_table


def make_module(mac_penalty=0.0, seed=0):
    torch.manual_seed(seed)
    strategy = SupernetStrategy(SupernetSettings(mac_penalty=mac_penalty), Softmax(), table=toy_table())
    space = strategy.mutate_model(Toy())
    training = SupernetTraining(learning_rate=0.1, momentum=0.9, weight_decay=0.0, auxiliary_weight=0.0)
    module = strategy.configure_oneshot_module(training)
    assert isinstance(module, SupernetModule)
    module.set_model(space)
    return module


def test_both_cells_share_their_logits_which_come_in_the_order_of_their_names():
    module = make_module()
    first, second = module.model.cells
    assert first.edge_logits(3, 2) is second.edge_logits(3, 2)
    logits = [first.edge_logits(node, source) for node in (2, 3) for source in range(node)]
    assert [id(each) for each in module.arch_parameters()] == [id(each) for each in logits]


def test_penalty_pulls_the_logits_of_what_is_dear_down():
    module = make_module(mac_penalty=1.0)
    macs = module.settings.mac_penalty * module.distribution().expected_macs() / module.reference_macs
    assert float(macs.detach()) == pytest.approx(1.0, abs=1e-3)  # the start is nearly uniform
    gradients = torch.autograd.grad(macs, module.arch_parameters())
    for gradient in gradients:
        assert gradient[1] > 0 > gradient[0]  # conv, skip


def test_export_is_nnis_sample_of_what_is_derived():
    module = make_module()
    with torch.no_grad():
        cell = module.model.cells[0]
        for node, source, logits in (
            (2, 0, (0.0, 5.0, 0.0)),
            (2, 1, (5.0, 0.0, 0.0)),
            (3, 0, (9.0, 8.9, 9.5)),  # high logits, but "none" is likelier: NNI's own rule would take it
            (3, 1, (0.0, 1.0, 0.0)),
            (3, 2, (1.0, 0.0, 0.0)),
        ):
            cell.edge_logits(node, source).copy_(torch.tensor(logits))
    assert module.export() == {
        "normal/op_2_0": "conv",
        "normal/input_2_0": [0],
        "normal/op_2_1": "skip",
        "normal/input_2_1": [1],
        "normal/op_3_0": "conv",
        "normal/input_3_0": [1],
        "normal/op_3_1": "skip",
        "normal/input_3_1": [2],
    }
    assert module.model.simplify().keys() == module.export().keys()


def test_expected_macs_at_one_hot_logits_are_those_of_what_is_derived():
    module = make_module()
    with torch.no_grad():
        for parameter in module.arch_parameters():
            parameter.copy_(torch.tensor([0.0, 0.0, 200.0]))
        cell = module.model.cells[0]
        for node, source, row in ((2, 0, 1), (2, 1, 0), (3, 1, 1), (3, 2, 1)):
            cell.edge_logits(node, source).copy_(200.0 * torch.eye(3)[row])
    distribution = module.distribution()
    assert isinstance(distribution, CellDistribution)
    assert float(distribution.expected_macs().detach()) == 1000.0 + 3 * 2 * 64 * 9 * WIDTH * WIDTH


class LayerToy(ModelSpace):
    """One choice of two layers, for NNI's own penalty."""

    def __init__(self) -> None:
        super().__init__()
        self.choice = LayerChoice({"cheap": nn.Linear(4, 4), "dear": nn.Linear(4, 4)}, label="choice")

    def forward(self, x):
        return self.choice(x)


class Prices(ExpressionProfiler):
    """1 for the cheap layer, 100 for the dear one."""

    def __init__(self, space):
        super().__init__(space)
        choice = space.simplify()["choice"]
        self.expression = MutableExpression.switch_case(choice, {"cheap": 1.0, "dear": 100.0})


def test_nnis_own_penalty_still_has_no_gradient():
    """When this fails, NNI has mended its penalty, and the one in use can go."""
    space = LayerToy()
    penalty = ExpectationProfilerPenalty(Prices(space), baseline=1.0)
    strategy = DARTS(penalty=penalty)
    strategy.mutate_model(space)
    training = SupernetTraining(learning_rate=0.1, momentum=0.9, weight_decay=0.0, auxiliary_weight=0.0)
    module = strategy.configure_oneshot_module(training)
    module.set_model(space)
    loss = sum(parameter.square().sum() for parameter in module.arch_parameters())
    with_penalty, details = module.penalty(loss, module.export_probs())
    assert details["penalty"] == pytest.approx(50.5, abs=1.0)  # it looks alive,
    both = [torch.autograd.grad(x, module.arch_parameters(), retain_graph=True) for x in (loss, with_penalty)]
    for plain, penalised in zip(*both, strict=True):
        assert torch.equal(plain, penalised)  # but pulls nowhere
