"""What `integrate` accepts, refuses and returns; derivatives against finite differences."""

from __future__ import annotations

import pytest
import torch

from pde_ops import integrate
from pde_ops.eager import integrate_eager
from tests.pde_ops.fields import make_fields

PLAIN = {"steps": 3, "dt": 0.2}


@pytest.mark.parametrize("backend", ["eager", "auto"])
@pytest.mark.parametrize("boundary", ["periodic", "zero-flux"])
def test_gradcheck(backend, boundary):
    data = make_fields((1, 2, 4, 3), seed=8, grad=True)

    def run(*values):
        fields = dict(zip(data, values, strict=True))
        return integrate(**fields, **PLAIN, dy=2, boundary=boundary, backend=backend)

    assert torch.autograd.gradcheck(run, tuple(data.values()))


def test_gradgradcheck():
    data = make_fields((1, 1, 3, 3), seed=9, grad=True)

    def run(*values):
        return integrate(**dict(zip(data, values, strict=True)), steps=2, dt=0.2)

    assert torch.autograd.gradgradcheck(run, tuple(data.values()))


def test_gradients_without_initial_reach_the_state_twice():
    data = make_fields((1, 2, 4, 3), seed=10, grad=True)
    del data["initial"]

    def run(*values):
        return integrate(**dict(zip(data, values, strict=True)), **PLAIN)

    assert torch.autograd.gradcheck(run, tuple(data.values()))


@pytest.mark.parametrize(
    "missing", [("source",), ("velocity_x", "velocity_y"), ("diffusivity_x", "velocity_y")]
)
@pytest.mark.parametrize("boundary", ["periodic", "zero-flux"])
def test_numbers_stand_for_constant_fields(missing, boundary):
    data = make_fields((2, 2, 5, 4), seed=11)
    filled = dict(data)
    for name in missing:
        data[name] = None if name == "source" else 0.3
        filled[name] = torch.full_like(data["h"], 0.0 if name == "source" else 0.3)
    ours = integrate(**data, **PLAIN, boundary=boundary)
    torch.testing.assert_close(
        ours, integrate_eager(**filled, **PLAIN, boundary=boundary), rtol=0, atol=1e-13
    )


def test_only_what_is_needed_gets_a_gradient():
    data = make_fields((1, 1, 4, 4), seed=12)
    data["velocity_y"].requires_grad_(True)
    integrate(**data, **PLAIN).sum().backward()
    assert data["velocity_y"].grad is not None
    assert all(value.grad is None for name, value in data.items() if name != "velocity_y")


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("steps", 0, "steps is 0; accepted: a whole number >= 1"),
        ("steps", 2.0, "steps is 2.0"),
        ("steps", True, "steps is True"),
        ("dt", 0.0, "dt is 0.0; accepted: a finite number > 0"),
        ("dt", float("nan"), "dt is nan"),
        ("dx", 1.5, "dx is 1.5; accepted: a whole number >= 1"),
        ("dy", -1, "dy is -1"),
        ("boundary", "walls", "boundary is 'walls'; accepted: periodic, zero-flux"),
        ("backend", "fast", "backend is 'fast'; accepted: auto, eager, cpu, triton"),
        ("source", 1.0, "source is 1.0; accepted: a tensor of h's shape or None"),
        ("velocity_x", float("inf"), "velocity_x is inf; accepted: a tensor of h's shape or a finite number"),
        ("velocity_y", None, "velocity_y is None"),
        ("diffusivity_x", torch.zeros(2, 2), r"diffusivity_x is a torch.float32 tensor \(2, 2\); accepted"),
        ("initial", torch.zeros(1, 1, 3, 3, dtype=torch.int64), "initial is a torch.int64 tensor"),
        ("h", torch.zeros(3, 3), r"h is a torch.float32 tensor \(3, 3\); accepted"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(setting, value, message):
    arguments = {**make_fields((1, 1, 3, 3)), **PLAIN, setting: value}
    with pytest.raises(ValueError, match=message) as caught:
        integrate(**arguments)
    assert "\n" not in str(caught.value)


def test_a_backend_that_cannot_run_says_so():
    with pytest.raises(ValueError, match="backend='triton' cannot run"):
        integrate(**make_fields((1, 1, 3, 3)), **PLAIN, backend="triton")


def test_mixed_types_are_promoted():
    data = make_fields((1, 2, 4, 4), dtype=torch.bfloat16)
    data["h"] = data["h"].float()
    assert integrate(**data, **PLAIN).dtype == torch.float32
