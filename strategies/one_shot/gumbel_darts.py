"""Gumbel-DARTS: DARTS whose weights are drawn, and come closer to one operation an edge as a temperature falls.

Sources: Xie et al., "SNAS: Stochastic Neural Architecture Search", ICLR 2019; Wu et al., "FBNet", CVPR 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from records.errors import UserError
from records.options import option
from strategies.contract import OneShotStrategy
from strategies.registry import register_strategy
from strategies.supernet.own_settings import GradientSettings, supernet_of
from strategies.supernet.settings import SupernetSettings


@dataclass(frozen=True)
class GumbelSettings(GradientSettings):
    temperature: float = option(
        1.0, "of the Gumbel softmax in the first epoch, from which it falls linearly", least=0.01
    )
    final_temperature: float = option(0.33, "of the Gumbel softmax in the last epoch", least=0.01)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.final_temperature > self.temperature:
            raise UserError(
                f"final_temperature is {self.final_temperature:g}; accepted: at most temperature, "
                f"which is {self.temperature:g}"
            )


@register_strategy
class GumbelDarts(OneShotStrategy):
    """NNI's GumbelDARTS on cells, with a penalty for expected MACs that reaches the architecture weights.

    Examples:
        >>> settings = GumbelDarts.Settings(temperature=2.0)
        >>> GumbelDarts.supernet(settings, batch_size=32, seed=0, device="cpu").temperature
        2.0
    """

    name = "gumbel-darts"
    summary = "as darts, with weights that are drawn ever closer to one operation an edge"
    Settings = GumbelSettings

    @classmethod
    def supernet(cls, settings: Any, *, batch_size: int | None, seed: int, device: str) -> SupernetSettings:
        return supernet_of(settings, batch_size=batch_size, seed=seed, device=device)

    @classmethod
    def nni_strategy(cls, settings: SupernetSettings, **common: Any) -> Any:
        from strategies.supernet.learning.carrier import SupernetStrategy
        from strategies.supernet.mixing.mixer import Gumbel

        mixer = Gumbel(settings.temperature, settings.final_temperature)
        return SupernetStrategy(settings, mixer, **common)
