"""`GlobalLayer`: its options, its cost, how it begins, and what it refuses."""

from __future__ import annotations

import copy
import itertools

import pytest
import torch
from torch import nn

from pde_ops import BasicBlock, Bottleneck, DenseInit, GlobalLayer
from pde_ops.blocks import Convolution
from pde_ops.cost import Cost, conv_cost, norm_cost, pde_cost
from pde_ops.whole_map.implicit_layer import ImplicitLayer


def parameters(layer: nn.Module) -> int:
    return sum(p.numel() for p in layer.parameters())


@pytest.mark.parametrize(
    "velocity", ["depthwise", "full", "basic-block", "bottleneck", "identity", "none", 0.1]
)
@pytest.mark.parametrize("diffusivity", ["depthwise", "pointwise", "separable-block", "none", 1.0])
def test_every_kind_runs_trains_and_counts_its_parameters(velocity, diffusivity):
    layer = GlobalLayer(4, steps=2, velocity=velocity, diffusivity=diffusivity)
    x = torch.randn(3, 4, 5, 6)
    y = layer(x)
    assert y.shape == x.shape
    y.square().sum().backward()
    assert all(p.grad is not None for p in layer.parameters())
    assert layer.cost((5, 6)).params == parameters(layer)


def test_cost_of_the_default_layer_in_closed_form():
    size = (7, 9)
    expected = conv_cost(6, 6, 3, size, groups=6) * 4 + norm_cost(6, size) * 5 + pde_cost(6, size, 3)
    assert GlobalLayer(6, steps=3).cost(size) == expected
    assert expected.macs == (36 + 7 * 4) * 6 * 63


