"""The kernel of pools equals torch's, and so do its gradients."""

import math

import pytest
import torch
from torch import nn

from pde_ops.cpu import backend
from pde_ops.cpu.training import pooling

pytestmark = pytest.mark.skipif(not backend.built(), reason="the C++ kernels are not built")


def pools(stride=1):
    return [nn.MaxPool2d(3, stride, padding=1), nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)]


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (7, 13), (1, 1), (1, 5), (2, 2), (9, 33), (16, 3)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("pool", [0, 1])
def test_it_is_torchs_and_so_is_its_gradient(size, stride, pool):
    torch.manual_seed(0)
    torchs = pools(stride)[pool]
    own = pooling.stands_for(torchs)
    x = torch.randn(3, 2, *size, requires_grad=True)
    ours, theirs = own(x), torchs(x)
    assert type(ours.grad_fn).__name__ == "_PoolBackward"
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    grad = torch.randn_like(ours).transpose(2, 3).contiguous().transpose(2, 3)
    torch.testing.assert_close(
        *(torch.autograd.grad(out, x, grad)[0] for out in (ours, theirs)), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("stride", [1, 2])
def test_of_several_largest_pixels_the_first_has_the_gradient(stride):
    torch.manual_seed(1)
    torchs = pools(stride)[0]
    x = torch.randint(3, (4, 3, 11, 14)).float().requires_grad_()
    grads = []
    for pool in (pooling.stands_for(torchs), torchs):
        out = pool(x)
        grads.append(torch.autograd.grad(out, x, torch.arange(out.numel()).view_as(out).float())[0])
    assert torch.equal(*grads)


@pytest.mark.parametrize("pool", [0, 1])
def test_what_is_not_a_number_is_passed_on(pool):
    x = torch.randn(1, 1, 9, 9)
    x[0, 0, 4, 4] = math.nan
    torchs = pools()[pool]
    assert torch.equal(pooling.stands_for(torchs)(x).isnan(), torchs(x).isnan())


@pytest.mark.parametrize("pool", [0, 1])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_types_go_through_torch(pool, dtype):
    x = torch.randn(1, 2, 6, 6).to(dtype)
    torchs = pools()[pool]
    assert torch.equal(pooling.stands_for(torchs)(x), torchs(x))


@pytest.mark.parametrize("pool", [0, 1])
def test_several_threads_give_the_same(pool):
    x, before, results = torch.randn(4, 8, 32, 32), torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(pooling.stands_for(pools()[pool])(x))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*results)


@pytest.mark.parametrize(
    "module",
    [
        nn.MaxPool2d(2), nn.MaxPool2d(3), nn.MaxPool2d(3, 3, padding=1), nn.MaxPool2d(3, 2, padding=1, ceil_mode=True),
        nn.MaxPool2d(3, 1, padding=1, return_indices=True), nn.MaxPool2d(3, 1, padding=1, dilation=2),
        nn.AvgPool2d(3, 1, padding=1), nn.AvgPool2d(3, 1, padding=1, count_include_pad=False, divisor_override=2),
        nn.Identity(),
    ],
)  # fmt: skip
def test_other_pools_are_left(module):
    assert pooling.stands_for(module) is None
