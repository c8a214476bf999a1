"""Operations of a supernet by the kernels compute what they did."""

import copy

import pytest
import torch
from torch import nn

from pde_ops.cpu.training.depthwise import DepthwiseConv2d
from pde_ops.cpu.training.kernels import put_kernels, training_kernels
from pde_ops.cpu.training.norm import BatchNormReLU
from search_space.primitives.registry import get_primitive


@pytest.mark.parametrize(
    "name",
    [
        "sep_conv_3x3",
        "sep_conv_5x5",
        "dil_conv_3x3",
        "dil_conv_5x5",
        "global_3",
        "max_pool_3x3",
        "avg_pool_3x3",
    ],
)
@pytest.mark.parametrize("stride", [1, 2])
def test_an_operation_is_as_before(name, stride):
    torch.manual_seed(0)
    plain = get_primitive(name)(4, stride)
    fused = copy.deepcopy(plain)
    put_kernels(fused)
    assert [n for n, _ in plain.named_parameters()] == [n for n, _ in fused.named_parameters()]
    changed = sum(isinstance(module, DepthwiseConv2d) for module in fused.modules())
    assert changed == {"sep": 2, "dil": 1, "glo": stride - 1}.get(name[:3], 0)
    norms = sum(isinstance(module, BatchNormReLU) for module in fused.modules())
    assert norms == {"sep": 2, "dil": 1, "glo": stride - 1}.get(name[:3], 0)
    x = torch.randn(2, 4, 9, 9, requires_grad=True)
    results = [module(x) for module in (plain, fused)]
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-5)
    gradients = [
        torch.autograd.grad(result.square().sum(), [x, *module.parameters()])
        for result, module in zip(results, (plain, fused), strict=True)
    ]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)
    for one, other in zip(plain.buffers(), fused.buffers(), strict=True):
        torch.testing.assert_close(one, other)
    results = [module.eval()(x) for module in (plain, fused)]
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-5)


def test_what_is_not_depthwise_stays():
    module = nn.Sequential(nn.ReLU(), nn.Conv2d(4, 4, 1, bias=False), nn.ReLU(), nn.Conv2d(4, 4, 3, groups=4))
    put_kernels(module)
    assert not any(isinstance(part, DepthwiseConv2d) for part in module)


@pytest.mark.parametrize("name", ["depthwise_3x3", "depthwise_split"])
@pytest.mark.parametrize("hooked", [False, True])
def test_a_norm_at_the_end_of_an_operation_takes_over_the_relu_behind_it(name, hooked):
    torch.manual_seed(0)
    plain = nn.Sequential(get_primitive(name)(5, 1), nn.ReLU())
    seen = []
    if hooked:  # who listens to the operation wants what it is without the ReLU
        plain[0].register_forward_hook(lambda module, given, out: seen.append(float(out.detach().min())))
    fused = copy.deepcopy(plain)
    with training_kernels(fused):
        assert fused[0].norm.relu is not hooked
        assert isinstance(fused[1], nn.ReLU if hooked else nn.Identity)
        x = torch.randn(3, 5, 9, 9)
        one, other = plain(x), fused(x)
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
        assert float(one.detach().min()) == 0
        gradients = [
            torch.autograd.grad(out.square().sum(), list(module.parameters()))
            for out, module in ((one, plain), (other, fused))
        ]
        for of_plain, of_fused in zip(*gradients, strict=True):
            torch.testing.assert_close(of_plain, of_fused, rtol=1e-3, atol=1e-3)
    assert all(value < 0 for value in seen)
    assert [type(module) for module in fused.modules()] == [type(module) for module in plain.modules()]
