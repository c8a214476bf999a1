"""The C++ backend against the definition in float64, over shapes, steps, settings and options."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pde_ops import integrate
from pde_ops.cpu import backend as cpu_backend
from tests.pde_ops.fields import make_fields

pytestmark = pytest.mark.skipif(not cpu_backend.built(), reason="no C++ compiler here")

PLAIN = {"steps": 3, "dt": 0.2}
NUMBERS = {"velocity_x": 0.3, "velocity_y": -0.2, "diffusivity_x": 0.4, "diffusivity_y": 1.1}


def run(data, dtype, backend, scheme, grad):
    """The result and the gradients of every tensor, in float64, and the result's type."""
    data = {
        k: v.to(dtype).requires_grad_(True) if isinstance(v, torch.Tensor) else v for k, v in data.items()
    }
    tensors = [v for v in data.values() if isinstance(v, torch.Tensor)]
    out = integrate(**data, **scheme, backend=backend)
    assert out.dtype == dtype
    return [out.detach().double(), *(g.double() for g in torch.autograd.grad(out, tensors, grad.to(dtype)))]


def close(found, expected, tolerance):
    """Each relative to its largest value, or to the largest gradient where it nearly vanishes itself."""
    floor = 0.01 * max(e.abs().max() for e in expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert ((ours - theirs).abs().max() / torch.maximum(theirs.abs().max(), floor)).item() < tolerance


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 23), st.integers(1, 23)),
    steps=st.integers(1, 7),
    dt=st.floats(0.02, 0.4),
    dx=st.integers(1, 4),
    dy=st.integers(1, 4),
    boundary=st.sampled_from(["periodic", "zero-flux"]),
    absent=st.sets(st.sampled_from(["source", "initial", *NUMBERS])),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 999),
)
def test_equals_the_definition(shape, steps, dt, dx, dy, boundary, absent, dtype, seed):
    # Rounded to float32 first, so that both see the same numbers; sum of speeds below the stability bound.
    data = {k: v.float().double() for k, v in make_fields(shape, seed, velocity=0.4).items()}
    for name in absent:
        data[name] = NUMBERS.get(name)
    grad = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).double()
    scheme = {"steps": steps, "dt": dt, "dx": dx, "dy": dy, "boundary": boundary}
    expected = run(data, torch.float64, "eager", scheme, grad)
    found = run(data, dtype, "cpu", scheme, grad)
    close(found, expected, 1e-5 if dtype == torch.float32 else 1e-12)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    planes=st.tuples(st.integers(1, 2), st.integers(1, 5)),
    rows=st.one_of(st.just(8), st.integers(1, 20)),
    registers=st.sampled_from([1, 1, 2, 2, 3, 4, 5]),
    steps=st.integers(1, 7),
    dt=st.floats(0.02, 0.4),
    dx=st.sampled_from([1, 1, 2, 7]),
    dy=st.sampled_from([0, 0, 1]),
    boundary=st.sampled_from(["periodic", "zero-flux"]),
    absent=st.sets(st.sampled_from(["source", "initial", *NUMBERS])),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    seed=st.integers(0, 999),
)
def test_rows_of_whole_registers_equal_the_definition(
    planes, rows, registers, steps, dt, dx, dy, boundary, absent, dtype, seed
):
    columns = registers * (8 if dtype == torch.float32 else 4)
    data = {k: v.float().double() for k, v in make_fields((*planes, rows, columns), seed).items()}
    for name in absent:
        data[name] = NUMBERS.get(name)
    grad = torch.randn((*planes, rows, columns), generator=torch.Generator().manual_seed(seed)).double()
    dy = dy * columns + 1 if boundary == "periodic" else 1
    scheme = {"steps": steps, "dt": dt, "dx": dx, "dy": dy, "boundary": boundary}
    expected = run(data, torch.float64, "eager", scheme, grad)
    found = run(data, dtype, "cpu", scheme, grad)
    close(found, expected, 1e-5 if dtype == torch.float32 else 1e-12)


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (3, 2, 16, 32), (1, 2, 21, 30)])
def test_bfloat16_is_integrated_in_float32(shape):
    data = make_fields(shape, seed=3, dtype=torch.bfloat16)
    wide = integrate(**{k: v.float() for k, v in data.items()}, **PLAIN, backend="cpu")
    narrow = integrate(**data, **PLAIN, backend="cpu")
    assert torch.equal(narrow, wide.bfloat16())


@pytest.mark.parametrize("size", [(8, 8), (20, 24), (7, 7)])
def test_threads_do_not_change_the_result(size):
    data = make_fields((9, 5, *size), seed=4, dtype=torch.float32)
    before = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            results.append(integrate(**data, **PLAIN, backend="cpu"))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


@pytest.mark.parametrize("size", [(8, 8), (24, 24), (7, 7)])
def test_not_a_number_stays_in_its_plane(size):
    data = make_fields((3, 4, *size), seed=5, dtype=torch.float32)
    data["h"][1, 2, 0, 0] = float("nan")
    out = integrate(**data, steps=1, dt=0.2, backend="cpu")
    broken = torch.isnan(out).flatten(2).any(-1)
    assert broken[1, 2]
    assert broken.sum() == 1


def keep_pointer(kept):
    def pack(tensor):
        kept.append(tensor.data_ptr())
        return tensor

    return pack


def test_kept_between_forward_and_backward_are_the_inputs_alone():
    for steps in (1, 20):
        data = make_fields((2, 3, 8, 8), dtype=torch.float32, grad=True)
        kept = []
        with torch.autograd.graph.saved_tensors_hooks(keep_pointer(kept), lambda t: t):
            integrate(**data, steps=steps, dt=0.2, backend="cpu")
        assert sorted(kept) == sorted(v.data_ptr() for v in data.values())


def test_the_compiler_is_not_imported_until_asked_for():
    program = (
        "import sys, torch; from pde_ops import GlobalLayer; GlobalLayer(2)(torch.ones(2, 2, 4, 4)); "
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_types_it_lacks_fall_back_or_are_refused():
    data = make_fields((1, 1, 4, 4), dtype=torch.float16)
    assert integrate(**data, **PLAIN).dtype == torch.float16
    with pytest.raises(ValueError, match=r"backend='cpu' cannot run: it has no torch\.float16"):
        integrate(**data, **PLAIN, backend="cpu")
