"""The fused layer against the composed one: outputs, gradients, running statistics."""

from __future__ import annotations

import contextlib
import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from pde_ops import GlobalLayer
from pde_ops.coefficients import move_statistics
from pde_ops.cpu import backend as cpu_backend
from pde_ops.cpu import fused
from pde_ops.cpu.fused_operator import FORWARD
from pde_ops.whole_map.implicit_layer import ImplicitLayer

pytestmark = pytest.mark.skipif(not cpu_backend.built(), reason="no C++ compiler here")

OPTIONS = [
    {},
    {"diffusivity": 1.0},
    {"diffusivity": (0.25, 1.5)},
    {"velocity": (0.3, -0.2)},
    {"velocity": "none", "start_mechanism": "gain"},
    {"boundary": "zero-flux", "dx": 2},
    {"residual": True, "activation": "hard-swish"},
    {"use_source": False, "activation": "relu6", "dy": 3},
    {"bias": True, "kernel_size": 5, "steps": 1},
    {"diffusivity": "none", "activation": "identity", "kernel_size": 1},
    {"velocity_activation": "softsign"},
    {"velocity_activation": "identity", "diffusivity": 0.5, "steps": 1},
    {"velocity_activation": "softsign", "velocity": "none", "activation": "softsign"},
]


def pair(channels, options, dtype, training, seed=0):
    """A layer with uneven norms that takes the kernel, and its composed double."""
    torch.manual_seed(seed)
    layer = GlobalLayer(channels, coefficient_start=0.4, **options).to(dtype)
    for parameter in layer.parameters():
        if parameter.dim() == 1:
            parameter.data += 0.2 * torch.randn_like(parameter)
    double = copy.deepcopy(layer).double()
    double.backend = "eager"
    return layer.train(training), double.train(training)


# Rows of whole registers take planes where they lie, others padded copies, below 400 cells side by side.
COLUMNS = st.one_of(st.integers(2, 21), st.sampled_from([8, 16, 24, 32]))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    shape=st.tuples(st.integers(2, 10), st.integers(1, 4), st.integers(2, 21), COLUMNS),
    options=st.sampled_from(OPTIONS),
    training=st.booleans(),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 99),
)
def test_equals_the_composed_layer(shape, options, training, dtype, seed):
    layer, double = pair(shape[1], options, dtype, training, seed)
    x = torch.randn(shape, dtype=dtype, requires_grad=True)
    wide = x.detach().double().requires_grad_(True)
    assert fused.unavailable(layer, x) is None
    assert fused.unavailable(double, wide) is not None
    out, expected = layer(x), double(wide)
    grad = torch.randn_like(out)
    out.backward(grad)
    expected.backward(grad.double())
    tolerance = 1e-4 if dtype == torch.float32 else 1e-9
    scale = max(p.grad.abs().max() for p in double.parameters())

    def close(ours, theirs, floor=0.0):
        assert (ours.double() - theirs).abs().max() <= tolerance * max(theirs.abs().max(), floor)

    close(out, expected)
    close(x.grad, wide.grad)
    for (name, ours), theirs in zip(layer.named_parameters(), double.parameters(), strict=True):
        # Relative to all parameters' gradients: some vanish analytically (a bias before a norm).
        assert ours.grad is not None, name
        close(ours.grad, theirs.grad, floor=0.1 * scale)
    for ours, theirs in zip(layer.buffers(), double.buffers(), strict=True):
        close(ours, theirs.double(), floor=0.1)


def test_the_layer_takes_the_kernel():
    x = torch.randn(2, 4, 6, 6)
    with FlopCounterMode(display=False) as counter:
        GlobalLayer(4, steps=3)(x)
    counted = {str(op): flops for op, flops in counter.get_flop_counts()["Global"].items()}
    assert counted == {"pde_ops.global_layer": 2 * (36 + 7 * 4) * x.numel()}
    assert sum(counted.values()) == 2 * 2 * GlobalLayer(4, steps=3).cost((6, 6)).macs


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("implicit", [True, False])
def test_opcheck(training, biased, implicit):
    channels, fields = 3, 2
    make = lambda *shape: torch.rand(shape, requires_grad=True)  # noqa: E731
    arguments = (
        make(2, channels, 5, 4), make(fields, channels, 1, 3, 3), make(fields, channels) if biased else None,
        make(channels) if implicit else None, make(3, channels), make(3, channels), torch.rand(3, channels), torch.rand(3, channels),
        [0, 1, -1, -1], [0.0, 0.0, 1.0, 1.0], [1e-5, 1e-5], 0.3, 0.1, training, 2, 0.2, 1, 1, "periodic", True,
        False, "relu", "softsign", True,
    )  # fmt: skip
    found = torch.library.opcheck(torch.ops.pde_ops.global_layer, arguments)
    assert set(found.values()) == {"SUCCESS"}


