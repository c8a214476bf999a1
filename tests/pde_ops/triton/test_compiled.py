"""What the kernels compile to computes what they should: their PTX, carried out on the CPU, against eager."""

import pytest
import torch

from benchmarks.kernels_ptx import target
from pde_ops import eager_backend
from pde_ops.scheme import Fields
from pde_ops.triton import backend as triton_backend
from tests.pde_ops.triton.emulator import emulate
from tests.pde_ops.triton.modes import kernels, random_fields, scheme

PLANES = (3, 5)  # images, channels


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    with kernels(interpret=False):
        yield


def carried_out(grad, fields, scheme):
    """The result and the gradients of the fields that are there."""
    needed = tuple(field is not None for field in fields)
    with target(90) as found:
        triton_backend.forward(fields, scheme)
        triton_backend.backward(grad, fields, scheme, needed)
    given = [field for field in fields if field is not None]
    gradients = [torch.full_like(field, torch.nan) for field in given]
    planes, out = PLANES[0] * PLANES[1], torch.full_like(fields.h, torch.nan)
    numbers = [planes, *map(float, scheme.constants), *triton_backend.scales(scheme)]
    for kernel, tensors in zip(found, ([out, *given], [*gradients, grad, *given]), strict=True):
        plan = {
            "forward_kernel": triton_backend.forward_plan,
            "backward_kernel": triton_backend.backward_plan,
        }
        tile = plan[kernel.kernel](*fields.h.shape[2:], scheme.dx, scheme.dy, scheme.boundary == "periodic")
        for program in range(-(-planes // tile.planes)):
            emulate(kernel.ptx, program, [*tensors, *numbers])
    return out, *gradients


@pytest.mark.parametrize(
    ("size", "steps", "initial", "boundary"),
    [
        ((8, 8), 1, True, "periodic"),
        ((8, 8), 5, False, "periodic"),
        ((8, 8), 2, True, "zero-flux"),
        ((7, 6), 4, False, "zero-flux"),
    ],
)
def test_equals_eager(size, steps, initial, boundary):
    grad, fields = random_fields((*PLANES, *size), initial=initial, source=initial)
    numbers = scheme(steps, boundary=boundary)
    found = carried_out(grad, fields, numbers)
    wide = Fields(*(None if field is None else field.double() for field in fields))
    needed = tuple(field is not None for field in fields)
    gradients = eager_backend.backward(grad.double(), wide, numbers, needed)
    expected = [eager_backend.forward(wide, numbers), *(g for g in gradients if g is not None)]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=1e-5 * float(other.abs().max()))
