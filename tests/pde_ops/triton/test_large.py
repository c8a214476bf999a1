"""One launch a step, for planes beyond the chip, run by Triton's interpreter."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pde_ops.eager import BOUNDARIES
from pde_ops.triton import backend as triton_backend
from pde_ops.triton import launch
from tests.pde_ops.triton.modes import errors, kernels, random_fields, scheme

TOLERANCE = 1e-5


class Large:
    """`large` for planes of any size."""

    @staticmethod
    def forward(fields, scheme):
        from pde_ops.triton import large

        return large.forward(fields, scheme, triton_backend.scales(scheme))

    @staticmethod
    def backward(grad, fields, scheme, needed):
        from pde_ops.triton import large

        return large.backward(grad, fields, scheme, triton_backend.scales(scheme), needed)


@pytest.fixture(scope="module", autouse=True)
def _interpreted():
    with kernels(interpret=True):
        yield


@settings(max_examples=10, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 9), st.integers(1, 9)),
    steps=st.integers(1, 4),
    dt=st.floats(0.01, 0.5),
    dx=st.integers(1, 10),
    dy=st.integers(1, 10),
    boundary=st.sampled_from(BOUNDARIES),
    source=st.booleans(),
    initial=st.booleans(),
    numbers=st.sets(st.integers(0, 3)),
    seed=st.integers(0, 2**16),
)
def test_any_shape_and_option(shape, steps, dt, dx, dy, boundary, source, initial, numbers, seed):
    grad, fields = random_fields(shape, seed=seed, source=source, initial=initial, numbers=numbers)
    assert max(errors(grad, fields, scheme(steps, dt, dx, dy, boundary), Large)) < TOLERANCE


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_the_backend_takes_it_for_planes_beyond_the_chip(boundary):
    assert triton_backend.backward_plan(70, 67, 1, 2, boundary == "periodic") is None
    grad, fields = random_fields((1, 1, 70, 67), initial=False)
    assert max(errors(grad, fields, scheme(2, dy=2, boundary=boundary))) < TOLERANCE


# Triton's interpreter truncates to bfloat16 where a GPU rounds: a whole unit in the last place, not half.
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 2**-7), (torch.float16, 2**-11)])
def test_half_precision_is_rounded_once(dtype, tolerance):
    grad, fields = random_fields((1, 2, 8, 8), dtype=dtype)
    assert max(errors(grad, fields, scheme(4), Large)) <= tolerance


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_inputs_stay_as_they_were(dtype):
    grad, fields = random_fields((1, 1, 6, 6), dtype=dtype)
    copies = [grad.clone(), *(field.clone() for field in fields)]
    Large.forward(fields, scheme(4))
    Large.backward(grad, fields, scheme(4), (True,) * 7)
    assert all(torch.equal(a, b) for a, b in zip((grad, *fields), copies, strict=True))


def test_number_of_buffers_does_not_grow_with_the_steps(monkeypatch):
    from pde_ops.triton import large

    made = []
    original = large._buffers
    monkeypatch.setattr(launch, "launch", lambda *args, **options: None)
    monkeypatch.setattr(large, "_buffers", lambda like, n: made.append(n) or original(like, n))
    grad, fields = random_fields((1, 1, 3, 3))
    counts = []
    for steps in (5, 9, 20):
        made.clear()
        Large.backward(grad, fields, scheme(steps), (True,) * 7)
        counts.append(sum(made))
    assert counts == [12, 12, 12]
