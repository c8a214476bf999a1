"""Any one-shot strategy of NNI's, built in or a user's own, over the cells of this project."""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass
from typing import Any

from records.errors import UserError
from records.options import option
from strategies.contract import OneShotStrategy
from strategies.registry import register_strategy
from strategies.supernet.own_settings import SupernetLength, supernet_of
from strategies.supernet.settings import SupernetSettings

_SETTING = "nni_one_shot"


def _explore(strategy: Any, *args: Any) -> None:
    """Calls ``strategy`` as NNI does. Raises `UserError` where it fails; the search's log has the stack."""
    try:
        strategy(*args)
    except UserError:
        raise
    except Exception as error:
        logging.getLogger("nni.nas.strategy").exception("%s failed", type(strategy).__name__)
        raise UserError(f"NNI's strategy {type(strategy).__name__} failed: {error!r}") from error


@dataclass(frozen=True)
class NniOneShotSettings(SupernetLength):
    nni_one_shot: str = option(
        "nni.nas.strategy:DARTS",
        "class of the strategy, which is made with its defaults",
        metavar="MODULE:CLASS",
    )


@register_strategy
class NniOneShot(OneShotStrategy):
    """A subclass of ``nni.nas.oneshot.pytorch.strategy.OneShotStrategy``, which makes the supernet of the space's cells
    and trains it as it does in an experiment of NNI's.

    Data, weights' optimiser, epochs, resume and what follows the supernet are this project's; how architectures are
    learned, with which penalty, and which one is exported after an epoch are the strategy's own. What is exported
    above a budget gives way to the most probable architecture within it.

    Examples:
        >>> NniOneShot.Settings().nni_one_shot
        'nni.nas.strategy:DARTS'
    """

    name = "nni-one-shot"
    summary = (
        "trains one supernet by a one-shot strategy of NNI's own or a user's, and derives candidates from it"
    )
    Settings = NniOneShotSettings

    @classmethod
    def supernet(cls, settings: Any, *, batch_size: int | None, seed: int, device: str) -> SupernetSettings:
        return supernet_of(settings, batch_size=batch_size, seed=seed, device=device)

    @classmethod
    def take(cls, settings: Any, given: Any) -> None:
        from strategies.nni_side.users import made, require_given

        require_given(_SETTING, settings.nni_one_shot, given)
        if given is None:
            made(_SETTING, settings.nni_one_shot, 0, one_shot=True)  # says so where it cannot be

    @classmethod
    def nni_strategy(cls, settings: SupernetSettings, *, given: Any = None, **common: Any) -> Any:
        from strategies.nni_side.users import copied, is_enas, made

        strategy = copied(given) or made(_SETTING, settings.nni_one_shot, settings.seed, one_shot=True)
        if is_enas(type(strategy)):
            from strategies.supernet.learning.followed_enas import mend

            strategy = mend(strategy)
        return functools.partial(_explore, strategy)

    @classmethod
    def keeper(cls) -> Any:
        from strategies.supernet.learning.following import FollowingKeeper

        return FollowingKeeper
