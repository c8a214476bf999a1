"""What a one-shot search is to do."""

import dataclasses
import json

import pytest
import torch

from execution.session import session_of
from execution.settings import SearchSettings
from records.errors import UserError
from strategies.supernet.plan import OneShotPlan, check_plan, count_devices

SETTINGS = SearchSettings(
    strategy="darts", width=4, cells=2, batch_size=3, max_macs=10**9, device="cpu", devices=2, threads=4
)


def test_it_survives_json():
    plan = session_of(SETTINGS).plan
    assert OneShotPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    assert (plan.devices, plan.trial.threads, plan.supernet.batch_size) == (2, 4, 3)


def test_on_another_device_only_that_changes():
    plan = session_of(SETTINGS).plan
    moved = plan.on_device("cuda:1", 7)
    assert (moved.trial.device, moved.supernet.device, moved.trial.threads) == ("cuda:1", "cuda:1", 7)
    assert moved.on_device("cpu", 4) == plan


@pytest.mark.parametrize(
    ("device", "asked", "gpus", "count"),
    [
        ("cpu", None, 4, 1),
        ("cpu", 3, 0, 3),
        ("cuda", None, 4, 4),
        ("cuda", None, 0, 1),  # the error about that comes from torch
        ("cuda", 2, 4, 2),
        ("cuda:1", None, 4, 1),
    ],
)
def test_devices(monkeypatch, device, asked, gpus, count):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert count_devices(device, asked) == count


def test_devices_that_are_not_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UserError, match=r"devices is 3; this machine has 2 GPUs"):
        count_devices("cuda", 3)
    with pytest.raises(UserError, match=r"devices is 2; device cuda:1 is one"):
        count_devices("cuda:1", 2)


def test_batches_that_cannot_be_shared_are_refused():
    check_plan(session_of(SETTINGS).plan)
    with pytest.raises(UserError, match=r"devices is 4; a batch of 3 images cannot be shared by so many"):
        check_plan(session_of(dataclasses.replace(SETTINGS, devices=4)).plan)
