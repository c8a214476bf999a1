"""Golden numbers of the published layer, and what `from_published` refuses."""

from __future__ import annotations

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
