import importlib.util
import subprocess
import sys

import pytest
import torch

from pde_ops.integrator import integrate
from pde_ops.triton import backend as triton_backend
from tests.pde_ops.triton.modes import errors, kernels, random_fields, scheme


def test_says_that_triton_is_missing(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert triton_backend.unavailable(torch.zeros(1, 1, 2, 2)) == "triton is not installed"


def test_importable_without_triton():
    program = "import sys; sys.modules['triton'] = None; import pde_ops.triton.backend"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_says_why_it_cannot_run_here():
    with kernels(interpret=False):
        assert "needs a CUDA device, the tensor is on cpu" in triton_backend.unavailable(
            torch.zeros(1, 1, 2, 2)
        )
        assert "float64" in triton_backend.unavailable(torch.zeros(1, 1, 2, 2, dtype=torch.float64))
        with pytest.raises(ValueError, match="backend='triton' cannot run: it needs a CUDA device"):
            integrate(torch.zeros(1, 1, 2, 2), None, 0.0, 0.0, 1.0, 1.0, steps=1, dt=0.1, backend="triton")


def test_through_the_operator_with_autograd_and_odd_strides():
    with kernels(interpret=True):
        assert triton_backend.unavailable(torch.zeros(1, 1, 2, 2)) is None
        _, fields = random_fields((2, 3, 5, 7))
        leaves = [f.to(memory_format=torch.channels_last).requires_grad_(True) for f in fields]
        h, *rest, initial = leaves

        def gradients(backend):
            out = integrate(h, *rest, steps=3, dt=0.2, initial=initial, boundary="zero-flux", backend=backend)
            return out, torch.autograd.grad((out * out).sum(), leaves)

        out, found = gradients("triton")
        expected_out, expected = gradients("eager")
        torch.testing.assert_close(out, expected_out, rtol=1e-5, atol=1e-5)
        for a, b in zip(found, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [(4, 4), (70, 67)])
def test_empty_batch(size):
    with kernels(interpret=True):
        grad, fields = random_fields((0, 3, *size))
        assert triton_backend.forward(fields, scheme()).shape == (0, 3, *size)
        found = triton_backend.backward(grad, fields, scheme(), (True,) * 7)
        assert [g.shape for g in found] == [(0, 3, *size)] * 7


def test_scales():
    rx, ry, sx, sy, dt2 = triton_backend.scales(scheme(dt=0.2, dx=2, dy=3))
    assert (rx, ry, sx, sy, dt2) == pytest.approx((0.1, 0.2 / 3, 0.1, 0.4 / 9, 0.4))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("boundary", ["periodic", "zero-flux"])
@pytest.mark.parametrize(
    "size", [(1, 1), (7, 7), (8, 8), (13, 13), (16, 16), (32, 32), (40, 40), (64, 64), (112, 112)]
)
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2**-8), (torch.float16, 2**-11)]
)
def test_on_a_gpu(dtype, tolerance, size, boundary):
    grad, fields = random_fields((3, 5, *size), dtype=dtype, device="cuda")
    for steps in (1, 5):
        assert max(errors(grad, fields, scheme(steps, boundary=boundary))) <= tolerance
