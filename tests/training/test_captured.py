"""A step recorded as a CUDA graph does the work of the step itself."""

import pytest
import torch
from torch import nn

from tests.training.test_fit import RECIPE, coloured, network
from training.captured import CapturedStep
from training.fit import fit

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
STEPS = 8


def on_the_gpu():
    data = coloured()
    for split in (data.train, data.validation):
        split.__init__(split.images, split.labels, split.info, torch.device("cuda"))
    return data


@pytest.mark.parametrize(
    "changes",
    [{}, {"ema": 0.9}, {"optimizer": "adamw", "learning_rate": 0.01}, {"optimizer": "rmsprop"}, {"optimizer": "muon"}],
)  # fmt: skip
def test_a_training_has_the_numbers_of_one_without(changes, tmp_path):
    """Losses within rounding: convolutions on a GPU add in no fixed order."""
    recipe, data = RECIPE.replace(**changes), on_the_gpu()
    fit(network(auxiliary=True), data, recipe, seed=1, device="cuda", checkpoint=tmp_path / "c", until=2)
    found = fit(
        network(auxiliary=True), data, recipe, seed=1, device="cuda", checkpoint=tmp_path / "c", until=4
    )
    expected = fit(network(auxiliary=True), data, recipe, seed=1, device="cuda", capture=False)
    for one, other in zip(found.history, expected.history, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=2e-3, abs=2e-3)
        assert one.learning_rate == other.learning_rate
    assert found.accuracy == expected.accuracy


class Waiting(nn.Module):
    """Asks the GPU for a number within the step."""

    def forward(self, x):
        return x * float(x.abs().max() > 0)


@pytest.mark.parametrize("waits", [False, True])
def test_what_cannot_be_recorded_is_done_step_by_step(waits):
    def trained(wrap):
        torch.manual_seed(0)
        net = nn.Sequential(Waiting() if waits else nn.Identity(), nn.Linear(4, 3)).cuda()
        optimizer = torch.optim.SGD(net.parameters(), 0.1)

        def step(images, labels):
            logits = net(images)
            loss = nn.functional.cross_entropy(logits, labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            return loss.detach(), logits.detach()

        called = wrap(step)
        losses = []
        for number in range(STEPS):
            images = torch.randn(16 if number < STEPS - 1 else 5, 4, device="cuda")
            losses.append(float(called(images, torch.arange(len(images), device="cuda") % 3)[0]))
        return losses, called

    found, captured = trained(CapturedStep)
    expected, _ = trained(lambda step: step)
    assert captured.recorded is not waits
    assert found == pytest.approx(expected, rel=1e-5)
