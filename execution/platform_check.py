"""Which settings of a search go with the machines on which its trials run."""

from __future__ import annotations

import os
from typing import Any

from records.errors import UserError
from strategies.registry import get_strategy, strategies


def check_platform(settings: Any) -> None:
    """``settings`` are `execution.settings.SearchSettings`. Raises `UserError` for a setting that does not go with the platform."""
    for name, platform in (("hosts", "remote"), ("cluster", "kubernetes")):
        if (getattr(settings, name) is not None) != (settings.platform == platform):
            raise UserError(
                f"platform is {settings.platform} and {name} {getattr(settings, name)!r}; --{name} FILE goes with "
                f"--platform {platform}, and is needed there"
            )
    if settings.platform == "local":
        return
    for name, does in (("confirm", "trains on"), ("screen", "reads the images of")):
        if getattr(settings, name):
            raise UserError(
                f"{name} is {getattr(settings, name)} with platform {settings.platform}; accepted: 0, it {does} this "
                "machine"
            )
    if get_strategy(settings.strategy).trains_here:
        others = [name for name, strategy in strategies().items() if not strategy.trains_here]
        raise UserError(
            f"strategy {settings.strategy} trains a supernet on this machine; accepted with platform {settings.platform}: "
            f"{', '.join(others)}"
        )
    if getattr(get_strategy(settings.strategy), "stages", False):
        raise UserError(
            f"platform is {settings.platform} with strategy {settings.strategy}, whose trials go on from checkpoints in the "
            "run folder; accepted: local"
        )
    if settings.data_dir is not None and not os.path.isabs(settings.data_dir):
        raise UserError(
            f"data_dir is {settings.data_dir!r}; with platform {settings.platform} it is a folder where trials run, "
            "so an absolute path is accepted alone"
        )