@pytest.mark.parametrize(
    "options", [{"product": True}, {"activation": "silu"}, {"velocity": "full"}, {"backend": "eager"}]
)
def test_where_it_does_not_apply(options):
    layer = GlobalLayer(4, **options)
    x = torch.randn(2, 4, 5, 5)
    assert fused.unavailable(layer, x) is not None
    assert layer(x).shape == x.shape


def test_hooks_see_the_composed_layer():
    layer, x = GlobalLayer(4), torch.randn(2, 4, 5, 5)
    assert fused.unavailable(layer, x) is None
    seen = []
    layer.velocity_x.norm.register_forward_hook(lambda *_: seen.append(1))
    layer(x)
    assert seen == [1]


def test_only_biases_learn():
    layer = GlobalLayer(4, bias=True).eval()
    for name, parameter in layer.named_parameters():
        parameter.requires_grad_("transform.bias" in name)
    x = torch.randn(2, 4, 5, 5)
    layer(x).square().sum().backward()
    found = layer.velocity_x.transform.bias.grad.clone()
    layer.zero_grad()
    layer.backend = "eager"
    layer(x).square().sum().backward()
    torch.testing.assert_close(found, layer.velocity_x.transform.bias.grad, rtol=1e-4, atol=1e-5)


def test_norms_of_another_kind_are_composed():
    layer, x = GlobalLayer(4).eval(), torch.randn(2, 4, 5, 5)
    layer.out_norm.double()
    assert fused.unavailable(layer, x) is not None
    layer.out_norm.float()
    assert fused.unavailable(layer, x) is None
    layer.velocity_x.norm.double()
    assert fused.unavailable(layer, x) is not None
    layer = GlobalLayer(4).eval()
    layer.out_norm.running_mean = layer.out_norm.running_var = None
    with torch.no_grad():
        assert layer(x).isfinite().all()


def test_operator_takes_any_order_in_memory():
    torch.manual_seed(0)
    layer, x = GlobalLayer(4, kernel_size=5).eval(), torch.randn(2, 4, 9, 9)
    convolutions, norms = fused.parameters(layer)
    stacks = [
        torch.stack([own["weight"] for own in convolutions]).detach(),
        *(torch.rand(5, 4) + 0.5 for _ in range(4)),
    ]
    settings = (*fused.settings(layer, norms), False)

    def run(weight, gain, shift, mean, variance):
        return FORWARD(x, weight, None, None, gain, shift, mean, variance, *settings)[0]

    turned = [t.transpose(-1, -2).contiguous().transpose(-1, -2) for t in stacks]
    assert not any(t.is_contiguous() for t in turned)
    torch.testing.assert_close(run(*turned), run(*stacks))


@pytest.mark.parametrize("training", [True, False])
def test_a_compiled_layer_is_the_kernel(training):
    layer, x = GlobalLayer(4).train(training), torch.randn(2, 4, 5, 5)
    seen = []

    def backend(graph, _):
        seen.extend(str(node.target) for node in graph.graph.nodes)
        return graph.forward

    torch.testing.assert_close(torch.compile(layer, backend=backend, fullgraph=True)(x), layer(x))
    assert [name for name in seen if "pde_ops" in name] == ["pde_ops.global_layer.default"]


def test_without_gradients_nothing_is_kept_and_training_statistics_still_move():
    layer, double = pair(4, {}, torch.float64, True)
    x = torch.randn(3, 4, 6, 6, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), double(x))
    torch.testing.assert_close(layer.out_norm.running_var, double.out_norm.running_var)
    assert layer.velocity_x.norm.num_batches_tracked == 1


