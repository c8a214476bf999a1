"""What a search uses where its settings leave a value open: the other half of a run's ``settings.json``."""

from __future__ import annotations

import dataclasses
from typing import Any

from search_space import get_space
from strategies.kinds import ONE_SHOT
from strategies.settings import SearchSettings
from training.data import image_counts
from training.datasets import ARRAY_SETS, dataset_info


def resolve(settings: SearchSettings) -> dict[str, Any]:
    """By name: ``space`` (all its settings), ``recipe`` (of each candidate's training), ``dataset`` (its facts),
    ``train_images``, ``validation_images``, ``test_images``, ``device`` and ``threads`` (of a trial); of a one-shot
    search also ``supernet`` (how it is trained) and ``devices``.

    What other machines decide for themselves (device and threads, images of a folder there) is left out.
    Raises `UserError`.
    """
    space, trial = get_space(settings.space), settings.trial_settings()
    found: dict[str, Any] = {
        "space": space.settings_json(space.make_settings(settings.space_settings())),
        "recipe": trial.make_recipe().to_json(),
    }
    here = settings.platform == "local"
    if here or settings.dataset in ARRAY_SETS:
        found["dataset"] = dataset_info(settings.dataset, settings.data_dir).to_json()
    if here:
        counts = image_counts(
            settings.dataset, settings.data_dir, validation=trial.validation, train_limit=trial.train_limit
        )
        found |= counts | {"device": trial.device, "threads": trial.threads}
    if settings.strategy in ONE_SHOT:
        found |= _of_the_supernet(settings)
    return found


def _of_the_supernet(settings: SearchSettings) -> dict[str, Any]:
    import torch

    from strategies.oneshot import make_plan

    plan = make_plan(settings)
    return {
        "supernet": dataclasses.asdict(plan.supernet),
        "devices": plan.devices,
        "threads": plan.trial.threads or torch.get_num_threads(),
    }
