"""ENAS (Pham et al., ICML 2018): a controller learns to draw paths through one supernet."""

from __future__ import annotations

import contextlib
import io
from typing import Any

from strategies.contract import OneShotStrategy
from strategies.extras import RL
from strategies.registry import register_strategy
from strategies.supernet.own_settings import OneShotSettings, supernet_of
from strategies.supernet.settings import SupernetSettings


@register_strategy
class Enas(OneShotStrategy):
    """NNI's ENAS: an LSTM that learns by proximal policy optimisation draws the paths along which weights are trained.

    Its reward is the accuracy of a batch of validation images less the penalty. It needs the extra ``rl``.

    Examples:
        >>> Enas.Settings(supernet_epochs=5).supernet_epochs
        5
    """

    name = "enas"
    summary = "trains one supernet along paths that a learning controller draws; needs the extra rl"
    Settings = OneShotSettings
    extra = RL

    @classmethod
    def supernet(cls, settings: Any, *, batch_size: int | None, seed: int, device: str) -> SupernetSettings:
        return supernet_of(settings, batch_size=batch_size, seed=seed, device=device)

    @classmethod
    def nni_strategy(cls, settings: SupernetSettings, **common: Any) -> Any:
        with contextlib.redirect_stderr(io.StringIO()):  # where gym tells all who import it to take another
            from strategies.supernet.learning.carrier import SupernetStrategy
            from strategies.supernet.learning.controller import EnasModule
        from strategies.supernet.mixing.paths import Paths

        return SupernetStrategy(settings, Paths(), EnasModule, **common)
