"""DARTS (Liu et al., ICLR 2019): one supernet, whose operations are weighed by learned architecture weights."""

from __future__ import annotations

from typing import Any

from strategies.contract import OneShotStrategy
from strategies.registry import register_strategy
from strategies.supernet.own_settings import GradientSettings, supernet_of
from strategies.supernet.settings import SupernetSettings


@register_strategy
class Darts(OneShotStrategy):
    """NNI's DARTS on cells, with a penalty for expected MACs that reaches the architecture weights.

    Examples:
        >>> settings = Darts.Settings(mac_penalty=0.1)
        >>> Darts.supernet(settings, batch_size=32, seed=0, device="cpu").mac_penalty
        0.1
    """

    name = "darts"
    summary = "trains one supernet, and derives candidates from it"
    Settings = GradientSettings

    @classmethod
    def supernet(cls, settings: Any, *, batch_size: int | None, seed: int, device: str) -> SupernetSettings:
        return supernet_of(settings, batch_size=batch_size, seed=seed, device=device)

    @classmethod
    def nni_strategy(cls, settings: SupernetSettings, **common: Any) -> Any:
        from strategies.supernet.learning.carrier import SupernetStrategy
        from strategies.supernet.mixing.mixer import Softmax

        return SupernetStrategy(settings, Softmax(), **common)
