"""The steps within a layer end at what the layer gives."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pde_ops import GlobalLayer
from pde_ops.coefficients import ACTIVATIONS
from pde_ops.trajectory import trajectory

CASES = [
    {"steps": 3},
    {"steps": 1, "velocity": "none", "boundary": "zero-flux"},
    {"steps": 5, "diffusivity": 1.0, "velocity_activation": "softsign", "coefficient_start": 1.0},
    {"steps": 2, "init": nn.Conv2d(4, 4, 3, padding=1), "velocity_input": "source"},
    {"steps": 2, "product": True, "use_source": False},
]


@pytest.mark.parametrize("options", CASES)
def test_the_last_state_normed_and_activated_is_the_output(options):
    torch.manual_seed(0)
    layer = GlobalLayer(4, **options).double().eval()
    x = torch.randn(2, 4, 7, 9, dtype=torch.float64)
    found = trajectory(layer, x)
    act = ACTIVATIONS[layer.options.activation]
    with torch.no_grad():
        expected = layer(x)
        torch.testing.assert_close(act(layer.out_norm(found.states[-1])), expected)
    torch.testing.assert_close(found.output, expected)
    assert len(found.states) == options["steps"] + 1


def test_the_courant_number_is_of_both_velocities():
    layer = GlobalLayer(2, steps=1, velocity=(2.0, -3.0), dt=0.25, dx=1, dy=2).eval()
    found = trajectory(layer, torch.zeros(1, 2, 6, 6))
    assert found.courant.unique().tolist() == [2 * 0.25 + 3 * 0.25 / 2]
