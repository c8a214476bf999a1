"""Training by the C++ kernels: a batch norm equals torch's, and a network's parts are replaced for a while."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pde_ops import GlobalLayer
from pde_ops.cpu import backend
from pde_ops.cpu.training.depthwise import DepthwiseConv2d
from pde_ops.cpu.training.kernels import training_kernels
from pde_ops.cpu.training.norm import BatchNormReLU, _takes_map
from search_space import sample

pytestmark = pytest.mark.skipif(not backend.built(), reason="the C++ kernels are not built")


@pytest.mark.parametrize("size", [(32, 32), (16, 16), (8, 8), (7, 5), (1, 1), (1, 3), (33, 17)])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_a_norm_is_torchs_and_so_are_its_gradients(size, relu, offset):
    torch.manual_seed(0)
    x = (torch.randn(6, 5, *size) * 3 + offset).requires_grad_()
    norm = nn.BatchNorm2d(5, momentum=0.3)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    exact = copy.deepcopy(norm).double()
    quick = BatchNormReLU(norm, relu=relu)
    ours, theirs = quick(x), exact(x.double())
    theirs = F.relu(theirs) if relu else theirs
    tolerance = 1e-3 if offset else 1e-5  # as far as float32 can tell values near the offset apart
    torch.testing.assert_close(ours.double(), theirs, rtol=tolerance, atol=tolerance)
    grad = (
        torch.randn_like(ours).transpose(2, 3).contiguous().transpose(2, 3)
    )  # as a sum or a mean may give it
    found = torch.autograd.grad(ours, (x, norm.weight, norm.bias), grad)
    expected = torch.autograd.grad(theirs, (x, exact.weight, exact.bias), grad.double())
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.double(), other.double(), rtol=10 * tolerance, atol=10 * tolerance)
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        one, other = getattr(norm, name), getattr(exact, name)
        torch.testing.assert_close(one.double(), other.double(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [(32, 32), (8, 8), (7, 5), (1, 3), (33, 17)])
@pytest.mark.parametrize("channels", [2, 5, 10, 16, 64])
@pytest.mark.parametrize(("relu", "offset"), [(False, 0.0), (True, 0.0), (True, 100.0)])
def test_a_norm_in_bfloat16_with_channels_last_is_torchs_up_to_rounding(size, channels, relu, offset):
    torch.manual_seed(0)
    x = (
        (torch.randn(6, channels, *size) * 3 + offset)
        .bfloat16()
        .contiguous(memory_format=torch.channels_last)
    )
    x.requires_grad_()
    norm = nn.BatchNorm2d(channels, momentum=0.3)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    exact = copy.deepcopy(norm).double()
    quick = BatchNormReLU(norm, relu=relu)
    assert _takes_map(x)
    ours, theirs = quick(x), exact(x.double())
    theirs = F.relu(theirs) if relu else theirs
    assert ours.dtype is torch.bfloat16
    assert ours.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(ours.double(), theirs, rtol=5e-3, atol=5e-3)
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        one, other = getattr(norm, name), getattr(exact, name)
        torch.testing.assert_close(one.double(), other.double(), rtol=1e-4, atol=1e-5)
    grad = torch.randn_like(ours).contiguous()  # as a sum or a mean may give it
    found = torch.autograd.grad(ours, (x, norm.weight, norm.bias), grad)
    expected = torch.autograd.grad(theirs, (x, exact.weight, exact.bias), grad.double())
    assert [each.dtype for each in found] == [torch.bfloat16, torch.float32, torch.float32]
    near_zero = 1e-2 * max(1.0, offset / 10)  # where the ReLU bends, one bit decides
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.double(), other.double(), rtol=1e-2, atol=near_zero)


def test_not_a_number_passes_a_norm_in_bfloat16():
    x = torch.randn(4, 3, 8, 8).bfloat16().contiguous(memory_format=torch.channels_last)
    x[0, 1, 2, 3] = float("nan")
    norm = nn.BatchNorm2d(3)
    out = BatchNormReLU(norm, relu=True)(x)
    assert torch.isnan(norm.running_var).tolist() == [False, True, False]
    assert torch.isnan(out).any((0, 2, 3)).tolist() == [False, True, False]


def test_a_first_pixel_far_from_all_others_does_no_harm():
    x = torch.randn(4, 1, 16, 16)
    x[0, 0, 0, 0] = 1e4
    out, exact = BatchNormReLU(nn.BatchNorm2d(1))(x), nn.BatchNorm2d(1).double()(x.double())
    torch.testing.assert_close(out.double(), exact, rtol=1e-4, atol=1e-5)


def test_in_evaluation_it_is_torchs_own():
    norm = nn.BatchNorm2d(3)
    norm(torch.randn(4, 3, 8, 8))
    norm.eval()
    x = torch.randn(2, 3, 8, 8)
    assert torch.equal(BatchNormReLU(norm, relu=True)(x), F.relu(norm(x)))


@pytest.mark.parametrize("x", [torch.randn(4, 3, 6, 6).bfloat16(), torch.randn(1, 3, 1, 1)])
def test_what_it_does_not_take_is_torchs(x):
    norm = nn.BatchNorm2d(3)
    try:
        expected = copy.deepcopy(norm)(x)
    except ValueError as error:  # one value a channel
        with pytest.raises(ValueError, match=str(error)[:30]):
            BatchNormReLU(norm)(x)
    else:
        assert torch.equal(BatchNormReLU(norm)(x), expected)


@pytest.mark.parametrize("rounded", [False, True])
def test_several_threads_give_the_same(rounded):
    x, norm, before, results = torch.randn(40, 40, 9, 9), nn.BatchNorm2d(40), torch.get_num_threads(), []
    if rounded:
        x = x.bfloat16().contiguous(memory_format=torch.channels_last)
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(BatchNormReLU(norm)(x))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*results)


class Net(nn.Module):
    """A norm and two convolutions that the kernels take, and what they do not: biased, of groups, with another padding,
    not square; a norm without parameters, and one of a global layer."""

    def __init__(self):
        super().__init__()
        conv = nn.Conv2d
        self.first = nn.Sequential(conv(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU())
        self.taken = nn.Sequential(
            conv(6, 6, 5, 2, padding=2, groups=6, bias=False),
            conv(6, 6, 3, padding=2, dilation=2, groups=6, bias=False),
        )
        self.left = nn.Sequential(
            conv(6, 6, 3, padding=1, groups=6), conv(6, 6, 3, padding=1, groups=3, bias=False),
            conv(6, 6, 3, groups=6, bias=False), conv(6, 6, (1, 3), padding=(0, 1), groups=6, bias=False),
        )  # fmt: skip
        self.norms = nn.Sequential(
            nn.BatchNorm2d(6, affine=False), nn.ReLU(), GlobalLayer(6), nn.BatchNorm2d(6)
        )

    def forward(self, x):
        return self.norms(self.left(self.taken(self.first(x)))).mean((2, 3))


def test_a_networks_convolutions_are_the_kernels_for_a_while():
    torch.manual_seed(0)
    network, x = Net(), torch.randn(4, 3, 16, 16)
    names, weights = [n for n, _ in network.named_parameters()], list(network.parameters())
    types = [type(part) for part in network.modules()]
    before = copy.deepcopy(network)
    plain = torch.autograd.grad(before(x).square().sum(), list(before.parameters()))
    with training_kernels(network):
        assert [n for n, _ in network.named_parameters()] == names
        assert all(one is other for one, other in zip(network.parameters(), weights, strict=True))
        assert [type(part) is DepthwiseConv2d for part in [*network.taken, *network.left]] == [True] * 2 + [
            False
        ] * 4
        assert [type(part) for part in network.first] == [nn.Conv2d, BatchNormReLU, nn.Identity]
        assert [type(part) for part in network.norms] == [nn.BatchNorm2d, nn.ReLU, GlobalLayer, BatchNormReLU]
        assert type(network.norms[2].out_norm) is nn.BatchNorm2d
        quick = torch.autograd.grad(network(x).square().sum(), weights)
        network.eval()
    for one, other in zip(plain, quick, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert [type(part) for part in network.modules()] == types
    for one, other in zip(network.buffers(), before.buffers(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert not any(part.training for part in network.modules())
    assert [n for n, _ in network.named_parameters()] == names
    with pytest.raises(ZeroDivisionError), training_kernels(network):
        1 / 0  # noqa: B018
    assert [type(part) for part in network.modules()] == types


@pytest.mark.parametrize("space", ["tiny-global", "darts-global", "mobilenet-v2-global"])
def test_a_step_of_a_network_is_as_without(space):
    """A rounding that moves one value of a deep network across a ReLU's zero moves the gradients by a thousandth, by
    torch's own operations too; so the nearest of several steps is looked at."""
    network = sample(space, 3, image=(3, 32, 32)).build(0)
    exact = copy.deepcopy(network).double()

    def step(model, images):
        gradients = torch.autograd.grad(
            model(images).square().sum(), list(model.parameters()), allow_unused=True
        )
        return torch.cat([g.flatten().double() for g in gradients if g is not None])

    errors, torchs = [], []
    for seed in range(4):
        x = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(seed))
        wanted = step(exact, x.double())
        torchs.append(float((step(network, x) - wanted).norm() / wanted.norm()))
        with training_kernels(network):
            assert any(isinstance(part, BatchNormReLU | DepthwiseConv2d) for part in network.modules())
            errors.append(float((step(network, x) - wanted).norm() / wanted.norm()))
    assert min(errors) < 1e-5 + 3 * min(torchs), (errors, torchs)
