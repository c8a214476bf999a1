"""The kernel of a 1x1 convolution equals torch's, and so do its gradients."""

import copy

import pytest
import torch
from torch import nn

from pde_ops.cpu import backend
from pde_ops.cpu.training.kernels import training_kernels
from pde_ops.cpu.training.pointwise import PointwiseConv2d, takes

pytestmark = pytest.mark.skipif(not backend.built(), reason="the C++ kernels are not built")


@pytest.mark.parametrize(
    ("n", "size", "channels", "outputs"),
    [
        (3, (8, 8), 8, 16), (2, (32, 32), 3, 5), (5, (7, 13), 9, 1), (1, (1, 1), 17, 33), (2, (5, 9), 1, 7),
        (70, (9, 8), 24, 10), (2, (16, 33), 64, 64),
    ],
)  # fmt: skip
def test_it_is_torchs_and_so_are_its_gradients(n, size, channels, outputs):
    torch.manual_seed(0)
    convolution = nn.Conv2d(channels, outputs, 1, bias=False)
    exact = copy.deepcopy(convolution).double()
    x = torch.randn(n, channels, *size, requires_grad=True)
    ours, theirs = PointwiseConv2d(convolution)(x), exact(x.double())
    assert type(ours.grad_fn).__name__ == "ConvolutionBackward"
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-5)
    grad = torch.randn_like(ours).transpose(2, 3).contiguous().transpose(2, 3)
    found = torch.autograd.grad(ours, (x, convolution.weight), grad)
    expected = torch.autograd.grad(theirs, (x, exact.weight), grad.double())
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.double(), other.double(), rtol=1e-4, atol=1e-4)


def test_a_long_sum_is_exact():
    convolution = nn.Conv2d(1, 1, 1, bias=False)
    x = torch.full((64, 1, 64, 64), 0.1)
    (grad,) = torch.autograd.grad(PointwiseConv2d(convolution)(x).sum(), convolution.weight)
    assert float(grad) == pytest.approx(float(x.double().sum()), rel=1e-6)


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1, stride=2, bias=False), nn.Conv2d(4, 4, 3, padding=1, bias=False),
        nn.Conv2d(4, 4, 1, groups=2, bias=False), nn.Conv2d(4, 4, 1, padding=1, bias=False),
        nn.Conv2d(65, 64, 1, bias=False), nn.Conv2d(4, 4, 1, bias=False).double(), nn.Identity(),
    ],
)  # fmt: skip
def test_other_modules_are_left(module):
    assert not takes(module)


def test_what_it_does_not_take_is_torchs():
    convolution = nn.Conv2d(4, 4, 1, bias=False)
    own, x = PointwiseConv2d(convolution), torch.randn(4, 6, 6)
    assert torch.equal(own(x), convolution(x))  # an image without a batch
    with torch.autocast("cpu", torch.bfloat16):
        assert own(x[None]).dtype == torch.bfloat16
    with pytest.raises(RuntimeError, match="channels"):
        own(torch.randn(1, 3, 6, 6))


class Penalised(nn.Module):
    """Its loss on a gradient is differentiated once more."""

    extra_loss = None

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False), nn.MaxPool2d(3, 1, padding=1))


def test_a_loss_on_a_jacobian_keeps_torchs():
    network = Penalised()
    with training_kernels(network):
        assert [type(layer) for layer in network.layers] == [nn.Conv2d, nn.MaxPool2d]
