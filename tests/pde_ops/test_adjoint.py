"""The hand-written adjoint against autograd through the definition, and against finite differences."""

from __future__ import annotations

import pytest
import torch

from pde_ops.adjoint import integrate_adjoint, lower_transposed, upper_transposed
from pde_ops.eager import integrate_eager, lower, upper
from tests.pde_ops.fields import make_fields

NAMES = ("h", "source", "velocity_x", "velocity_y", "diffusivity_x", "diffusivity_y", "initial")
GRIDS = [(5, 4, 1, 1), (6, 7, 2, 3), (1, 1, 1, 1), (3, 2, 4, 5)]


@pytest.mark.parametrize("boundary", ["periodic", "zero-flux"])
@pytest.mark.parametrize(("rows", "columns", "dx", "dy"), GRIDS)
def test_equals_autograd_through_the_definition(boundary, rows, columns, dx, dy):
    data = make_fields((2, 2, rows, columns), seed=5, grad=True)
    scheme = {"steps": 5, "dt": 0.3, "dx": dx, "dy": dy, "boundary": boundary}
    out = integrate_eager(**data, **scheme)
    grad = torch.randn(out.shape, dtype=out.dtype, generator=torch.Generator().manual_seed(6))
    expected = dict(zip(NAMES, torch.autograd.grad(out, [data[n] for n in NAMES], grad), strict=True))
    detached = {name: value.detach() for name, value in data.items()}
    found = integrate_adjoint(grad, **detached, **scheme)._asdict()
    for name in NAMES:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-12, atol=1e-13, msg=name)


@pytest.mark.parametrize("boundary", ["periodic", "zero-flux"])
@pytest.mark.parametrize("ghost", [1.0, -1.0])
@pytest.mark.parametrize("step", [1, 2, 3, 7])
@pytest.mark.parametrize("dim", [2, 3])
def test_neighbours_and_their_transposes_are_adjoint(boundary, ghost, step, dim):
    rng = torch.Generator().manual_seed(7)
    a, b = (torch.randn(1, 1, 4, 3, dtype=torch.float64, generator=rng) for _ in range(2))
    for there, back in ((lower, lower_transposed), (upper, upper_transposed)):
        left = (there(a, step, dim, boundary, ghost) * b).sum()
        right = (a * back(b, step, dim, boundary, ghost)).sum()
        torch.testing.assert_close(left, right, rtol=1e-13, atol=1e-13)
