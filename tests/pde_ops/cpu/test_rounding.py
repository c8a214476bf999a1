"""A layer in bfloat16 with channels last while it is trained: converted in one pass, the order of memory kept."""

import copy

import pytest
import torch

from pde_ops import GlobalLayer
from pde_ops.cpu import backend as cpu_backend
from pde_ops.cpu.rounding import Narrow, Widen, lies_rounded

if not cpu_backend.built():
    pytest.skip("no C++ compiler", allow_module_level=True)

LAST = torch.channels_last


def maps(*shape):
    torch.manual_seed(0)
    return torch.randn(shape).bfloat16().contiguous(memory_format=LAST)


def test_both_ways_and_their_gradients_keep_the_order():
    x = maps(2, 5, 4, 3).requires_grad_()
    wide = Widen.apply(x)
    assert wide.is_contiguous()
    assert torch.equal(wide, x.float())
    back = Narrow.apply(wide)
    assert back.is_contiguous(memory_format=LAST)
    assert torch.equal(back, x)
    grad = maps(2, 5, 4, 3).contiguous()
    (found,) = torch.autograd.grad(back, x, grad)
    assert found.is_contiguous(memory_format=LAST)
    assert torch.equal(found, grad)


def test_a_layer_in_training_keeps_the_order_and_is_the_float32_one_rounded():
    torch.manual_seed(0)
    layer = GlobalLayer(12, steps=2)
    other = copy.deepcopy(layer)
    x = maps(3, 12, 6, 5).requires_grad_()
    out = layer(x)
    wide = x.detach().float().contiguous().requires_grad_()
    exact = other(wide)
    assert out.is_contiguous(memory_format=LAST)
    assert torch.equal(out, exact.bfloat16())
    grad = maps(3, 12, 6, 5)
    out.backward(grad)
    exact.backward(grad.float())
    assert x.grad.is_contiguous(memory_format=LAST)
    assert torch.equal(x.grad, wide.grad.bfloat16())
    for own, its in zip(layer.parameters(), other.parameters(), strict=True):
        assert torch.equal(own.grad, its.grad)


def test_the_gradient_of_a_loss_on_the_gradient():
    x = maps(2, 4, 3, 3).requires_grad_()
    wide = Widen.apply(x)
    (grad,) = torch.autograd.grad((wide**3).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(grad.float().sum(), x)
    torch.testing.assert_close(second.float(), 6 * x.detach().float(), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize(
    "x",
    [
        maps(2, 4, 3, 3).contiguous(),
        maps(2, 4, 3, 3).float(),
        maps(2, 8, 3, 3)[:, ::2],
        maps(2, 4, 3, 3)[0],
        torch.nn.Parameter(maps(2, 4, 3, 3)),
        maps(2, 4, 3, 3).to("meta"),
    ],
)
def test_what_goes_by_torchs_own_conversions(x):
    assert not lies_rounded(x)


def test_a_compiled_layer():
    layer = GlobalLayer(16)
    x = maps(2, 16, 4, 4)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x).float(), copy.deepcopy(layer)(x).float(), rtol=1e-2, atol=1e-2)
