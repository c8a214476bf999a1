"""Strided 1x1 convolutions of few channels are trained in channels_last within their memory."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from pde_ops.cpu import strided
from pde_ops.cpu.strided import StridedPointwise

ROOT = Path(__file__).resolve().parents[3]
# Each is trained in a process of its own kind, since what is written beyond a tensor ends the process.
TRAIN = """
import os, torch
from torch import nn
from pde_ops.cpu.training_kernels import training_kernels
failed = []
for channels in range(2, 17):
    process = os.fork()
    if not process:
        network = nn.Sequential(nn.Conv2d(channels, 8, 1, stride=2, bias=False)).to(memory_format=torch.channels_last)
        with training_kernels(network):
            for _ in range(4):
                x = torch.randn(4, channels, 8, 8).contiguous(memory_format=torch.channels_last).requires_grad_()
                network(x).square().sum().backward()
                kept = [torch.randn(37 + 7 * size) for size in range(60)]
        os._exit(0)
    if os.waitpid(process, 0)[1]:
        failed.append(channels)
print(failed)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_no_memory_is_overrun():
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MALLOC_PERTURB_": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", TRAIN],
        capture_output=True,
        text=True,
        timeout=250,
        env=environment,
        check=False,
    )
    assert done.stdout.split("\n")[-2:] == ["[]", ""], done.stderr


@pytest.mark.parametrize("stride", [2, 3, (1, 2)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_values_and_gradients_are_those_of_the_convolution(stride, layout):
    torch.manual_seed(0)
    plain = nn.Conv2d(7, 5, 1, stride=stride)
    quick = StridedPointwise(copy.deepcopy(plain))
    x = torch.randn(3, 7, 9, 9).requires_grad_()  # of 7 channels and 9 rows torch's own is right, too
    found, expected = quick(x.contiguous(memory_format=layout)), plain(x)
    torch.testing.assert_close(found, expected)
    grad = torch.randn_like(expected)
    inputs = [(x, own.weight, own.bias) for own in (quick, plain)]
    for one, other in zip(
        torch.autograd.grad(found, inputs[0], grad),
        torch.autograd.grad(expected, inputs[1], grad),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("module", "taken"),
    [
        (nn.Conv2d(4, 8, 1, stride=2), True),
        (nn.Conv2d(15, 8, 1, stride=(1, 2), bias=False), True),
        (nn.Conv2d(16, 8, 1, stride=2), False),
        (nn.Conv2d(4, 8, 1), False),
        (nn.Conv2d(4, 8, 3, stride=2), False),
        (nn.Conv2d(4, 8, 1, stride=2, padding=1), False),
        (nn.Conv2d(4, 8, 1, stride=2, groups=2), False),
        (nn.Linear(4, 8), False),
        (None, False),
    ],
)
def test_others_are_left_alone(module, taken):
    assert strided.takes(module) is taken
