"""A primitive of a user's own states what it costs, and is held to it."""

import pytest
from torch import nn

from pde_ops.cost import Cost, conv_cost
from records.errors import UserError
from search_space import Primitive, primitive_names
from search_space.exact_costs import require_exact_costs
from search_space.primitives import registry
from search_space.primitives.registry import register_primitive, strided


class Doubled(Primitive):
    """Two convolutions."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__(channels, stride)
        convolution = [nn.Conv2d(channels, channels, 1, stride, bias=False)]
        self.layer = nn.Sequential(*convolution, nn.Conv2d(channels, channels, 1, bias=False))

    def forward(self, x):
        return self.layer(x)

    times = 2

    @classmethod
    def cost(cls, channels: int, stride: int, size: tuple[int, int]) -> Cost:
        return cls.times * conv_cost(channels, channels, 1, strided(size, stride))


class Forgotten(Doubled):
    times = 1


@pytest.fixture
def registered(monkeypatch):
    names = primitive_names()
    monkeypatch.setattr(registry, "_PRIMITIVES", dict(registry._PRIMITIVES))
    register_primitive("doubled")(Doubled)
    register_primitive("forgotten")(Forgotten)
    return names


def test_what_is_right_passes(registered):
    require_exact_costs([*registered, "doubled"])


def test_what_is_left_out_is_told_with_both_numbers(registered):
    with pytest.raises(
        UserError, match=r"primitive forgotten states Cost\(params=16.*counted are Cost\(params=32"
    ):
        require_exact_costs(["doubled", "forgotten"])
