import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from records.errors import UserError
from search_space.cells.drop_path import DropPath
from tests.training.networks import TinyNet, coloured
from training import fit as fit_module
from training import precision
from training.fit import TrainingFailed, fit
from training.recipes.recipe import Recipe

RECIPE = Recipe(
    "test",
    epochs=4,
    batch_size=16,
    learning_rate=0.2,
    schedule="cosine",
    cutout=0.25,
    drop_path=0.4,
    auxiliary_weight=0.4,
    label_smoothing=0.1,
    clip_norm=5.0,
    weight_decay=1e-4,
)


def network(seed=0, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TinyNet(classes=2, **options)


def numbers(result):
    return [(e.epoch, e.loss, e.train_accuracy, e.accuracy, e.learning_rate) for e in result.history]


def test_learns_and_reports_each_epoch():
    heard = []
    result = fit(network(), coloured(), RECIPE.replace(epochs=8), seed=0, on_epoch=heard.append)
    assert tuple(heard) == result.history
    assert [e.epoch for e in result.history] == list(range(1, 9))
    assert result.accuracy == result.history[-1].accuracy == 1.0
    assert result.history[-1].loss < result.history[0].loss
    assert result.seconds == sum(e.seconds for e in heard) > 0


@pytest.mark.parametrize("changes", [{}, {"ema": 0.9}, {"optimizer": "adamw"}, {"optimizer": "rmsprop"}])
def test_same_seed_same_numbers_and_weights(changes):
    recipe = RECIPE.replace(epochs=2, learning_rate=0.01, **changes)
    first, second = network(auxiliary=True), network(auxiliary=True)
    assert numbers(fit(first, coloured(), recipe, seed=5)) == numbers(fit(second, coloured(), recipe, seed=5))
    for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    other = numbers(fit(network(auxiliary=True), coloured(), recipe, seed=6))
    assert other != numbers(fit(network(auxiliary=True), coloured(), recipe, seed=5))


def test_the_callers_random_numbers_are_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    fit(network(), coloured(), RECIPE.replace(epochs=1), seed=0)
    assert torch.equal(torch.rand(1), expected)


class Stop(Exception):
    """Takes the place of a crash."""


@pytest.mark.parametrize("changes", [{}, {"ema": 0.9}, {"optimizer": "adamw", "learning_rate": 0.01}])
@pytest.mark.parametrize("stop_after", [1, 3])
def test_resumed_equals_uninterrupted(tmp_path, changes, stop_after):
    recipe = RECIPE.replace(**changes)
    whole = network(auxiliary=True)
    expected = fit(whole, coloured(), recipe, seed=1)

    def stop(result):
        if result.epoch == stop_after:
            raise Stop

    checkpoint = tmp_path / "c.pt"
    with pytest.raises(Stop):
        fit(network(auxiliary=True), coloured(), recipe, seed=1, checkpoint=checkpoint, on_epoch=stop)
    resumed, heard = network(seed=9, auxiliary=True), []
    found = fit(resumed, coloured(), recipe, seed=1, checkpoint=checkpoint, on_epoch=heard.append)
    assert numbers(found) == numbers(expected)
    assert [e.epoch for e in heard] == [1, 2, 3, 4]
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_finished_training_is_read_back(tmp_path):
    checkpoint = tmp_path / "c.pt"
    first = fit(network(), coloured(), RECIPE, seed=1, checkpoint=checkpoint)
    written = checkpoint.stat().st_mtime_ns
    assert fit(network(), coloured(), RECIPE, seed=1, checkpoint=checkpoint) == first
    assert checkpoint.stat().st_mtime_ns == written


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    checkpoint = tmp_path / "c.pt"
    fit(network(), coloured(), RECIPE.replace(epochs=1), seed=1, checkpoint=checkpoint)
    changed = RECIPE.replace(epochs=2, learning_rate=0.1)
    message = r"epochs was 1, now 2; learning_rate was 0\.2, now 0\.1; seed was 1, now 2"
    with pytest.raises(UserError, match=message):
        fit(network(), coloured(), changed, seed=2, checkpoint=checkpoint)
    with pytest.raises(UserError, match=r"network was '.*', now '"):
        fit(network(auxiliary=True), coloured(), RECIPE.replace(epochs=1), seed=1, checkpoint=checkpoint)


def test_killed_and_resumed(tmp_path):
    """A process that is killed with SIGKILL in the middle of an epoch goes on from the last whole one."""
    program = """
import sys
from pathlib import Path
from tests.training.test_fit import RECIPE, coloured, fit, network
import time, torch
torch.set_num_threads(int(sys.argv[2]))
fit(network(), coloured(), RECIPE, seed=1, checkpoint=Path(sys.argv[1]),
    on_epoch=lambda result: time.sleep(60) if result.epoch == 2 else None)
"""
    checkpoint = tmp_path / "c.pt"
    root = Path(__file__).parents[2]
    # Sums over several threads are rounded otherwise than over one, and earlier tests set their number.
    threads = str(torch.get_num_threads())
    process = subprocess.Popen([sys.executable, "-c", program, str(checkpoint), threads], cwd=root)
    try:
        deadline = time.monotonic() + 60
        while _epochs(checkpoint) < 2:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    resumed = fit(network(), coloured(), RECIPE, seed=1, checkpoint=checkpoint)
    assert numbers(resumed) == numbers(fit(network(), coloured(), RECIPE, seed=1))


def _epochs(checkpoint):
    return len(torch.load(checkpoint, weights_only=True)["history"]) if checkpoint.exists() else 0


def test_a_loss_that_is_no_number_is_one_clear_line():
    recipe = RECIPE.replace(learning_rate=1e30, clip_norm=None, epochs=3)
    with pytest.raises(
        TrainingFailed, match=r"the loss is (nan|inf) in epoch 1 of 3 .*lower learning_rate"
    ) as caught:
        fit(network(), coloured(), recipe, seed=0)
    assert "\n" not in str(caught.value)


def test_without_validation_images_no_accuracy():
    result = fit(network(), coloured(validation=False), RECIPE.replace(epochs=1), seed=0)
    assert result.accuracy is None
    assert result.history[0].train_accuracy > 0


class Dropping(nn.Module):
    """The small network behind ``blocks`` edges that can be dropped, whose probabilities it keeps."""

    def __init__(self, blocks):
        super().__init__()
        self.edges = nn.Sequential(*(DropPath() for _ in range(blocks)))
        self.network = network(auxiliary=False)
        self.seen = []

    def forward(self, images):
        probabilities = [1 - edge.keep.item() for edge in self.edges]
        if self.training and self.seen[-1:] != [probabilities]:
            self.seen.append(probabilities)
        return self.network(self.edges(images))


def test_drop_path_rises_over_the_epochs():
    model = Dropping(1)
    fit(model, coloured(), RECIPE, seed=0)
    assert model.seen == [[pytest.approx(rate)] for rate in (0.0, 0.1, 0.2, 0.3)]


def test_drop_path_by_depth_rises_over_the_blocks():
    model = Dropping(4)
    fit(model, coloured(), RECIPE.replace(drop_path_by_depth=True), seed=0)
    assert model.seen == [pytest.approx([0.0, 0.1, 0.2, 0.3])]


class Watched(nn.Module):
    """A linear network that keeps the learning rates and gradients it was given."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(64, 2)
        self.side = nn.Linear(64, 2)

    def forward(self, images):
        flat = images.flatten(1)
        return (self.layer(flat), self.side(flat)) if self.training else self.layer(flat)


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_auxiliary_head_is_trained_with_its_weight(weight):
    model = Watched()
    before = model.side.weight.detach().clone()
    recipe = RECIPE.replace(epochs=1, auxiliary_weight=weight, weight_decay=0.0)
    fit(model, coloured(), recipe, seed=0)
    assert torch.equal(before, model.side.weight) == (weight == 0.0)


def test_gradients_are_clipped():
    """One step of plain SGD moves the weights by the rate times the clipped norm."""
    model = Watched()
    before = torch.cat([p.detach().flatten() for p in model.parameters()])
    recipe = RECIPE.replace(
        epochs=1, batch_size=96, momentum=0.0, weight_decay=0.0, clip_norm=0.01, schedule="constant"
    )
    fit(model, coloured(), recipe, seed=0)
    after = torch.cat([p.detach().flatten() for p in model.parameters()])
    assert (after - before).norm().item() == pytest.approx(0.2 * 0.01, rel=1e-3)


def test_averaged_weights_are_left_in_the_model():
    """One step, decay 0.5: half way between the first weights and those of plain training."""
    recipe = RECIPE.replace(epochs=1, batch_size=96)
    plain, averaged, start = network(), network(), network()
    fit(plain, coloured(), recipe, seed=0)
    fit(averaged, coloured(), recipe.replace(ema=0.5), seed=0)
    torch.testing.assert_close(averaged.head.weight, (plain.head.weight + start.head.weight) / 2)


def test_negative_seed():
    with pytest.raises(UserError, match="seed is -1"):
        fit(network(), coloured(), RECIPE, seed=-1)


def test_a_cpu_without_amx_neither_compiles_nor_rounds(monkeypatch):
    """Without instructions for it bfloat16 is slow on a CPU, and compiling takes longer than a short training."""
    monkeypatch.setattr(torch, "compile", lambda *_: pytest.fail("compiled"))
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda device: False)
    plain = fit(network(), coloured(), RECIPE, seed=0)
    fast = fit(network(), coloured(), RECIPE.replace(bf16=True, channels_last=True, compile=True), seed=0)
    assert [epoch.loss for epoch in fast.history] == [epoch.loss for epoch in plain.history]


def test_a_cpu_with_amx_trains_in_bfloat16(monkeypatch):
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda device: True)
    plain = fit(network(), coloured(), RECIPE, seed=0)
    half = fit(network(), coloured(), RECIPE.replace(bf16=True, channels_last=True), seed=0)
    assert half.accuracy == 1.0
    assert [epoch.loss for epoch in half.history] != [epoch.loss for epoch in plain.history]
    assert half.history[-1].loss == pytest.approx(plain.history[-1].loss, abs=0.05)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_fast_settings_on_a_gpu(tmp_path):
    recipe = RECIPE.replace(epochs=8, bf16=True, channels_last=True, compile=True)
    data = coloured()
    for split in (data.train, data.validation):
        split.__init__(split.images, split.labels, split.info, torch.device("cuda"))
    result = fit(network(), data, recipe, seed=0, device="cuda", checkpoint=tmp_path / "c.pt")
    assert result.accuracy == 1.0


class Norm(nn.Module):
    """Batch norm of one value an image and channel."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(64)
        self.head = nn.Linear(64, 2)

    def forward(self, images):
        return self.head(self.norm(images.flatten(1)))


def test_batches_of_one_image_that_batch_norm_cannot_train_on():
    with pytest.raises(UserError, match=r"batches have one image.*accepted: batch_size"):
        fit(Norm(), coloured(), RECIPE.replace(batch_size=1), seed=0)


@pytest.mark.parametrize("changes", [{}, {"ema": 0.9}])
def test_a_training_in_stages_equals_one_in_one_go(tmp_path, changes):
    recipe, file = RECIPE.replace(**changes), tmp_path / "state.pt"
    whole = network(auxiliary=True)
    expected = fit(whole, coloured(), recipe, seed=1)
    for until in (1, 3, 4):
        staged = network(auxiliary=True)
        result = fit(staged, coloured(), recipe, seed=1, checkpoint=file, until=until)
        assert numbers(result) == numbers(expected)[:until]
    for a, b in zip(whole.state_dict().values(), staged.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_stage_trains_only_the_epochs_that_are_left_and_may_have_more_images(tmp_path, monkeypatch):
    file, seen = tmp_path / "state.pt", []
    epoch = fit_module._Run.epoch
    monkeypatch.setattr(
        fit_module._Run,
        "epoch",
        lambda self, number, *rest: seen.append(number) or epoch(self, number, *rest),
    )
    fit(network(), coloured(32), RECIPE, seed=1, checkpoint=file, until=1)
    fit(network(), coloured(48), RECIPE, seed=1, checkpoint=file, until=3)
    assert seen == [0, 1, 2]
    with pytest.raises(UserError, match="seed was 1, now 2"):
        fit(network(), coloured(48), RECIPE, seed=2, checkpoint=file, until=4)


class WithLossOfItsOwn(TinyNet):
    """Wants its head's bias to be 3, in every second step."""

    extra_loss = None
    steps = 0

    def forward(self, x):
        self.steps += 1
        if self.training and self.steps % 2:
            self.extra_loss = 5.0 * (self.head.bias - 3.0).square().mean()
        return super().forward(x)


def test_a_modules_own_loss_is_added():
    torch.manual_seed(0)
    model = WithLossOfItsOwn(classes=2)
    fit(model, coloured(), RECIPE.replace(epochs=4, learning_rate=0.02, clip_norm=None), seed=0)
    assert model.extra_loss is None
    assert model.head.bias.mean().item() > 1.0


class Solved(TinyNet):
    """Tells of a solver, from the second epoch on."""

    told = 0

    def mean_residual(self):
        self.told += 1
        return None if self.told == 1 else 0.5 / self.told


def test_what_a_solver_left_is_asked_for_after_each_epoch():
    result = fit(Solved(classes=2), coloured(), RECIPE.replace(epochs=3), seed=0)
    assert [epoch.residual for epoch in result.history] == [None, 0.5 / 2, 0.5 / 3]
    assert {epoch.residual for epoch in fit(network(), coloured(), RECIPE, seed=0).history} == {None}
