"""The kernels compile for real GPUs (no GPU needed), and to what they should."""

import pytest
import torch

from benchmarks.kernels_ptx import compile_both
from tests.pde_ops.triton.modes import kernels


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    with kernels(interpret=False):
        yield


@pytest.mark.parametrize(
    ("dtype", "capability"), [(torch.float32, 80), (torch.bfloat16, 90), (torch.float16, 90)]
)
def test_small_planes_take_shuffles_alone(dtype, capability):
    found = compile_both((8, 8), dtype=dtype, capability=capability, steps=2, number_diffusivity=True)
    assert [c.kernel for c in found] == ["forward_kernel", "backward_kernel"]
    for c in found:
        assert c.shuffles > 0
        assert (c.spilled, c.shared, c.barriers) == (0, 0, 0)
        if dtype != torch.float32:  # rounded to nearest, not truncated
            assert f"cvt.rn.{'bf16' if dtype == torch.bfloat16 else 'f16'}" in c.ptx


def test_wide_planes_exchange_only_group_edges_through_shared_memory():
    forward, backward = compile_both((32, 32), boundary="zero-flux")
    assert forward.spilled == backward.spilled == 0
    # Two edges of four bytes a thread.
    assert forward.shared == forward.warps * 32 * 8
    assert backward.shared == backward.warps * 32 * 8
    assert backward.resident_warps >= 16


def test_no_memory_grows_with_the_steps():
    few, many = (compile_both((16, 16), steps=steps, minimal=True) for steps in (2, 20))
    assert [c.shared for c in few] == [c.shared for c in many]
    assert all(c.spilled == 0 for c in few + many)


@pytest.mark.parametrize("options", [{}, {"minimal": True}])
def test_planes_beyond_the_chip(options):
    found = compile_both((70, 70), steps=3, **options)
    assert {c.kernel for c in found} == {"step_kernel", "adjoint_kernel", "finish_kernel"}
    assert all(c.spilled == 0 and c.shared == 0 for c in found)


@pytest.mark.parametrize("size", [(1, 1), (13, 13), (5, 40)])
def test_odd_sizes_and_absent_fields(size):
    for c in compile_both(size, steps=1, minimal=True):
        assert c.spilled == 0
