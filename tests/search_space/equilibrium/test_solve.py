"""What MDEQ computes: evaluations of f, its start, what it keeps in a pass, its gradient and its losses."""

import copy
import dataclasses
import math
from unittest import mock

import pytest
import torch
from torch import nn

pytest.importorskip("torchdeq")

from search_space import Genotype, UserError, get_space
from search_space.equilibrium import solve
from search_space.equilibrium.configurations import CONFIGURATIONS, Jacobian
from search_space.equilibrium.layer import START, MultiscaleLayer, NormalisedWeight
from search_space.equilibrium.solve import Equilibrium

SIDES = {"SMALL": 32, "SMALL_reg": 32}  # the stem quarters these; 16 pixels for the others


def network(name: str, warm_up: float = 0.0) -> nn.Module:
    torch.manual_seed(0)
    side = SIDES.get(name, 16)
    settings = {"warm_up": warm_up}
    return Genotype("mdeq", (3, side, side), 5, settings, {"configuration": name}).build(seed=0)


def images(name: str) -> torch.Tensor:
    side = SIDES.get(name, 16)
    return torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1))


def equilibrium(model: nn.Module) -> Equilibrium:
    return next(module for module in model.modules() if isinstance(module, Equilibrium))


def evaluations(model: nn.Module, x: torch.Tensor) -> int:
    calls = []
    hook = equilibrium(model).layer.register_forward_hook(lambda *_: calls.append(1))
    model(x)
    hook.remove()
    return len(calls)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_it_trains(name: str) -> None:
    model = network(name)
    logits = model(images(name))
    assert logits.shape == (2, 5)
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("name", ["TINY", "SMALL"])
def test_evaluations_of_f(name: str) -> None:
    """T + 1 in evaluation, T + 2 in training, as measured on the owners' code: none stops early at the start."""
    model, threshold = network(name), CONFIGURATIONS[name].threshold
    with torch.no_grad():
        assert evaluations(model.eval(), images(name)) == threshold + 1
    assert evaluations(model.train(), images(name)) == threshold + 2


def test_the_mean_residual_is_that_of_the_points_taken_in_training() -> None:
    found = equilibrium(network("TINY"))
    assert found.mean_residual() is None
    points = []
    hook = found.layer.register_forward_hook(lambda _, given, out: points.append((given[0], out)))
    x = torch.randn(2, found.layer.widths[0], 16, 16)
    found.eval()(x)
    assert found.mean_residual() is None
    found.train()(x)
    hook.remove()
    states, values = points[-1]  # of the evaluation at the point that was found
    flat = lambda z: torch.cat([each.flatten(1) for each in z], 1)  # noqa: E731
    expected = ((flat(values) - flat(states)).norm(dim=1) / flat(values).norm(dim=1)).mean()
    residual = found.mean_residual()
    assert residual == pytest.approx(expected.item(), rel=1e-3)
    assert found.mean_residual() is None


def test_the_warm_up_unrolls_f() -> None:
    model = network("TINY", warm_up=2 / 3_000)
    layers = CONFIGURATIONS["TINY"].warm_up_layers
    assert evaluations(model, images("TINY")) == layers
    assert equilibrium(model).steps == 1
    assert evaluations(model.eval(), images("TINY")) == layers
    assert equilibrium(model).steps == 1
    assert evaluations(model.train(), images("TINY")) == layers
    assert evaluations(model, images("TINY")) > layers


def contracting() -> Equilibrium:
    """One in float64 whose f contracts: what comes from the states is small beside what comes from the image."""
    found = equilibrium(network("TINY"))
    layer = found.layer
    with torch.no_grad():
        layer.blocks[0].narrow.gain *= 0.05
        for norm in (layer.blocks[1].norm2, layer.blocks[1].norm3, layer.ways["1-0"][1]):
            norm.weight *= 0.05
    for place in range(2):
        layer.last_norms[place] = nn.GroupNorm(4, 24)
        nn.init.constant_(layer.last_norms[place].weight, 0.05)
    layer.dropout = 0.0
    found.configuration = dataclasses.replace(found.configuration, threshold=40, backward_threshold=40)
    return found.double()


