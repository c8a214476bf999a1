"""The limits of a search as its portal's server holds them."""

from __future__ import annotations

import pytest

from execution.nni_bridge import portal_limits
from execution.nni_bridge.portal_limits import Limits, PortalLimits, hub_edits, no_edits, search_edits


class Server:
    """Answers as NNI's does, with what the test last set."""

    def __init__(self) -> None:
        self.asked = 0
        self.profile = {"params": {"maxTrialNumber": 12, "trialConcurrency": 2}, "execDuration": 30}

    def get(self, port, path):
        self.asked += 1
        if self.profile is None:
            raise ConnectionRefusedError(111, "refused")
        return self.profile


@pytest.fixture
def server(monkeypatch):
    made = Server()
    monkeypatch.setattr(portal_limits.rest, "get", made.get)
    return made


def test_it_asks_once_a_second(server, monkeypatch):
    limits = PortalLimits(1, 12, 2)
    assert [limits() for _ in range(50)] == [Limits(12, 2)] * 50
    assert server.asked == 0
    monkeypatch.setattr(portal_limits, "_ASK_SECONDS", 0.0)
    limits()
    assert server.asked == 1


def test_limits_follow_the_portal_and_stay_when_it_is_silent(server, monkeypatch):
    monkeypatch.setattr(portal_limits, "_ASK_SECONDS", 0.0)
    limits = PortalLimits(1, 12, 2)
    server.profile["params"] |= {"maxTrialNumber": 5, "trialConcurrency": 3}
    assert limits() == Limits(5, 3)
    server.profile["params"]["maxExperimentDuration"] = "1m"
    assert limits() == Limits(5, 3)
    server.profile["execDuration"] = 60
    assert limits() == Limits(5, 3, "Max duration was set to 1m in the portal")
    server.profile = None
    assert limits().trials == 5


def test_what_a_page_may_change():
    assert search_edits(4)["most"] == 4
    assert set(search_edits(None)["refused"]) == {"CUSTOMIZED"}
    assert "CUSTOMIZED" not in hub_edits()["refused"]
    assert set(hub_edits()["refused"]) < set(no_edits()["refused"])
