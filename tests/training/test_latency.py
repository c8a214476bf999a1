"""The time of one image: what is run, by how many threads, and that nothing of the model changes."""

from __future__ import annotations

import copy
import time

import pytest
import torch
from torch import nn

from records.errors import UserError
from training import latency
from training.latency import Latency, measured_latency


class Watched(nn.Module):
    """Takes ``seconds`` and keeps how it was called."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.seconds, self.calls = seconds, []

    def forward(self, x):
        time.sleep(self.seconds)
        self.calls.append((tuple(x.shape), self.training, torch.get_num_threads(), torch.is_grad_enabled()))
        return self.norm(x)


def test_it_is_one_image_by_one_thread_in_evaluation_mode():
    model = Watched().train()
    before, threads = copy.deepcopy(model.state_dict()), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        measured_latency(model, (3, 8, 6))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert set(model.calls) == {((1, 3, 8, 6), False, 1, False)}
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_it_is_in_milliseconds_and_the_median():
    assert measured_latency(Watched(0.004), (3, 4, 4)).median == pytest.approx(4, abs=2)


def test_a_slow_network_is_passed_fewer_times(monkeypatch):
    monkeypatch.setattr(latency, "_MOST_SECONDS", 0.0)
    monkeypatch.setattr(latency, "ATTEMPTS", 1)
    model = Watched()
    measured_latency(model, (3, 4, 4))
    assert len(model.calls) == 5 + 5


def test_batch_and_threads():
    model = Watched()
    measured_latency(model, (3, 8, 6), batch=4, threads=2)
    assert set(model.calls) == {((4, 3, 8, 6), False, 2, False)}


@pytest.mark.parametrize(
    ("spreads", "calls", "median"), [((0.1,), 1, 1.0), ((0.5, 0.2), 2, 2.0), ((0.9, 0.5, 0.6), 3, 2.0)]
)
def test_a_busy_machine_is_measured_again_and_told(monkeypatch, recwarn, spreads, calls, median):
    found = [Latency(1.0 + n, 1.0 + n, (1.0 + n) * (1 + spread)) for n, spread in enumerate(spreads)]
    left = iter(found)
    monkeypatch.setattr(latency, "_passes", lambda *_: next(left))
    assert measured_latency(Watched(), (3, 4, 4)).median == median
    assert len(list(left)) == len(found) - calls
    assert bool(recwarn) == (min(spreads) > 1 / 3)
    if recwarn:
        assert "2 to 3 ms: the machine is busy" in str(recwarn[0].message)


def test_in_onnx_runtime():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2)).train()
    before = copy.deepcopy(model.state_dict())
    assert measured_latency(model, (3, 4, 4), runtime="onnx", batch=2).median > 0
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_what_has_no_onnx_form():
    class Branch(nn.Module):
        def forward(self, x):
            return x if x.mean() > 0 else -x

    with pytest.raises(
        UserError, match="its latency in ONNX Runtime cannot be measured: the network cannot be recorded"
    ):
        measured_latency(Branch(), (3, 4, 4), runtime="onnx")
