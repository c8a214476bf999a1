"""What holds of all convolutions by kernels: only what is wanted is computed, and threads change nothing."""

import pytest
import torch
from torch import nn

from pde_ops.cpu import backend
from pde_ops.cpu.training.dense import DenseConv2d
from pde_ops.cpu.training.pointwise import PointwiseConv2d

pytestmark = [
    pytest.mark.skipif(not backend.built(), reason="the C++ kernels are not built"),
    pytest.mark.parametrize(("own", "kernel"), [(PointwiseConv2d, 1), (DenseConv2d, 3)]),
]


def conv(channels, outputs, kernel):
    return nn.Conv2d(channels, outputs, kernel, padding=kernel // 2, bias=False)


@pytest.mark.parametrize("wanted", ["x", "weight"])
def test_only_the_wanted_gradient_is_computed(own, kernel, wanted):
    torch.manual_seed(0)
    convolution = conv(4, 6, kernel)
    x = torch.randn(2, 4, 5, 5, requires_grad=wanted == "x")
    convolution.weight.requires_grad_(wanted == "weight")
    of = x if wanted == "x" else convolution.weight
    found, expected = (
        torch.autograd.grad(made(x).square().sum(), of)[0] for made in (own(convolution), convolution)
    )
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_several_threads_give_the_same(own, kernel):
    convolution, x = conv(16, 32, kernel), torch.randn(5, 16, 32, 32, requires_grad=True)
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            out = own(convolution)(x)
            results.append((out, *torch.autograd.grad(out.square().sum(), (x, convolution.weight))))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(*pair) for pair in zip(results[0][:2], results[1][:2], strict=True))
    torch.testing.assert_close(results[0][2], results[1][2], rtol=1e-4, atol=1e-3)