class Shrink(nn.Module):
    """An Init that halves the resolution and doubles the width."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 2, stride=2, bias=False)

    def forward(self, x):
        return self.conv(x)

    def out_size(self, size):
        return size[0] // 2, size[1] // 2

    def cost(self, size):
        return conv_cost(2, 4, 2, self.out_size(size))


def test_init_that_changes_the_shape():
    layer = GlobalLayer(4, init=Shrink(), init_changes_shape=True)
    assert layer(torch.randn(2, 2, 8, 6)).shape == (2, 4, 4, 3)
    cost = layer.cost((8, 6))
    assert cost == Shrink().cost((8, 6)) + GlobalLayer(4).cost((4, 3))
    with pytest.raises(ValueError, match="init_changes_shape=True makes"):
        GlobalLayer(4, init=Shrink())(torch.randn(2, 2, 8, 6))


@pytest.mark.parametrize("block", [BasicBlock(4), Bottleneck(4), DenseInit(4), BasicBlock(4, separable=True)])
def test_blocks_count_their_parameters(block):
    assert block.cost((3, 5)).params == parameters(block)
    assert GlobalLayer(4, init=block).cost((3, 5)).params == parameters(GlobalLayer(4, init=block))
    assert block(torch.randn(2, 4, 3, 5)).shape == (2, 4, 3, 5)


def test_basic_block_projects_to_another_width():
    block = BasicBlock(3, 5)
    assert block(torch.randn(2, 3, 4, 4)).shape == (2, 5, 4, 4)
    assert block.cost((4, 4)).params == parameters(block)
    assert Convolution(3, 5, 1).cost((4, 4)) == Cost(15, 240, 240)


def test_options_change_the_function_as_named():
    torch.manual_seed(0)
    x = torch.randn(2, 4, 6, 6)

    def run(**options):
        torch.manual_seed(1)
        return GlobalLayer(4, init=nn.Conv2d(4, 4, 1), coefficient_start=1.0, **options)(x)

    outputs = [
        run(),
        run(previous="state"),
        run(velocity_input="source"),
        run(product=True),
        run(use_source=False),
        run(activation="silu"),
        run(velocity_activation="tanh"),
        run(boundary="zero-flux"),
        run(dx=2),
        run(dt=0.1),
    ]
    for a, b in itertools.combinations(outputs, 2):
        assert (a - b).abs().max() > 1e-3
    torch.testing.assert_close(run(residual=True), outputs[0] + x)


@pytest.mark.parametrize("mechanism", ["multiplier", "gain"])
@pytest.mark.parametrize("start", [0.02, 0.3])
def test_coefficient_start_is_the_deviation_of_the_pre_activation(mechanism, start):
    torch.manual_seed(0)
    layer = GlobalLayer(8, coefficient_start=start, start_mechanism=mechanism)
    x = torch.randn(16, 8, 12, 12)
    for coefficient in (layer.velocity_x, layer.velocity_y, layer.diffusivity_x, layer.diffusivity_y):
        raw = coefficient(x)
        assert raw.std().item() == pytest.approx(start, rel=1e-3)
        assert torch.relu(raw).mean().item() == pytest.approx(0.4 * start, rel=0.05)


def test_multiplier_starts_as_the_published_layer_with_its_variance():
    """Over inputs of variance s the published norm, eps = C, is the multiplier sqrt(s / (s + C))."""
    torch.manual_seed(0)
    channels, x = 16, torch.randn(8, 16, 10, 10)
    x = (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True, unbiased=False)
    published = GlobalLayer.published(channels, velocity="identity", diffusivity=1.0)
    ours = GlobalLayer(
        channels, velocity="identity", diffusivity=1.0,
        coefficient_start=(1 / (1 + channels)) ** 0.5, coefficient_eps=1e-12,
    )  # fmt: skip
    torch.testing.assert_close(ours(x), published(x), rtol=1e-4, atol=1e-5)
    gradients = []
    for layer in (ours, published):
        (layer(x) ** 3).sum().backward()
        gradients.append(layer.velocity_x.norm.weight.grad)
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-3)


def test_gain_learns_faster_than_under_the_multiplier():
    x = torch.randn(8, 4, 10, 10)
    slopes = {}
    for mechanism in ("multiplier", "gain"):
        torch.manual_seed(2)
        layer = GlobalLayer(4, coefficient_start=0.05, start_mechanism=mechanism)
        (layer(x) ** 3).sum().backward()
        slopes[mechanism] = layer.velocity_x.norm.weight.grad
    torch.testing.assert_close(slopes["gain"] * 0.05, slopes["multiplier"], rtol=1e-3, atol=1e-4)


def test_eval_uses_running_statistics():
    layer = GlobalLayer(4)
    layer(torch.randn(8, 4, 6, 6))
    layer.eval()
    x = torch.randn(4, 4, 6, 6)
    torch.testing.assert_close(layer(x)[:1], layer(x[:1]))
    assert layer.velocity_x.norm.num_batches_tracked == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": 0}, "channels is 0; accepted: a whole number >= 1"),
        ({"steps": 0}, "steps is 0"),
        ({"dt": -0.1}, "dt is -0.1"),
        ({"dx": 0.5}, "dx is 0.5"),
        ({"kernel_size": 4}, "kernel_size is 4; accepted: an odd whole number"),
        ({"boundary": "open"}, "boundary is 'open'"),
        ({"velocity": "conv"}, "velocity is 'conv'; accepted: depthwise"),
        ({"diffusivity": -1.0}, "diffusivity is -1.0; accepted: a number >= 0"),
        ({"diffusivity": (1.0, -0.5)}, r"diffusivity is \(1.0, -0.5\); accepted: a number >= 0, or two"),
        ({"diffusivity": (1.0,)}, r"diffusivity is \(1.0,\); accepted: depthwise, .*, or two, for x and y"),
        ({"velocity": (0.1, "depthwise")}, "velocity is .*; accepted: depthwise"),
        ({"velocity": True}, "velocity is True; accepted"),
        ({"diffusivity": float("nan")}, "diffusivity is nan"),
        ({"previous": "input"}, "previous is 'input'; accepted: source, state"),
        ({"velocity_input": "h"}, "velocity_input is 'h'"),
        ({"velocity_activation": "elu"}, "velocity_activation is 'elu'; accepted: same, relu"),
        ({"activation": "elu"}, "activation is 'elu'; accepted: relu"),
        ({"coefficient_start": 0.0}, "coefficient_start is 0.0; accepted: a finite number > 0"),
        ({"coefficient_eps": -1}, "coefficient_eps is -1"),
        ({"start_mechanism": "bias"}, "start_mechanism is 'bias'; accepted: multiplier, gain"),
        ({"backend": "gpu"}, "backend is 'gpu'"),
        ({"init_changes_shape": True}, "init_changes_shape is True without init"),
    ],
)
def test_bad_settings_are_refused_when_made(options, message):
    with pytest.raises(ValueError, match=message):
        GlobalLayer(**{"channels": 4, **options})


def test_input_of_another_width_is_refused():
    with pytest.raises(ValueError, match=r"the state is \(2, 3, 4, 4\)"):
        GlobalLayer(4)(torch.randn(2, 3, 4, 4))


@pytest.mark.parametrize("backend", ["auto", "eager"])
@pytest.mark.parametrize("velocity", ["depthwise", "basic-block"])
def test_without_a_momentum_statistics_are_means_over_all_batches(backend, velocity):
    layer = GlobalLayer(3, backend=backend, velocity=velocity).train()
    other = copy.deepcopy(layer)
    batches = [torch.randn(4, 3, 6, 5) * scale for scale in (1.0, 2.0, 3.0)]
    torch.optim.swa_utils.update_bn(batches, layer)
    seen = []
    for module in other.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    for batch in batches:
        other.train()(batch)
        seen.append({name: value.clone() for name, value in other.named_buffers() if "running" in name})
    for name, value in layer.named_buffers():
        if "running" in name:
            torch.testing.assert_close(
                value, sum(each[name] for each in seen) / len(seen), rtol=1e-4, atol=1e-5
            )


@pytest.mark.parametrize("backend", ["auto", "eager"])
@pytest.mark.parametrize("make", [GlobalLayer, ImplicitLayer])
def test_derivatives_in_forward_mode_and_by_functions_are_those_of_backward_mode(backend, make):
    torch.manual_seed(0)
    layer = make(2, backend=backend).double().eval()
    x, along = torch.randn(2, 2, 2, 5, 4, dtype=torch.float64)
    expected = torch.autograd.functional.jacobian(layer, x)
    _, tangent = torch.func.jvp(layer, (x,), (along,))
    torch.testing.assert_close(tangent, torch.tensordot(expected, along, 4))
    torch.testing.assert_close(torch.func.jacrev(layer)(x), expected)
    with torch.autograd.forward_ad.dual_level():
        dual = layer(torch.autograd.forward_ad.make_dual(x, along))
        torch.testing.assert_close(torch.autograd.forward_ad.unpack_dual(dual).tangent, tangent)
    by_all = torch.func.vmap(torch.func.grad(lambda one: layer(one[None]).square().sum()))(x)
    y = x.clone().requires_grad_()
    torch.testing.assert_close(by_all, torch.autograd.grad(layer(y).square().sum(), y)[0])
