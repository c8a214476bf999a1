"""The forms for programs against the definition."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from pde_ops.eager import integrate_eager
from pde_ops.exported.convolved import integrate_convolved
from pde_ops.exported.portable import integrate_portable
from tests.pde_ops.fields import make_fields


@pytest.mark.parametrize("integrate", [integrate_portable, integrate_convolved])
@pytest.mark.parametrize("boundary", ["periodic", "zero-flux"])
@pytest.mark.parametrize(
    ("rows", "columns", "dx", "dy"), [(5, 4, 1, 1), (6, 7, 2, 3), (1, 1, 1, 1), (3, 2, 4, 5), (2, 18, 1, 3)]
)
def test_equals_the_definition(integrate, boundary, rows, columns, dx, dy):
    numbers = {"velocity_x": (0.3, 0.0), "velocity_y": (-0.2, 0.0), "diffusivity_x": (0.7, 0.0), "diffusivity_y": (0.4, 0.0)}  # fmt: skip
    settings = {"steps": 3, "dt": 0.2, "dx": dx, "dy": dy, "boundary": boundary}
    for choice in itertools.product((None, 0, 1), repeat=2):
        for absent in ((), ("source",), ("initial",)):
            fields = make_fields((2, 3, rows, columns), seed=4) | dict.fromkeys(absent)
            for axis in "xy":
                for name, which in zip(("velocity", "diffusivity"), choice, strict=True):
                    if which is not None:
                        fields[f"{name}_{axis}"] = numbers[f"{name}_{axis}"][which]
            ours, expected = (f(**fields, **settings) for f in (integrate, integrate_eager))
            torch.testing.assert_close(ours, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 3])
def test_a_source_that_is_the_state(steps):
    fields = make_fields((2, 3, 5, 18), seed=4) | {"initial": None}
    fields["source"] = fields["h"]
    for absent in ((), ("velocity_x", "velocity_y"), ("diffusivity_x", "diffusivity_y")):
        given = fields | dict.fromkeys(absent, 0.25)
        ours, expected = (f(**given, steps=steps, dt=0.2) for f in (integrate_convolved, integrate_eager))
        torch.testing.assert_close(ours, expected, rtol=0, atol=1e-12)


class Counter(TorchDispatchMode):
    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += 1
        return func(*args, **(kwargs or {}))


def test_a_step_is_ten_operators():
    fields = make_fields((1, 2, 4, 4))
    counts = []
    for steps in (1, 2):
        with Counter() as counter:
            integrate_portable(**fields, steps=steps, dt=0.2)
        counts.append(counter.count)
    assert counts[1] - counts[0] == 10
    assert counts[0] <= 38
