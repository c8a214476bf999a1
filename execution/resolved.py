"""What a search uses where its settings leave a value open: the other half of a run's ``settings.json``."""

from __future__ import annotations

import dataclasses
from typing import Any

from execution.settings import SearchSettings
from search_space import get_space
from strategies.kinds import ONE_SHOT
from training.data.datasets import DatasetInfo
from training.data.prepare import PreparedData


def resolve(settings: SearchSettings, data: PreparedData) -> dict[str, Any]:
    """By name: what is known of the ``data`` (see `PreparedData.to_json`), ``space`` (all its settings), ``recipe``
    (of each candidate's training), ``device`` and ``threads`` (of a trial); of a one-shot search also ``supernet``
    (how it is trained) and ``devices``.

    Device and threads are left out where other machines decide them for themselves. Raises `UserError`.
    """
    space, trial = get_space(settings.space), settings.trial_settings()
    found: dict[str, Any] = {
        **data.to_json(),
        "space": space.settings_json(space.make_settings(settings.space_settings())),
        "recipe": trial.make_recipe().to_json(),
    }
    if settings.platform == "local":
        found |= {"device": trial.device, "threads": trial.threads}
    if settings.strategy in ONE_SHOT:
        found |= _of_the_supernet(settings, data.info)
    return found


def _of_the_supernet(settings: SearchSettings, info: DatasetInfo) -> dict[str, Any]:
    import torch

    from execution.one_shot import make_plan

    plan = make_plan(settings, info)
    return {
        "supernet": dataclasses.asdict(plan.supernet),
        "devices": plan.devices,
        "threads": plan.trial.threads or torch.get_num_threads(),
    }