def test_a_second_derivative_is_refused_by_name():
    layer, x = GlobalLayer(2), torch.randn(2, 2, 4, 4, requires_grad=True)
    (first,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
    with pytest.raises(NotImplementedError, match="backend='eager' has"):
        first.sum().backward()


def test_not_a_number_passes_through():
    x = torch.randn(2, 2, 4, 4)
    x[0, 0, 0, 0] = float("nan")
    assert torch.isnan(GlobalLayer(2)(x)).any()


def test_statistics_move_as_those_of_a_batch_norm():
    torch.manual_seed(0)
    x = torch.randn(5, 3, 4, 2, dtype=torch.float64)
    ours, theirs = (torch.nn.BatchNorm2d(3, momentum=0.3).double() for _ in range(2))
    mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
    for _ in range(2):
        theirs(x)
        move_statistics([ours], mean[None], variance[None], x.numel() // 3)
    for some, others in zip(ours.buffers(), theirs.buffers(), strict=True):
        torch.testing.assert_close(some, others)


FAR_FROM_ZERO = {
    "all": lambda x: x + 1000,
    "all but the first image": lambda x: torch.cat([0 * x[:1], x[1:] + 100]),
    "every second image": lambda x: x * (torch.arange(len(x)) % 2 * 100).view(-1, 1, 1, 1),
    "all, and nearly constant": lambda x: x * 1e-4 + 1,
}


@pytest.mark.parametrize("where", FAR_FROM_ZERO)
@pytest.mark.parametrize("size", [7, 8, 32])
def test_statistics_in_float32_are_nearly_those_of_double(where, size):
    def moved(dtype):
        torch.manual_seed(0)
        layer = GlobalLayer(4).to(dtype).train()
        norms = [module for module in layer.modules() if getattr(module, "momentum", None)]
        for norm in norms:
            norm.momentum = 1.0
        with torch.no_grad():
            layer(x.to(dtype))
        return (
            torch.stack([getattr(n, name).double() for n in norms])
            for name in ("running_mean", "running_var")
        )

    x = FAR_FROM_ZERO[where](torch.randn(40, 4, size, size))
    (mean, variance), (exact_mean, exact_variance) = moved(torch.float32), moved(torch.float64)
    assert ((variance - exact_variance).abs() / exact_variance).max() < 5e-6
    assert ((mean - exact_mean).abs() / exact_variance.sqrt()).max() < 1e-4


NARROW = {
    "a network in bfloat16": lambda layer: (layer.bfloat16(), contextlib.nullcontext()),
    "autocast": lambda layer: (layer, torch.autocast("cpu", dtype=torch.bfloat16)),
}


@pytest.mark.parametrize("how", NARROW)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("make", [lambda: GlobalLayer(16, steps=2), lambda: ImplicitLayer(16)])
def test_bfloat16_is_computed_in_float32(how, layout, make):
    layer = make()
    x = torch.randn(3, 16, 6, 5).bfloat16().contiguous(memory_format=layout)
    narrow, context = NARROW[how](copy.deepcopy(layer))
    wide = copy.deepcopy(narrow).float()
    assert fused.unavailable(narrow, x) is None
    for training in (True, False):
        ours, expected = x.clone().requires_grad_(), x.float().requires_grad_()
        with context:
            found = narrow.train(training)(ours)
        exact = wide.train(training)(expected)
        assert found.dtype == torch.bfloat16
        torch.testing.assert_close(found.float(), exact, rtol=2e-2, atol=2e-2)
        gradient = torch.randn_like(exact).bfloat16()
        found.backward(gradient)
        exact.backward(gradient.float())
        torch.testing.assert_close(ours.grad.float(), expected.grad, rtol=5e-2, atol=5e-2)
        for own, other in zip(narrow.parameters(), wide.parameters(), strict=True):
            assert own.grad.dtype == own.dtype
            torch.testing.assert_close(
                own.grad.float(), other.grad, rtol=5e-2, atol=0.05 * other.grad.abs().max().item()
            )
    with torch.no_grad(), context:
        again = narrow(x)  # by the short way, where the parameters are in float32
    torch.testing.assert_close(again.float(), exact.detach(), rtol=2e-2, atol=2e-2)
    torch.testing.assert_close(
        narrow.out_norm.running_var.float(), wide.out_norm.running_var, rtol=2e-2, atol=2e-2
    )