def test_a_fixed_point_and_its_gradient() -> None:
    """The solution is a fixed point, and the gradient is that of f unrolled."""
    found = contracting().eval()
    x = torch.randn(2, 24, 8, 8, dtype=torch.double)
    with mock.patch.object(solve, "TOLERANCE", 1e-10):
        states = found(x)
        found.train()
        gain = found.layer.blocks[0].widen.gain
        found.injection.eval()
        (implicit,) = torch.autograd.grad(sum(s.pow(3).sum() for s in found(x)), gain)
    kept = found.layer.keep(2)
    for state, following in zip(states, found.layer(states, x, kept), strict=True):
        torch.testing.assert_close(state, following, rtol=1e-6, atol=1e-8)
    unrolled = [torch.zeros_like(s) for s in states]
    for _ in range(40):
        unrolled = found.layer(unrolled, x, kept)
    (expected,) = torch.autograd.grad(sum(s.pow(3).sum() for s in unrolled), gain)
    torch.testing.assert_close(implicit, expected, rtol=1e-4, atol=1e-9)


def test_start() -> None:
    """Normalised weights start as PyTorch's convolutions, all others normal with 0.01."""
    torch.manual_seed(0)
    weight = NormalisedWeight(32, 160, 3)
    assert weight().std().item() == pytest.approx(1 / math.sqrt(3 * 288), rel=0.02)  # 0.034
    torch.testing.assert_close(weight(), weight.direction)
    layer = MultiscaleLayer(CONFIGURATIONS["LARGE_half"])
    convolutions = [m.weight for m in layer.modules() if isinstance(m, nn.Conv2d)]
    assert torch.cat([w.flatten() for w in convolutions]).std().item() == pytest.approx(START, rel=0.02)


def test_dropout_is_one_for_a_pass() -> None:
    layer = MultiscaleLayer(CONFIGURATIONS["TINY"])
    masks = layer.keep(200).masks
    assert [mask.shape for mask in masks] == [(200, 24, 1, 1)] * 2
    assert masks[0].unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    assert masks[0].mean().item() == pytest.approx(1.0, abs=0.05)
    assert layer.eval().keep(2).masks == [None, None]


def test_the_loss_on_the_jacobian() -> None:
    found = equilibrium(network("LARGE_reg"))
    x = torch.randn(2, 32, 8, 8)
    always = dataclasses.replace(found.configuration, jacobian=Jacobian(0.5, 1.0, last=1))
    found.configuration = always
    found(x)
    assert found.extra_loss.item() > 0
    (gradient,) = torch.autograd.grad(found.extra_loss, found.layer.blocks[0].widen.gain)
    assert gradient.abs().sum() > 0
    found(x)
    found(x)  # the third step is after the last that has it
    assert found.extra_loss is None


def test_the_weight_of_the_loss_by_step() -> None:
    small = CONFIGURATIONS["SMALL_reg"].jacobian
    assert small.weight_at(10, warming_up=True) == 0.03
    assert small.weight_at(510_000, warming_up=False) == pytest.approx(3.5)
    large = CONFIGURATIONS["LARGE_reg"].jacobian
    assert (large.weight_at(46_890, False), large.weight_at(46_891, False)) == (0.4, 0.0)


def test_a_network_can_be_copied() -> None:
    model = network("TINY").eval()
    with torch.no_grad():
        torch.testing.assert_close(copy.deepcopy(model)(images("TINY")), model(images("TINY")))


def test_what_cannot_be() -> None:
    with pytest.raises(UserError, match="warm_up is -1"):
        get_space("mdeq").make_settings({"warm_up": -1})
    with pytest.raises(UserError, match="HUGE"):
        Genotype("mdeq", (3, 32, 32), 10, {}, {"configuration": "HUGE"})
