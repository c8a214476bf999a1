"""What the portal's user allows a running search: candidates, trials at the same time, duration.

NNI's server only holds these numbers (portal_edits.js); the search asks for them and keeps to them.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any, NamedTuple

from execution.nni_bridge.quiet_nni import parse_time, rest

_ASK_SECONDS = 1.0
_ALL = ("MAX_TRIAL_NUM", "MAX_EXEC_DURATION", "TRIAL_CONCURRENCY", "CUSTOMIZED", "KILL")
_NO_CANDIDATE = "the search proposes its candidates by itself; start a search of your own to try another"
_NO_LIMITS = "rows are searches, and each has limits of its own; `run_search.py stop` ends all of them"
_ONLY_SHOWN = "this page only shows a search, which does not hear it; `run_search.py stop` ends what runs"


class Limits(NamedTuple):
    """``trials`` candidates in all, ``concurrency`` of them at the same time; ``over`` says, in words for the
    user, why no further one is to begin, and is None while there is no such reason."""

    trials: int
    concurrency: int
    over: str | None = None


class PortalLimits:
    """The limits of the experiment whose server is on ``port``, asked for at most once a second; while it does
    not answer they are as they were."""

    def __init__(self, port: int, trials: int, concurrency: int) -> None:
        self.port, self.limits = port, Limits(trials, concurrency)
        self.asked = time.monotonic()

    def __call__(self) -> Limits:
        if time.monotonic() - self.asked > _ASK_SECONDS:
            self.asked = time.monotonic()
            with contextlib.suppress(OSError, ValueError):  # whether the server has ended is seen elsewhere
                self.limits = self._read(rest.get(self.port, "/experiment"))
        return self.limits

    def _read(self, profile: dict[str, Any]) -> Limits:
        asked = profile["params"]
        trials = asked.get("maxTrialNumber") or self.limits.trials
        over, longest = None, asked.get("maxExperimentDuration")
        if longest is not None and profile["execDuration"] >= parse_time(longest):
            over = f"Max duration was set to {longest} in the portal"
        return Limits(trials, asked["trialConcurrency"], over)


def search_edits(most: int | None) -> dict[str, Any]:
    """What the page of a multi-trial search may change; ``most``: the largest concurrency that its machines have
    places for, None for any."""
    return {"launcher": True, "most": most, "refused": {"CUSTOMIZED": _NO_CANDIDATE}}


def hub_edits() -> dict[str, Any]:
    """What the page of a hub or a sweep may change: each row is a search."""
    return {"refused": dict.fromkeys(("MAX_TRIAL_NUM", "MAX_EXEC_DURATION"), _NO_LIMITS)}


def no_edits() -> dict[str, Any]:
    """For a page that only shows what runs, or ran, elsewhere."""
    return {"launcher": True, "refused": dict.fromkeys(_ALL, _ONLY_SHOWN)}
