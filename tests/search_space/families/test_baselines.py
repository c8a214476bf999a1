"""The solvers' networks: costs against the counter, solutions against closed forms, gradients everywhere."""

import copy
import math

import pytest
import torch
from torch import nn

pytest.importorskip("torchdiffeq")

from pde_ops.cost import Cost
from search_space import Genotype, UserError, get_space, published
from search_space.baselines.evolution import ConvolutionField, DifferentialField, Evolution
from search_space.counting import count


class Decay(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rate = nn.Parameter(torch.ones(()))

    def forward(self, t: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return -self.rate * x


@pytest.mark.parametrize(("solver", "tolerance"), [("midpoint", 3e-3), ("dopri5", 1e-3)])
def test_decay_is_exponential(solver: str, tolerance: float) -> None:
    block = Evolution(Decay(), 16, solver)
    out = block(torch.ones(1, 1, 2, 2))
    assert out.detach() == pytest.approx(math.exp(-1.0), rel=tolerance)
    out.sum().backward()
    assert block.field.rate.grad.item() == pytest.approx(-4 * math.exp(-1.0), rel=10 * tolerance)


@pytest.mark.parametrize("kind", ["neural-ode", "neupde"])
def test_a_block_can_be_copied(kind: str) -> None:
    torch.manual_seed(0)
    genotype = Genotype("ode-baseline", (1, 12, 12), 3, {"evaluations": 4}, {"system": kind, "width": 16})
    network, x = genotype.build().eval(), torch.randn(2, 1, 12, 12)
    torch.testing.assert_close(copy.deepcopy(network)(x), network(x))


def test_differences_are_exact_on_a_parabola() -> None:
    field = DifferentialField(1)
    field.norm = nn.Identity()
    rows = torch.arange(6.0).view(1, 1, 6, 1).expand(1, 1, 6, 6)
    seen = {}
    field.conv1.register_forward_pre_hook(lambda module, inputs: seen.update(terms=inputs[0]))
    field(torch.zeros(()), rows**2)
    inner = seen["terms"][0, :, 2:4, 2:4]
    assert inner[1, :, 0].tolist() == [4.0, 6.0]  # d/dx of x squared at 2 and 3
    assert inner[2].abs().max() == 0
    assert inner[3].unique().tolist() == [2.0]


class Once(nn.Module):
    def __init__(self, field: nn.Module) -> None:
        super().__init__()
        self.field = field

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.field(torch.zeros((), device=x.device), x)


@pytest.mark.parametrize("field", [ConvolutionField, DifferentialField])
def test_costs_of_one_evaluation(field: type[nn.Module]) -> None:
    with torch.device("meta"):
        made = field(32)
    counted = count(Once(made), (32, 6, 6))
    if field is DifferentialField:  # its five stencils of nine numbers are not among the published MACs
        counted += Cost(0, 0, -5 * 9 * 32 * 6 * 6)
    assert counted == made.cost((6, 6))


@pytest.mark.parametrize(
    ("name", "classes", "params", "macs_published", "convolutions", "differences"),
    [
        ("MNIST-NeuPDE", 10, 182_346, 49_419_264, 49_214_336, 2_073_600),
        ("NeuPDE", 100, 8_780_388, 4_100_835_328, 4_097_230_848, 61_931_520),
    ],
)
def test_counts_of_neupde(
    name: str, classes: int, params: int, macs_published: int, convolutions: int, differences: int
) -> None:
    assert published(name, num_classes=classes).cost() == Cost(
        params, convolutions + differences, macs_published
    )


@pytest.mark.parametrize("system", ["neural-ode", "neupde"])
@pytest.mark.parametrize("image", [(1, 28, 28), (3, 32, 32)])
@pytest.mark.parametrize("width", [1, 6, 8, 16, 32, 96])
def test_widths_that_are_accepted_can_be_built(system: str, image: tuple[int, int, int], width: int) -> None:
    settings = {"evaluations": 4, "widths": [width]}
    with torch.device("meta"):
        Genotype("ode-baseline", image, 10, settings, {"system": system, "width": width}).build()


@pytest.mark.parametrize("width", [9, 12, 24, 31, 33, 48])
def test_widths_that_no_group_norm_divides(width: int) -> None:
    with pytest.raises(UserError, match=f"widths has {width}; accepted: 1 to 8, 16, and multiples of 32"):
        get_space("ode-baseline").make_settings({"widths": [width]})


@pytest.mark.parametrize("evaluations", [7, 3, 1, 1002])
def test_evaluations_are_whole_steps_of_the_solver(evaluations: int) -> None:
    with pytest.raises(UserError, match=f"evaluations is {evaluations}; accepted: a"):
        Genotype(
            "ode-baseline", (1, 28, 28), 10, {"evaluations": evaluations}, {"system": "neupde", "width": 16}
        )


@pytest.mark.parametrize("system", ["neural-ode", "neupde"])
@pytest.mark.parametrize("image", [(1, 28, 28), (3, 32, 32)])
def test_baselines_train(system: str, image: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    settings = {"evaluations": 4, "widths": [8]}
    genotype = Genotype("ode-baseline", image, 10, settings, {"system": system, "width": 8})
    network = genotype.build()
    logits = network(torch.randn(2, *image))
    assert logits.shape == (2, 10)
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    assert genotype.cost().params == sum(p.numel() for p in network.parameters())
