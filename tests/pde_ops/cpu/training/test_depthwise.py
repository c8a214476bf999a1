"""The kernel of a depthwise convolution, behind a ReLU or not, equals torch's, and so do its gradients."""

import pytest
import torch
from torch.nn import functional as F

from pde_ops.cpu import backend
from pde_ops.cpu.training import depthwise

pytestmark = pytest.mark.skipif(not backend.built(), reason="the C++ kernels are not built")


def by_torch(x, weight, stride, dilation, relu):
    padding = dilation * (weight.shape[2] // 2)
    return F.conv2d(F.relu(x) if relu else x, weight, None, stride, padding, dilation, groups=x.shape[1])


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (7, 13), (1, 1), (5, 9), (16, 33)])
@pytest.mark.parametrize(("kernel", "dilation"), [(3, 1), (5, 1), (3, 2), (5, 2), (7, 1)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("relu", [False, True])
def test_it_is_torchs_and_so_are_its_gradients(size, kernel, dilation, stride, relu):
    torch.manual_seed(0)
    x = torch.randn(3, 5, *size, requires_grad=True)
    weight = torch.randn(5, 1, kernel, kernel, requires_grad=True)
    assert depthwise._taken(x, weight, stride)
    ours = depthwise.depthwise(x, weight, stride=stride, dilation=dilation, relu=relu)
    theirs = by_torch(x.double(), weight.double(), stride, dilation, relu)
    torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-5)
    grad = torch.randn_like(ours)
    found = torch.autograd.grad(ours, (x, weight), grad)
    expected = torch.autograd.grad(theirs, (x, weight), grad.double())
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_only_the_wanted_gradients_are_computed():
    x, weight = torch.randn(1, 2, 6, 6, requires_grad=True), torch.randn(2, 1, 3, 3)
    depthwise.depthwise(x, weight).sum().backward()
    assert weight.grad is None
    assert x.grad is not None


def test_several_threads_give_the_same():
    x, weight = torch.randn(4, 8, 32, 32), torch.randn(8, 1, 5, 5)
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(depthwise.depthwise(x, weight))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*results)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_types_go_through_torch(dtype):
    x, weight = torch.randn(1, 2, 6, 6, dtype=dtype), torch.randn(2, 1, 3, 3, dtype=dtype)
    torch.testing.assert_close(depthwise.depthwise(x, weight), by_torch(x, weight, 1, 1, False))
