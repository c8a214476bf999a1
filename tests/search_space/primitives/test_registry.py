"""The registry, one added primitive from end to end, and what each primitive computes."""

import json
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from pde_ops.options import COEFFICIENT_START
from records.plugins import PLUGINS
from search_space import (
    Cost,
    Genotype,
    Primitive,
    UserError,
    get_primitive,
    get_space,
    primitive_names,
    register_primitive,
    sample,
)
from search_space.counting import count
from search_space.primitives.convolutions import FactorizedReduction
from search_space.primitives.global_layers import OPTIONS
from search_space.primitives.kinds import PRIMITIVES

# What the README shows.
EXAMPLE = """
from torch import nn
from pde_ops import conv_cost
from search_space import Primitive, register_primitive
from search_space.primitives.registry import strided

@register_primitive("conv_1x1")
class Pointwise(Primitive):
    def __init__(self, channels, stride):
        super().__init__(channels, stride)
        self.conv = nn.Conv2d(channels, channels, 1, stride, bias=False)
    def forward(self, x):
        return self.conv(x)
    @classmethod
    def cost(cls, channels, stride, size):
        return conv_cost(channels, channels, 1, strided(size, stride))
"""
USE = """
import json, search_space, torch
from search_space.counting import count
settings = {"width": 4, "cells": 3, "nodes": 2, "primitives": ["conv_1x1", "global_1"]}
genotype = search_space.sample("darts-global", 1, image=(1, 8, 8), **settings)
assert search_space.Genotype.from_json(genotype.to_json()) == genotype
space = search_space.get_space("darts-global")
supernet = space.model_space(genotype.problem)
frozen = supernet.freeze(space.to_nni(space.choices(genotype.problem, genotype.architecture)))
network = genotype.build().eval()
torch.export.export(network, (torch.rand(2, 1, 8, 8),))
names = [type(m).__name__ for m in network.modules()]
print(json.dumps([names.count("Pointwise"), [type(m).__name__ for m in frozen.modules()].count("Pointwise"),
                  count(network, (1, 8, 8)) == genotype.cost()]))
"""


def test_the_primitive_of_the_readme_works_in_supernets_trials_genotypes_and_exports(tmp_path):
    (tmp_path / "my_primitives.py").write_text(EXAMPLE)
    printed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", USE], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path), PLUGINS: "my_primitives"},
    ).stdout  # fmt: skip
    built, frozen, equal = json.loads(printed.splitlines()[-1])
    assert built == frozen > 0
    assert equal


def test_a_plugin_that_is_not_there_is_named():
    code = "import search_space as s\ntry: s.primitive_names()\nexcept s.UserError as e: print(e)\n"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, PLUGINS: "no_such_module"},
    ).stdout  # fmt: skip
    assert printed.startswith("PDE_NAS_PLUGINS names no_such_module, which cannot be imported")


def test_the_registry_refuses_taken_names_and_classes_without_a_cost():
    with pytest.raises(UserError, match="global_1 is registered already"):

        @register_primitive("global_1")
        class Other(Primitive):
            def __init__(self, channels, stride):
                super().__init__(channels, stride)

            @classmethod
            def cost(cls, channels, stride, size):
                return Cost()

    with pytest.raises(UserError, match="accepted: a subclass of Primitive that defines __init__ and cost"):

        @register_primitive("free")
        class Free(Primitive):
            def __init__(self, channels, stride):
                super().__init__(channels, stride)

    with pytest.raises(UserError, match="primitive is 'free' .*; accepted: .*skip_connect"):
        get_primitive("free")


def test_default_primitives_are_those_of_darts_and_global_layers_of_1_3_and_5_steps():
    settings = get_space("darts-global").make_settings({})
    assert set(settings.primitives) <= set(primitive_names())
    assert len(settings.primitives) == 7 + 6
    found = [name for name in settings.primitives if name.startswith("global")]
    assert {name.rsplit("_", 1)[0] for name in found} == set(PRIMITIVES[:4])
    assert {name.rsplit("_", 1)[1] for name in found} == {"1", "3", "5"}


@pytest.mark.parametrize("size", [(8, 8), (7, 10), (1, 1), (2, 5)])
@pytest.mark.parametrize("stride", [1, 2])
def test_sizes_are_kept_or_halved_and_rounded_up(stride, size):
    for name in primitive_names():
        out = get_primitive(name)(3, stride)(torch.rand(2, 3, *size))
        assert out.shape == (2, 3, -(-size[0] // stride), -(-size[1] // stride)), name


def test_a_global_layer_reaches_as_far_as_its_steps_and_a_separable_convolution_does_not():
    def reach(name):
        """Largest distance, in pixels along a row, at which a pixel's change shows."""
        torch.manual_seed(0)
        module = get_primitive(name)(2, 1).double().eval()
        x = torch.rand(1, 2, 24, 24, dtype=torch.double)
        moved = x.clone()
        moved[:, :, 12, 12] += 1
        with torch.no_grad():
            changed = (module(moved) - module(x)).abs().amax((0, 1))[12] > 0
        return (changed.nonzero().flatten() - 12).abs().max().item()

    assert [reach(f"global_diffusion_{steps}") for steps in (1, 3, 5)] == [1, 3, 5]
    assert reach("dil_conv_3x3") == 2
    assert reach("avg_pool_3x3") == 1


def test_diffusion_spreads_and_advection_moves():
    names = {name: get_primitive(name)(2, 1).layer for name in ("global_diffusion_1", "global_advection_1")}
    assert names["global_diffusion_1"].velocity_x is None
    assert names["global_diffusion_1"].diffusivity_x is not None
    assert names["global_advection_1"].diffusivity_x is None
    assert names["global_advection_1"].diffusivity == "none"
    assert get_primitive("global_constant_diffusivity_3")(2, 1).layer.diffusivity == 1


def test_options_of_global_layers_are_those_of_the_layers_default():
    """They are written out so that a genotype's meaning never changes: a new default needs new names."""
    assert OPTIONS["coefficient_start"] == COEFFICIENT_START
    assert OPTIONS["boundary"] == "periodic"


def test_a_factorized_reduction_sees_even_and_odd_pixels():
    module = FactorizedReduction(1, 2).eval()
    nn.init.ones_(module.even.weight)
    nn.init.ones_(module.odd.weight)
    x = torch.arange(9.0).reshape(1, 1, 3, 3)
    out = module(x) * (1 + module.norm.eps) ** 0.5
    torch.testing.assert_close(out[0, 0], torch.tensor([[0.0, 2.0], [6.0, 8.0]]))
    torch.testing.assert_close(out[0, 1], torch.tensor([[4.0, 0.0], [0.0, 0.0]]))


def test_cost_of_the_module_is_what_a_genotype_with_it_costs_more():
    small, large = (
        Genotype(
            "darts-global", (1, 8, 8), 10, {"nodes": 1, "inputs": 1, "cells": 1}, {"normal": [[[name, 0]]]}
        )
        for name in ("skip_connect", "global_5")
    )
    layer = count(get_primitive("global_5")(16, 1), (16, 8, 8))
    assert small.cost() + layer == large.cost()
    assert sample("darts-global", 0).cost().macs > 0
