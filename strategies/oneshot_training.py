"""A plan's supernet trained in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from search_space import get_space
from strategies.oneshot_distribution import CostTable
from strategies.oneshot_plan import OneShotPlan
from strategies.oneshot_ranks import ALONE, Ranks
from strategies.oneshot_search import search_supernet
from strategies.oneshot_state import SearchState
from training.data import Data, DatasetInfo, load_data
from training.trial import TrialSettings

OnEpoch = Callable[[SearchState], None]
_OF_THE_SUPERNET_TOO = ("dataset", "seed", "validation", "train_limit", "image_size")


def train_supernet(
    plan: OneShotPlan,
    info: DatasetInfo,
    table: CostTable,
    checkpoint: Path,
    log: Path,
    on_epoch: OnEpoch | None = None,
    progress: bool = False,
    ranks: Ranks = ALONE,
) -> SearchState:
    """See ``search_supernet`` for what is reported, kept and raised."""
    data = _load(plan.trial)
    space = get_space(plan.space)
    settings = space.make_settings(plan.space_settings)
    return search_supernet(
        lambda: space.model_space(settings, info.image, info.classes),
        table,
        data,
        plan.supernet,
        checkpoint=checkpoint,
        log=log,
        describe={
            "space": plan.space,
            "space settings": space.settings_json(settings),
            **{f"trial's {name}": getattr(plan.trial, name) for name in _OF_THE_SUPERNET_TOO},
        },
        on_epoch=on_epoch,
        progress=progress,
        ranks=ranks,
    )


def _load(trial: TrialSettings) -> Data:
    return load_data(
        trial.dataset,
        trial.data_dir,
        device=trial.device,
        seed=trial.seed,
        validation=trial.validation,
        train_limit=trial.train_limit,
        image_size=trial.image_size,
        workers=trial.workers,
    )
