import json
import os

import pytest
import torch

from execution.platforms.cluster import MOUNT
from execution.platforms.contract import SERVICES, LocalPlatform, make_platform, serving
from execution.settings import PLATFORMS, SearchSettings
from training.data.datasets import ARRAY_SETS
from training.data.prepare import PreparedData


def test_every_platform_has_a_training_service():
    assert tuple(SERVICES) == PLATFORMS
    assert MOUNT == "/tmp/mount"


def test_this_machine_reads_its_own_data():
    platform = make_platform(SearchSettings())
    assert isinstance(platform, LocalPlatform)
    assert platform.prepared_data() == PreparedData(ARRAY_SETS["digits"], 1150, 287, 360)


@pytest.mark.parametrize(
    ("device", "visible", "gpus"),
    [
        ("cpu", None, []),
        ("cuda", None, ["0", "1", "2"]),
        ("auto", None, ["0", "1", "2"]),
        ("cuda", "5,7", ["5", "7"]),  # as the user numbers them: a trial's list replaces the user's
        ("cuda:1", None, []),  # the user's choice, by torch's number
    ],
)
def test_gpus_of_this_machine(monkeypatch, device, visible, gpus):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    platform = LocalPlatform(SearchSettings(device=device, concurrency=4))
    assert platform.places() == [{"trials": 4, "gpus": gpus}]


def test_the_server_finds_its_places_in_the_environment():
    with serving(LocalPlatform(SearchSettings(device="cpu", concurrency=3)), 9000):
        assert json.loads(os.environ["PDE_NAS_PLACES"]) == [{"trials": 3, "gpus": []}]
    assert "PDE_NAS_PLACES" not in os.environ
