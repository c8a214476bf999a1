"""Golden numbers of the published layer, and what `from_published` refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pde_ops import GlobalLayer, from_published
from pde_ops.published import published_name
from tests.pde_ops import golden

TOLERANCE = 1e-10


@pytest.mark.parametrize("backend", ["eager", "auto"])
@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("name", golden.CASES)
def test_golden_case(name, mode, backend):
    case = golden.load(name)
    wanted = case.modes[mode]
    layer = from_published(case.options, case.state)
    layer.backend = backend
    layer.train(mode == "train")
    x = case.x.requires_grad_(True)
    y = layer(x)
    wanted.y.check(y, TOLERANCE)
    (y * case.grad_out).sum().backward()
    wanted.grad_x.check(x.grad, TOLERANCE)
    named = dict(layer.named_parameters())
    assert {published_name(key) for key in wanted.gradients} == set(named)
    for key, gradient in wanted.gradients.items():
        ours = named[published_name(key)].grad
        # A gradient that vanishes analytically (a bias before a norm) is rounding alone on both sides.
        if gradient.largest < 1e-9 * wanted.grad_x.largest:
            assert ours.abs().max() < 1e-9 * wanted.grad_x.largest
        else:
            gradient.check(ours, TOLERANCE)
    if mode == "train":
        after = layer.state_dict()
        for key, value in case.after_train.items():
            ours = after[published_name(key)]
            assert ours.dtype == value.dtype
            torch.testing.assert_close(ours, value, rtol=TOLERANCE, atol=TOLERANCE * value.abs().max().item())


def state_of(layer: GlobalLayer) -> dict[str, torch.Tensor]:
    back = {
        "velocity_x.transform.": "convg.", "velocity_y.transform.": "convg1.", "velocity_x.norm.": "bng.",
        "velocity_y.norm.": "bng1.", "diffusivity_x.transform.": "convDx.", "out_norm.": "bn_out.",
        "diffusivity_y.transform.": "convDy.", "diffusivity_x.norm.": "bnDx.", "diffusivity_y.norm.": "bnDy.",
    }  # fmt: skip
    state = {}
    for name, value in layer.state_dict().items():
        ours = next(prefix for prefix in back if name.startswith(prefix))
        state[back[ours] + name[len(ours) :]] = value
    return state


def test_round_trip_of_a_published_layer():
    layer = GlobalLayer.published(6, steps=3)
    again = from_published({}, state_of(layer))
    x = torch.randn(2, 6, 5, 7)
    torch.testing.assert_close(again(x), layer(x), rtol=0, atol=0)
    assert again.velocity_x.norm.eps == 6.0
    assert again.steps == 3


def by_the_formula(x, u, v, diffusivity_x, diffusivity_y, steps, dt):
    """The published step as it stands on paper, periodic, with dx = dy = 1 and numbers for D."""
    ax, ay, bx, by = u * dt, v * dt, diffusivity_x * dt, diffusivity_y * dt
    e = dt * ((np.roll(u, 1, 2) - np.roll(u, -1, 2)) / 2 + (np.roll(v, 1, 3) - np.roll(v, -1, 3)) / 2)
    p, h = x, x
    for _ in range(steps):
        total = (1 - 2 * bx - 2 * by) * p - 2 * e * h + 2 * dt * x
        total = total + (-ax + 2 * bx) * np.roll(h, 1, 2) + (ax + 2 * bx) * np.roll(h, -1, 2)
        total = total + (-ay + 2 * by) * np.roll(h, 1, 3) + (ay + 2 * by) * np.roll(h, -1, 3)
        p, h = h, total / (1 + 2 * bx + 2 * by)
    return h


@pytest.mark.parametrize("backend", ["eager", "auto"])
def test_constant_diffusivities_may_differ_along_x_and_y(backend):
    options = {"K": 4, "dt": 0.3, "constant_Dxy": True, "cDx": 0.25, "cDy": 2.0}
    torch.manual_seed(1)
    state = state_of(GlobalLayer.published(3, diffusivity=1.0).double())
    layer = from_published(options, state).eval()
    layer.backend = backend
    assert layer.diffusivity == (0.25, 2.0)
    x = torch.randn(2, 3, 6, 8, dtype=torch.float64)
    with torch.no_grad():
        u, v = (torch.relu(part(x)).numpy() for part in (layer.velocity_x, layer.velocity_y))
        expected = by_the_formula(x.numpy(), u, v, 0.25, 2.0, 4, 0.3)
        torch.testing.assert_close(layer(x), torch.relu(layer.out_norm(torch.from_numpy(expected))))
        turned = from_published(options | {"cDx": 2.0, "cDy": 0.25}, state).eval()
        assert (turned(x) - layer(x)).abs().max() > 1e-3
    alike = from_published(options | {"cDx": 0.25, "cDy": 0.25}, state)
    assert layer.cost((6, 8)) == alike.cost((6, 8))


@pytest.mark.parametrize("backend", ["eager", "auto"])
@pytest.mark.parametrize("training", [True, False])
def test_gradients_with_two_constant_diffusivities(backend, training):
    torch.manual_seed(2)
    layer = GlobalLayer(2, steps=3, diffusivity=(0.25, 2.0), coefficient_start=0.5, backend=backend).double()
    layer.train(training)
    x = torch.randn(2, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    weights = [p for p in layer.parameters() if p.requires_grad]
    assert torch.autograd.gradcheck(lambda x, *_: layer(x), (x, *weights))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 3}, "published option 'k' is unknown"),
        ({"custom_uv": "conv"}, "custom_uv is 'conv'; accepted"),
        ({"cell_type": "x"}, "cell_type is 'x'; accepted"),
        ({"nonlinear_pde": False}, "nonlinear_pde is False"),
        ({"K": 0}, "steps is 0"),
        ({"constant_Dxy": True, "cDx": 1.0, "cDy": -2.0}, r"diffusivity is \(1\.0, -2\.0\); accepted"),
        ({"old_style": True}, "has nothing for 'velocity_x.transform.bias'"),
        ({"constant_Dxy": True}, "has 'diffusivity_x.transform.weight'"),
        ({"custom_uv": "FullConv"}, "velocity_x.transform"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        from_published(options, state_of(GlobalLayer.published(4)))


def test_missing_and_unknown_parameters_are_named():
    state = state_of(GlobalLayer.published(4))
    with pytest.raises(ValueError, match=r"'head\.weight' is unknown"):
        from_published({}, {**state, "head.weight": torch.zeros(1)})
    del state["bn_out.weight"]
    with pytest.raises(ValueError, match=r"'bn_out\.weight' is missing"):
        from_published({}, state)
