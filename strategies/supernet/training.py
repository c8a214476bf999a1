"""A plan's supernet trained in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from search_space import get_space
from strategies.contract import OneShotStrategy
from strategies.registry import get_strategy
from strategies.supernet.distribution import CostTable
from strategies.supernet.plan import OneShotPlan
from strategies.supernet.ranks import ALONE, Ranks
from strategies.supernet.search import search_supernet
from strategies.supernet.state import SearchState


def one_shot_strategy(name: str) -> type[OneShotStrategy]:
    strategy = get_strategy(name)
    assert issubclass(strategy, OneShotStrategy)
    return strategy


OnEpoch = Callable[[SearchState], None]
_OF_THE_SUPERNET_TOO = ("dataset", "seed", "validation", "train_limit")


def train_supernet(
    plan: OneShotPlan,
    table: CostTable,
    checkpoint: Path,
    log: Path,
    on_epoch: OnEpoch | None = None,
    progress: bool = False,
    ranks: Ranks = ALONE,
    given: Any = None,
) -> SearchState:
    """See ``search_supernet`` for what is reported, kept and raised."""
    data = plan.trial.load()
    problem = get_space(plan.problem.space).completed(plan.problem)
    return search_supernet(
        lambda: plan.cells.model(plan.supernet.partial_channels),
        table,
        data,
        plan.supernet,
        strategy=one_shot_strategy(plan.strategy),
        checkpoint=checkpoint,
        log=log,
        describe={
            "space": problem.space,
            "space settings": problem.settings,
            "image": list(problem.image),
            **{f"trial's {name}": getattr(plan.trial, name) for name in _OF_THE_SUPERNET_TOO},
        },
        on_epoch=on_epoch,
        progress=progress,
        ranks=ranks,
        budget=plan.budget,
        given=given,
    )
