"""Latencies predicted from those of operations."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pde_ops import GlobalLayer
from training import latency_table
from training.latency import Latency
from training.latency_table import LatencyTable, operations, summary

IMAGE = (3, 8, 8)


def network(width: int, depth: int = 1) -> nn.Module:
    blocks = [nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.ReLU()) for _ in range(depth)]
    return nn.Sequential(
        nn.Conv2d(3, width, 3), *blocks, GlobalLayer(width), nn.Flatten(), nn.Linear(width * 36, 2)
    )


@pytest.fixture
def timed(monkeypatch):
    """Operations take a millisecond for each parameter, networks 2 and half of that; what was timed."""
    asked = []

    def measure(module, image, device, *, batch, threads, runtime="pytorch"):
        asked.append((type(module).__name__, image, batch, threads))
        count = float(sum(p.numel() for p in module.parameters()))
        whole = len(list(module.children())) > 3 and not isinstance(module, GlobalLayer)
        value = 2 + 0.5 * count if whole else count
        return Latency(value, value, value)

    monkeypatch.setattr(latency_table, "measured_latency", measure)
    return asked


def test_operations_are_layers_with_what_they_take():
    net = network(4).train()
    found = operations(net, (2, *IMAGE))
    assert [(type(module).__name__, shape) for _, module, shape in found] == [
        ("Conv2d", (2, 3, 8, 8)), ("Conv2d", (2, 4, 6, 6)), ("ReLU", (2, 4, 6, 6)), ("GlobalLayer", (2, 4, 6, 6)),
        ("Flatten", (2, 4, 6, 6)), ("Linear", (2, 144)),
    ]  # fmt: skip
    assert net.training
    assert all(not module._forward_pre_hooks for module in net.modules())
    assert torch.is_grad_enabled()


def test_each_operation_is_timed_once(timed):
    table = LatencyTable(batch=2, threads=3)
    assert table.predict(network(4, depth=3), IMAGE) == sum(
        p.numel() for p in network(4, depth=3).parameters()
    )
    assert sorted(name for name, *_ in timed) == [
        "Conv2d",
        "Conv2d",
        "Flatten",
        "GlobalLayer",
        "Linear",
        "ReLU",
    ]
    assert {(batch, threads) for _, _, batch, threads in timed} == {(2, 3)}
    before = len(timed)
    table.predict(network(4), IMAGE)
    assert len(timed) == before


def test_a_calibrated_table_is_exact_where_the_rule_holds(timed):
    table = LatencyTable()
    table.calibrate([network(4), network(8), network(6, depth=2)], IMAGE)
    assert (table.scale, table.overhead) == (pytest.approx(0.5), pytest.approx(2))
    assert table.errors([network(5, depth=3), network(7)], IMAGE) == pytest.approx([0, 0], abs=1e-9)


def test_of_networks_too_alike_only_the_factor_is_taken(timed):
    table = LatencyTable()
    table.calibrate([network(4)], IMAGE)
    assert table.overhead >= 0
    assert table.errors([network(4)], IMAGE) == pytest.approx([0], abs=1e-6)


def test_the_summary_says_whether_the_mark_is_met():
    assert summary([0.14, -0.15, 0.3]).endswith("mark at most 15% in the median: met")
    assert summary([0.16, -0.17, 0.1]).endswith("NOT met")
