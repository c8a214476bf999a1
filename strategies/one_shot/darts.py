"""DARTS (Liu et al., ICLR 2019): one supernet, whose operations are weighed by learned architecture weights."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from records.options import Options, option
from strategies.contract import OneShotStrategy
from strategies.registry import register_strategy
from strategies.supernet.settings import SupernetSettings


@dataclass(frozen=True)
class DartsSettings(Options):
    supernet_epochs: int = option(20, "training of the supernet", unit="epochs", metavar="E", least=1)
    mac_penalty: float = option(
        0.0, "added to the architecture's loss, times expected MACs over those at the start", least=0.0
    )
    devices: int | None = option(
        None, "processes that share each batch of the supernet, a GPU each", unit="processes",
        least=1, used=lambda: "all local GPUs; 1 on a CPU",
    )  # fmt: skip


@register_strategy
class Darts(OneShotStrategy):
    """NNI's DARTS on cells, with a penalty for expected MACs that reaches the architecture weights.

    Examples:
        >>> Darts.supernet(DartsSettings(mac_penalty=0.1), batch_size=32, seed=0, device="cpu").mac_penalty
        0.1
    """

    name = "darts"
    summary = "trains one supernet, and derives candidates from it"
    Settings = DartsSettings

    @classmethod
    def supernet(cls, settings: Any, *, batch_size: int | None, seed: int, device: str) -> SupernetSettings:
        made = SupernetSettings(
            epochs=settings.supernet_epochs, mac_penalty=settings.mac_penalty, seed=seed, device=device
        )
        return made if batch_size is None else dataclasses.replace(made, batch_size=batch_size)

    @classmethod
    def nni_strategy(cls, settings: SupernetSettings, **common: Any) -> Any:
        from strategies.supernet.penalised_darts import PenalisedDarts

        return PenalisedDarts(
            mac_penalty=settings.mac_penalty,
            arc_learning_rate=settings.architecture_learning_rate,
            gradient_clip_val=settings.clip_norm,
            warmup_epochs=settings.warmup_epochs,
            **common,
        )
