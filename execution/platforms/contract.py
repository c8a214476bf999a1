"""Where the trials of a search run: this machine, others over SSH, a Kubernetes cluster.

A platform knows the data set's images where trials will read them, fills in NNI's configuration, holds what
NNI's server needs in its environment, and leaves nothing behind.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

from execution.settings import SearchSettings
from records.run_files.run_folder import RunFolder
from training.data.datasets import DatasetInfo
from training.data.prepare import PreparedData, prepare_data

# NNI's names of its training services.
SERVICES = {"local": "local", "remote": "remote", "kubernetes": "frameworkcontroller"}


class Platform(Protocol):
    """What a search asks of the place its trials run in. Everything raises `UserError`."""

    def prepared_data(self, known: DatasetInfo | None = None) -> PreparedData:
        """The data set where trials will read it, looked at; fetched if it is missing. ``known`` is what a run
        found when it began: other data are refused."""

    def trial_command(self, module: str) -> str:
        """The shell command by which NNI starts ``python -m module``."""

    def configure(self, config: Any) -> None:
        """Fills in NNI's configuration, whose training service is the platform's."""

    def places(self) -> list[dict[str, Any]]:
        """For each machine, how many ``trials`` at the same time, and the ``gpus`` they use in turn."""

    def most_trials(self) -> int | None:
        """The largest number of trials at the same time that there is room for; None where the user decides."""

    @contextmanager
    def serving(self, port: int) -> Iterator[None]:
        """Environment for NNI's server; ``port`` is the portal's, as the user reaches it."""
        yield

    def record(self, run: RunFolder, config: Any) -> None:
        """Writes into the run folder what should be known of the platform later; ``config`` is NNI's."""

    def fetch(self, folder: Path, trial: str) -> None:
        """Brings the files of a trial that ended into the experiment's ``folder``, if NNI did not."""

    def clean(self, experiment: str, *, forget: bool = False) -> None:
        """Ends what the experiment left running elsewhere; with ``forget`` removes its files there."""


class LocalPlatform:
    """This machine."""

    def __init__(self, settings: SearchSettings) -> None:
        self.settings = settings
        self._data: PreparedData | None = None

    def prepared_data(self, known: DatasetInfo | None = None) -> PreparedData:
        if self._data is None or known not in (None, self._data.info):
            self._data = prepare_data(known=known, **self.settings.trial_settings().data_request())
        return self._data

    def trial_command(self, module: str) -> str:
        from execution.trials.command import quick_trial_command

        return quick_trial_command(module)

    def configure(self, config: Any) -> None:
        pass

    def places(self) -> list[dict[str, Any]]:
        return [{"trials": self.settings.concurrency, "gpus": self._gpus()}]

    def most_trials(self) -> int | None:
        return None

    def _gpus(self) -> list[str]:
        if self.settings.real_device() != "cuda":
            return []  # none, or the one that the user named
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        if visible:
            return visible.split(",")
        import torch

        return [str(index) for index in range(torch.cuda.device_count())]

    @contextmanager
    def serving(self, port: int) -> Iterator[None]:
        from execution.trials.preloaded import preloaded_trials

        with preloaded_trials():
            yield

    def record(self, run: RunFolder, config: Any) -> None:
        pass

    def fetch(self, folder: Path, trial: str) -> None:
        pass

    def clean(self, experiment: str, *, forget: bool = False) -> None:
        pass


def make_platform(settings: SearchSettings) -> Platform:
    """The platform that ``settings`` name. Raises `UserError` for a file that does not describe one."""
    if settings.platform == "remote":
        from execution.platforms.remote import RemotePlatform

        return RemotePlatform(settings)
    if settings.platform == "kubernetes":
        from execution.platforms.kubernetes import KubernetesPlatform

        return KubernetesPlatform(settings)
    return LocalPlatform(settings)


@contextmanager
def serving(platform: Platform, port: int) -> Iterator[None]:
    """Environment in which an NNI server that is started here finds its machines and their places; ``port`` is
    the portal's, as the user reaches it."""
    with (
        platform.serving(port),
        mock.patch.dict(os.environ, {"PDE_NAS_PLACES": json.dumps(platform.places())}),
    ):
        yield
