"""The kernel of a dense 3x3 convolution equals torch's, and so do its gradients."""

import copy

import pytest
import torch
from torch import nn

from pde_ops.cpu import backend
from pde_ops.cpu.training import dense
from pde_ops.cpu.training.dense import DenseConv2d, takes
from pde_ops.cpu.training.kernels import training_kernels

pytestmark = pytest.mark.skipif(not backend.built(), reason="the C++ kernels are not built")


def conv(channels, outputs, **more):
    return nn.Conv2d(channels, outputs, 3, **{"padding": 1, "bias": False} | more)


@pytest.mark.parametrize(
    ("n", "size", "channels", "outputs"),
    [
        (3, (8, 8), 10, 10), (2, (32, 32), 3, 5), (5, (7, 13), 9, 1), (1, (1, 1), 17, 33), (2, (5, 9), 1, 7),
        (70, (9, 8), 24, 10), (2, (16, 33), 40, 40), (9, (2, 15), 2, 3), (4, (3, 40), 6, 4), (17, (8, 8), 12, 16),
    ],
)  # fmt: skip
def test_it_is_torchs_and_so_are_its_gradients(n, size, channels, outputs):
    torch.manual_seed(0)
    convolution = conv(channels, outputs)
    exact = copy.deepcopy(convolution).double()
    x = torch.randn(n, channels, *size, requires_grad=True)
    ours, theirs = DenseConv2d(convolution)(x), exact(x.double())
    assert type(ours.grad_fn).__name__ == "ConvolutionBackward"
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-5)
    grad = torch.randn_like(ours).transpose(2, 3).contiguous().transpose(2, 3)
    found = torch.autograd.grad(ours, (x, convolution.weight), grad)
    expected = torch.autograd.grad(theirs, (x, exact.weight), grad.double())
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.double(), other.double(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("outputs", range(1, 19))
def test_any_number_of_channels(outputs):
    """Groups of outputs of every size that occurs, in both directions."""
    torch.manual_seed(outputs)
    convolution, x = conv(outputs, 19 - outputs), torch.randn(2, outputs, 5, 6, requires_grad=True)
    found, expected = (
        torch.autograd.grad(made(x).square().sum(), (x, convolution.weight))
        for made in (DenseConv2d(convolution), convolution)
    )
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_a_long_sum_is_exact():
    convolution = conv(1, 1)
    x = torch.full((64, 1, 64, 64), 0.1)
    (grad,) = torch.autograd.grad(DenseConv2d(convolution)(x).sum(), convolution.weight)
    assert float(grad[0, 0, 1, 1]) == pytest.approx(float(x.double().sum()), rel=1e-5)


def test_what_is_not_a_number_stays_where_the_taps_reach():
    x = torch.zeros(1, 1, 6, 9)
    x[0, 0, 2, 7] = torch.nan
    assert torch.equal(DenseConv2d(conv(1, 2))(x).isnan(), conv(1, 2)(x).isnan())


@pytest.mark.parametrize(
    "module",
    [
        conv(4, 4, bias=True), conv(4, 4, stride=2), conv(4, 4, padding=0), conv(4, 4, groups=2), conv(41, 40),
        conv(4, 4, dilation=2, padding=2), conv(4, 4, padding="same"), conv(4, 4, padding_mode="circular"),
        conv(4, 4).double(), nn.Conv2d(4, 4, 5, padding=2, bias=False), nn.Identity(),
    ],
)  # fmt: skip
def test_other_modules_are_left(module):
    assert not takes(module)


def test_what_it_does_not_take_is_torchs():
    convolution = conv(4, 4)
    own, x = DenseConv2d(convolution), torch.randn(4, 6, 6)
    assert torch.equal(own(x), convolution(x))  # an image without a batch
    large = torch.randn(1, 4, 65, 64)
    assert type(own(large).grad_fn).__name__ == "ConvolutionBackward0"
    with torch.autocast("cpu", torch.bfloat16):
        assert own(x[None]).dtype == torch.bfloat16
    with pytest.raises(RuntimeError, match="channels"):
        own(torch.randn(1, 3, 6, 6))


@pytest.mark.parametrize(("pays", "kind"), [(True, DenseConv2d), (False, nn.Conv2d)])
def test_a_network_has_it_where_it_pays(monkeypatch, pays, kind):
    monkeypatch.setattr(dense, "pays", lambda: pays)
    network = nn.Sequential(conv(3, 10), nn.Conv2d(10, 4, 3))
    with training_kernels(network):
        assert [type(layer) for layer in network] == [kind, nn.Conv2d]
