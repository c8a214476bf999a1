"""The kinds of global layers: what each begins with, what it costs, and that old names mean what they did."""

import pytest
import torch

from pde_ops.options import OPTIONS as LAYER_OPTIONS
from search_space import UserError, get_primitive, get_space, sample
from search_space.counting import count
from search_space.families.layers import DEFAULT_KINDS, layer_names, make_layer
from search_space.primitives.global_layers import OPTIONS
from search_space.primitives.kinds import PRIMITIVES
from search_space.primitives.whole_map import WHOLE_MAP


def made(name: str, channels: int = 8):
    torch.manual_seed(0)
    return get_primitive(name)(channels, 1).layer


def coefficients(layer, x):
    """Velocity along the rows and diffusivity along them, as the equation has them."""
    return layer._fields("velocity", x)[0], layer._fields("diffusivity", x)[0]


def test_every_option_that_changes_the_function_is_written_out():
    given = {"channels", "steps", "init_changes_shape", "velocity", "diffusivity"}
    left = {option.name: option.default for option in LAYER_OPTIONS if option.name not in {*given, *OPTIONS}}
    assert left == {"product": False, "use_source": True, "residual": False, "backend": "auto"}


@pytest.mark.parametrize(
    ("name", "deviation"), [("global_1", 0.05), ("global_open_1", 1.0), ("global_signed_1", 1.0)]
)
def test_the_start_is_the_deviation_of_the_pre_activations(name, deviation):
    layer, x = made(name), torch.randn(16, 8, 12, 12)
    for field in ("velocity_x", "diffusivity_y"):
        assert getattr(layer, field)(x).std().item() == pytest.approx(deviation, rel=1e-3)


@pytest.mark.parametrize(
    "name", ["global_1", "global_3", "global_open_1", "global_signed_1", "global_block_1"]
)
@pytest.mark.parametrize("training", [True, False])
def test_gradients_of_the_input_and_of_all_parameters(name, training):
    layer = made(name, channels=2).double().train(training)
    for parameter in layer.parameters():  # away from where a ReLU bends
        parameter.data += 0.3 * torch.randn_like(parameter)
    names = [name for name, _ in layer.named_parameters()]

    def call(x, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    given = [torch.randn(3, 2, 4, 3).double(), *(value.detach().clone() for value in layer.parameters())]
    assert torch.autograd.gradcheck(call, [value.requires_grad_() for value in given])


def test_an_open_layer_learns_its_gain_and_a_small_one_holds_a_factor():
    small, open_ = made("global_3").velocity_x.norm, made("global_open_3").velocity_x.norm
    assert (small.multiplier, small.weight.mean().item()) == (0.05, 1.0)
    assert (open_.multiplier, open_.weight.mean().item()) == (1.0, 1.0)


def test_an_open_layer_mixes_pixels_from_the_start():
    x = torch.randn(16, 8, 12, 12)

    def moved(name):
        """How far the state is from the input, relative to it, in the norm's scale."""
        with torch.no_grad():
            out = made(name)(x)
        plain = torch.relu((x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True))
        return ((out - plain).norm() / plain.norm()).item()

    assert moved("global_1") < 0.1
    assert moved("global_open_1") > 0.3
    assert moved("global_signed_1") > 0.3


def test_signed_velocities_have_both_signs_and_a_bound():
    x = 100 * torch.randn(16, 8, 12, 12)
    layer = made("global_signed_1")
    torch.nn.init.constant_(layer.velocity_x.norm.weight, 50.0)
    velocity, diffusivity = coefficients(layer, x)
    assert velocity.min() < -0.9
    assert 0.9 < velocity.max() <= 1
    assert velocity.abs().max() <= 1
    assert diffusivity.min() == 0
    assert coefficients(made("global_open_1"), x)[0].min() == 0


@pytest.mark.parametrize("stride", [1, 2])
def test_a_block_makes_each_coefficient(stride):
    layer = get_primitive("global_block_1")(4, stride).layer
    assert layer.diffusivity_x.kind == layer.velocity_y.kind == "basic-block"
    shared = get_primitive("global_1")(4, stride)
    blocks, depthwise = count(get_primitive("global_block_1")(4, stride), (4, 8, 8)), count(shared, (4, 8, 8))
    elements = 4 * 8 * 8 // stride**2
    assert blocks.macs - depthwise.macs == 4 * elements * (2 * 9 * 4 - 9)
    assert blocks.params - depthwise.params == 4 * (2 * 9 * 16 + 2 * 8 - 9 * 4)


def test_families_search_the_kinds_that_they_did():
    assert DEFAULT_KINDS == ("global", "global_constant_diffusivity", "global_diffusion", "global_advection", "global_block")  # fmt: skip
    assert get_space("resnet-global").make_settings({}).layers == layer_names(("", "basic_block"))
    assert len(layer_names(("", "basic_block"))) == 1 + 5 * 3 * 2


@pytest.mark.parametrize("kind", [kind for kind in PRIMITIVES if kind not in DEFAULT_KINDS])
def test_a_family_takes_a_later_kind_by_its_name(kind):
    genotype = sample(
        "resnet-global", 0, image=(1, 8, 8), stages=1, widths=[4], blocks=[1], layers=[f"{kind}_3"]
    )
    with torch.device("meta"):
        network = genotype.build()
    assert count(network, genotype.image) == genotype.cost()


def test_a_kind_that_says_how_it_starts_keeps_to_that_in_families():
    assert make_layer("global_open_1", 4, "small", False).coefficient_start == 1
    assert make_layer("global_1", 4, "small", False).coefficient_start == 0.05
    assert make_layer("global_signed_1", 4, "eps-channels", True).velocity_activation == "softsign"


@pytest.mark.parametrize("init", ["", "+basic_block"])
@pytest.mark.parametrize("name", WHOLE_MAP)
def test_a_family_takes_a_layer_that_reaches_the_whole_map(name, init):
    genotype = sample(
        "resnet-global", 0, image=(1, 8, 8), stages=1, widths=[4], blocks=[1], layers=[name + init]
    )
    with torch.device("meta"):
        network = genotype.build()
    assert count(network, genotype.image) == genotype.cost()
    made = type(WHOLE_MAP[name](4))
    assert any(type(module) is made for module in network.modules())


@pytest.mark.parametrize("space", ["darts-network-global", "mobilenet-v3-global"])
def test_a_family_that_cannot_place_it_says_what_it_takes(space):
    with pytest.raises(
        UserError,
        match="global layer is 'global_heat'; accepted: .* global_signed .or of `published --ablations`., and",
    ) as caught:
        get_space(space).make_settings({"layers": ["global_heat"]})
    assert len(str(caught.value)) < 400
    assert "or global_heat" not in str(caught.value)
    with pytest.raises(UserError, match=r"global layer is 'global_0'; accepted: .* or global_heat"):
        get_space("resnet-global").make_settings({"layers": ["global_0"]})


def test_cells_of_the_later_candidates_cost_what_is_counted():
    names = ["global_open_1", "global_signed_3", "global_block_1", *WHOLE_MAP]
    for seed in range(3):
        genotype = sample("darts-global", seed, image=(1, 8, 8), width=3, cells=3, nodes=2, primitives=names)
        network = genotype.build()
        assert count(network, genotype.image) == genotype.cost()
        network(torch.randn(2, 1, 8, 8)).square().sum().backward()
    assert not set(names) & set(get_space("darts-global").make_settings({}).primitives)
