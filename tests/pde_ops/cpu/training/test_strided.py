"""Strided 1x1 convolutions in the channels-last order: torch's numbers, and no write beyond a buffer."""

import subprocess
import sys
from ctypes.util import find_library
from pathlib import Path

import pytest
import torch
from torch import nn

from pde_ops.cpu.training.strided import StridedConv2d, takes

HEAP_CHECKS = Path("/lib/x86_64-linux-gnu/libc_malloc_debug.so.0")
TRAINED = """
import torch
from pde_ops.cpu.training.strided import StridedConv2d
torch.set_num_threads(1)
for channels in range(1, 17):
    convolution = StridedConv2d(torch.nn.Conv2d(channels, 8, 1, stride=2)).to(memory_format=torch.channels_last)
    for _ in range(6):
        x = torch.randn(16, channels, 16, 16).contiguous(memory_format=torch.channels_last).requires_grad_()
        convolution(x).sum().backward()
        del x
print("whole")
"""


@pytest.mark.parametrize("order", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize(("size", "stride"), [((8, 8), 2), ((7, 5), 2), ((9, 8), (3, 1))])
def test_it_is_torchs_convolution(size, stride, order):
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 4, 1, stride=stride)
    x = torch.randn(3, 6, *size, dtype=torch.float64).contiguous(memory_format=order)
    exact = nn.Conv2d(6, 4, 1, stride=stride).double()
    exact.load_state_dict(plain.state_dict())
    x.requires_grad_()
    found = torch.autograd.grad(
        StridedConv2d(plain.double())(x).square().sum(), (x, plain.weight, plain.bias)
    )
    expected = torch.autograd.grad(exact(x).square().sum(), (x, exact.weight, exact.bias))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_gradients_keep_the_order_of_memory():
    x = torch.randn(2, 8, 6, 5).contiguous(memory_format=torch.channels_last).requires_grad_()
    StridedConv2d(nn.Conv2d(8, 4, 1, stride=2))(x).sum().backward()
    assert x.grad.is_contiguous(memory_format=torch.channels_last)
    assert not x.grad.is_contiguous()


@pytest.mark.parametrize(
    "other",
    [
        nn.Conv2d(4, 4, 1),
        nn.Conv2d(4, 4, 3, stride=2),
        nn.Conv2d(4, 4, 1, stride=2, groups=2),
        nn.Conv2d(4, 4, 1, stride=2, padding=1),
        nn.Identity(),
    ],
)
def test_what_it_does_not_stand_for(other):
    assert not takes(other)


@pytest.mark.skipif(not HEAP_CHECKS.exists() or find_library("c") is None, reason="needs glibc's heap checks")
def test_the_heap_stays_whole():
    """Under the same checks torch's own convolution of 2 to 7 channels ends with "free(): invalid pointer"."""
    checks = {"LD_PRELOAD": str(HEAP_CHECKS), "MALLOC_CHECK_": "3", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", TRAINED], env=checks, capture_output=True, text=True)
    assert done.stdout == "whole\n", done.stderr[-500:]
