import subprocess
import sys

import pytest
import torch

from benchmarks import kernels_gpu


@pytest.mark.skipif(torch.cuda.is_available(), reason="would run the whole benchmark")
def test_without_a_gpu_it_says_what_it_would_measure():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kernels_gpu"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == kernels_gpu.WITHOUT_GPU
    assert done.stderr == ""


@pytest.mark.parametrize("bandwidth", [None, 1e6])
def test_a_row_compares_outputs_and_times(bandwidth):
    row = kernels_gpu.compare(
        (2, 3, 8, 8), torch.float32, 2, bandwidth=bandwidth, device="cpu", backend="eager", repeats=2
    )
    assert row.difference < 1e-5
    assert row.forward > 0
    assert row.both > 0
    if bandwidth is not None:
        assert row.baseline_forward == pytest.approx(7 * 4 * 2 * 3 * 64 / bandwidth)
        assert row.baseline_both == pytest.approx(20 * 4 * 2 * 3 * 64 / bandwidth)
    assert row.line().split()[:2] == ["2", "3"]


def test_largest_difference_is_relative_and_covers_all():
    a, b = torch.tensor([1.0, 4.0]), torch.tensor([1.0, 2.0])
    assert kernels_gpu.largest_difference((b, a), (b, b)) == pytest.approx(1.0)
