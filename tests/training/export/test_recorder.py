"""A recording computes what the network does, with no norm left where a convolution comes before it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pde_ops import GlobalLayer
from search_space import published, sample
from search_space.primitives.convolutions import FactorizedReduction
from tests.training.networks import TinyNet
from training.export.recording.recorder import NotRecordable, record
from training.export.recording.simplify import simplify

aten = torch.ops.aten
SPACES = ("darts-global", "resnet-global", "densenet-global", "darts-network-global", "mobilenet-v3-global", "mnist-global", "tiny-global")  # fmt: skip


def lived_in(model: nn.Module) -> nn.Module:
    """In eval mode, with running statistics and affine parameters of norms as after a training."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_mean, module.bias):
                tensor.data.normal_(0, 0.3, generator=generator)
            for tensor in (module.running_var, module.weight):
                tensor.data.uniform_(0.5, 1.5, generator=generator)
    return model.eval().requires_grad_(False)


def steadied(model: nn.Module, image: tuple[int, ...]) -> nn.Module:
    """`lived_in`, with the running mean of random images, and their variance where that is the larger: otherwise the
    maps of some networks grow beyond all bounds."""
    model = lived_in(model)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    before = [(norm.momentum, norm.running_var.clone()) for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        model.train()(torch.rand(8, *image))
    for norm, (momentum, variance) in zip(norms, before, strict=True):
        norm.momentum = momentum
        norm.running_var.clamp_(min=variance)
    return model.eval()


def largest_difference(model: nn.Module, image: tuple[int, ...], recording) -> float:
    differences = []
    for count in (1, 3):
        images = torch.rand(count, *image, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            expected = model(images)
        differences.append(((recording.run(images)[0] - expected).abs().max() / expected.abs().max()).item())
    return max(differences)


@pytest.mark.parametrize("seed", range(6))
def test_cells_at_random_with_their_norms_folded(seed):
    genotype = sample("darts-global", seed, image=(1, 9, 8), width=5, cells=2)
    model = lived_in(genotype.build())
    recording = record(model, genotype.image)
    simplify(recording)
    assert largest_difference(model, genotype.image, recording) < 1e-4


@pytest.mark.parametrize("space", SPACES)
def test_every_family_with_its_norms_folded(space):
    genotype = sample(space, 1, image=(3, 32, 32))
    model = lived_in(genotype.build())
    recording = record(model, genotype.image)
    simplify(recording)
    assert largest_difference(model, genotype.image, recording) < 1e-4
    names = {str(node.target) for node in recording.graph.nodes}
    assert not [name for name in names if "batch_norm" in name]


def targets(recording) -> list:
    return [node.target for node in recording.graph.nodes if node.op == "call_function"]


def test_a_norm_goes_into_the_convolution_before_it():
    model = lived_in(nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU()))
    recording = record(model, (2, 6, 6))
    simplify(recording)
    assert targets(recording) == [aten.convolution.default, aten.relu.default]
    assert set(recording.constants) == {"0.weight", "0.bias"}
    assert largest_difference(model, (2, 6, 6), recording) < 1e-6


def test_a_norm_goes_into_each_of_the_convolutions_that_are_joined_before_it():
    model = lived_in(FactorizedReduction(3, 5))
    recording = record(model, (3, 6, 6))
    simplify(recording)
    assert aten.mul.Tensor not in targets(recording)
    assert aten.add.Tensor not in targets(recording)
    assert largest_difference(model, (3, 6, 6), recording) < 1e-6


class Shared(nn.Module):
    """One convolution whose result is used with and without its norm, and one used twice with its own."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2)
        self.again, self.its = nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2)

    def forward(self, x):
        y = self.first(x)
        y = y + self.norm(y)
        return self.its(self.again(self.its(self.again(y))))


def test_what_is_shared_is_folded_only_where_that_is_right_and_kept_once():
    model = lived_in(Shared())
    recording = record(model, (2, 5, 5))
    simplify(recording)
    assert largest_difference(model, (2, 5, 5), recording) < 1e-6
    assert set(recording.constants) == {"first.weight", "first.bias", "norm.weight", "norm.bias", "again.weight", "again.bias"}  # fmt: skip


class Repeats(nn.Module):
    def forward(self, x):
        return torch.relu(x) + torch.relu(x) + torch.roll(x, 1, 2) * torch.roll(x, 1, 2)


def test_nothing_is_computed_twice():
    recording = record(Repeats(), (1, 4, 4))
    simplify(recording)
    assert targets(recording).count(aten.relu.default) == 1
    assert targets(recording).count(aten.roll.default) == 1


class InPlace(nn.Module):
    def forward(self, x):
        y = x * 2
        view = y[:, :, 1:]
        view.add_(1)
        return torch.relu_(y).flatten(1)


def test_changes_in_place_are_followed_through_views():
    recording = record(InPlace(), (1, 4, 4))
    assert largest_difference(InPlace(), (1, 4, 4), recording) == 0


@pytest.mark.parametrize("boundary", ["periodic", "zero-flux"])
def test_the_pde_is_written_out(boundary):
    model = lived_in(GlobalLayer(3, steps=2, boundary=boundary, velocity=0.3))
    recording = record(model, (3, 6, 5))
    simplify(recording)
    assert {target.namespace for target in targets(recording)} == {"aten"}
    assert largest_difference(model, (3, 6, 5), recording) < 1e-6


def test_a_solver_of_fixed_steps_is_written_out():
    genotype = published("MNIST-NeuPDE")
    model = lived_in(genotype.build())
    assert largest_difference(model, genotype.image, record(model, genotype.image)) < 1e-4


class Branch(TinyNet):
    def forward(self, x):
        return super().forward(x if x.mean() > 0 else -x)


def test_a_choice_by_the_images_values_cannot_be_recorded():
    with pytest.raises(NotRecordable, match="depends on the images' values"):
        record(Branch().eval().requires_grad_(False), (1, 8, 8))


class Nothing(nn.Module):
    def forward(self, x):
        return torch.zeros(10)


def test_a_result_without_images_cannot_be_recorded():
    with pytest.raises(NotRecordable, match="no tensor that depends on the images"):
        record(Nothing(), (1, 8, 8))


class SumOfWhatIsUsedTwice(nn.Module):
    """A norm of a sum, of which one term is joined convolutions that something else uses, too."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(2, 3, 1), nn.Conv2d(2, 3, 1), nn.Conv2d(2, 6, 1)])
        self.norm = nn.BatchNorm2d(6)

    def forward(self, x):
        joined = torch.cat([self.convs[0](x), self.convs[1](x)], 1)
        return self.norm(self.convs[2](x) + joined) * joined


def test_a_norm_of_a_sum_leaves_what_else_its_terms_are_for():
    model = lived_in(SumOfWhatIsUsedTwice())
    recording = record(model, (2, 3, 4))
    simplify(recording)
    assert largest_difference(model, (2, 3, 4), recording) < 1e-5
    convolutions = [n for n in recording.graph.nodes if "convolution" in str(n.target)]
    assert len(convolutions) == 4  # one more, between the join and the sum
