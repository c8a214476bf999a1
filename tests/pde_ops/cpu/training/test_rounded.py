"""Convolutions in bfloat16 between float32 layers: the conversions are torch's, and so are the sums."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pde_ops import GlobalLayer
from pde_ops.cpu import backend
from pde_ops.cpu.rounding import from_rounded, to_rounded
from pde_ops.cpu.training.kernels import has_float32_kernels, training_kernels
from pde_ops.cpu.training.rounded import RoundedConv2d, takes

pytestmark = pytest.mark.skipif(not backend.built(), reason="the C++ kernels are not built")


@pytest.mark.parametrize(
    "shape", [(3, 10, 32, 32), (2, 9, 17, 16), (1, 1, 1, 1), (2, 7, 5, 3), (5, 64, 8, 8), (2, 3, 40, 50)]
)
def test_the_conversions_are_torchs(shape):
    torch.manual_seed(0)
    x = torch.randn(*shape) * 10.0 ** torch.randint(-30, 30, shape)
    rounded = to_rounded(x)
    assert rounded.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(rounded, x.bfloat16())
    assert from_rounded(rounded).is_contiguous()
    assert torch.equal(from_rounded(rounded), x.bfloat16().float())


def test_values_at_the_ends_of_float32():
    x = torch.tensor([float("inf"), -float("inf"), 0.0, -0.0, 1e-45, 3.4e38, 1.00390625, 1.01171875]).reshape(
        1, 8, 1, 1
    )
    assert torch.equal(to_rounded(x), x.bfloat16())
    assert torch.equal(torch.signbit(to_rounded(x)), torch.signbit(x))
    assert to_rounded(torch.full((1, 5, 1, 1), float("nan"))).isnan().all()


def test_any_order_of_memory_is_taken():
    x = torch.randn(2, 6, 8, 10).transpose(2, 3)
    assert torch.equal(to_rounded(x), x.bfloat16())
    assert torch.equal(from_rounded(x.bfloat16().contiguous()), x.bfloat16().float())


@pytest.mark.parametrize(
    "settings",
    [
        {"padding": 1},
        {"padding": 1, "stride": 2},
        {"padding": 2, "dilation": 2},
        {"kernel_size": 5},
        {"kernel_size": (3, 5)},
    ],
    ids=str,
)
def test_a_convolution_and_its_gradients_are_those_of_autocast(settings):
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 8, **{"kernel_size": 3, **settings}, bias=False)
    quick, x = RoundedConv2d(copy.deepcopy(plain)), torch.randn(4, 6, 33, 34, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        expected = plain(x)
    found = quick(x)
    assert found.dtype == torch.float32
    # Where the processor has no instructions for it, oneDNN adds up in another order for another order of memory.
    torch.testing.assert_close(found, expected.float(), rtol=2**-7, atol=1e-3)
    assert float((found != expected.float()).float().mean()) < 1e-3
    grad = torch.randn_like(found)
    ours = torch.autograd.grad(found, (x, quick.weight), grad)
    theirs = torch.autograd.grad(expected, (x, plain.weight), grad.bfloat16())
    for one, other in zip(ours, theirs, strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one, other.float(), rtol=1e-2, atol=1e-2 * float(other.abs().max()))


def test_small_maps_of_few_channels_and_evaluation_are_float32():
    plain = nn.Conv2d(8, 8, 3, padding=1, bias=False)
    quick, small, large = RoundedConv2d(plain), torch.randn(2, 8, 8, 8), torch.randn(2, 8, 16, 16)
    assert torch.equal(quick(small), plain(small))
    assert not torch.equal(quick(large), plain(large))
    assert torch.equal(quick.eval()(large), plain(large))
    quick.train()
    with torch.autocast("cpu", torch.bfloat16):
        assert quick(large).dtype == torch.bfloat16


@pytest.mark.parametrize(
    "convolution",
    [
        nn.Conv2d(3, 8, 3, bias=False), nn.Conv2d(8, 8, 1, bias=False), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 8, 3, groups=2, bias=False),
        nn.Conv2d(8, 8, 3, padding="same", bias=False), nn.Conv2d(8, 8, 3, padding=1, padding_mode="circular", bias=False),
        nn.Conv2d(8, 8, 3, bias=False).double(), nn.Conv1d(8, 8, 3, bias=False), None,
    ],
    ids=str,
)  # fmt: skip
def test_what_is_left_to_torch(convolution):
    assert not takes(convolution)


def test_a_network_is_rounded_while_it_is_asked_for():
    network = nn.Sequential(nn.Conv2d(4, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), GlobalLayer(8))
    with training_kernels(network):
        assert type(network[0]) is nn.Conv2d
    with training_kernels(network, bf16=True):
        assert type(network[0]) is RoundedConv2d
        F.mse_loss(network(torch.randn(2, 4, 20, 20)), torch.zeros(2, 8, 18, 18)).backward()
    assert type(network[0]) is nn.Conv2d
    assert network[0].weight.grad.dtype == torch.float32


def test_what_has_float32_kernels():
    assert has_float32_kernels(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False)))
    assert not has_float32_kernels(nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), GlobalLayer(4)))
