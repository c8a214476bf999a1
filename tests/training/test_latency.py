"""The time of one image: what is run, by how many threads, and that nothing of the model changes."""

from __future__ import annotations

import copy
import time

import pytest
import torch
from torch import nn

from training import latency
from training.latency import latency_ms


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
        latency_ms(model, (3, 8, 6))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert set(model.calls) == {((1, 3, 8, 6), False, 1, False)}
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_it_is_in_milliseconds_and_the_median():
    assert latency_ms(Watched(0.004), (3, 4, 4)) == pytest.approx(4, abs=2)


def test_a_slow_network_is_passed_fewer_times(monkeypatch):
    monkeypatch.setattr(latency, "_MOST_SECONDS", 0.0)
    model = Watched()
    latency_ms(model, (3, 4, 4))
    assert len(model.calls) == 5 + 5
