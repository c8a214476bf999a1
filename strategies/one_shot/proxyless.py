"""ProxylessNAS (Cai et al., ICLR 2019): one operation of each edge is run at a time."""

from __future__ import annotations

from typing import Any

from strategies.contract import OneShotStrategy
from strategies.registry import register_strategy
from strategies.supernet.own_settings import OneShotSettings, supernet_of
from strategies.supernet.settings import SupernetSettings

_RATE = 6e-3  # of the architecture weights: most steps see two of an edge's operations, so each learns seldom


@register_strategy
class Proxyless(OneShotStrategy):
    """A supernet of cells with ProxylessNAS' gates, of which two are drawn in a step of the architecture weights.
    NNI's Proxyless has none for cells; in a user's own experiment of NNI's it has those of `GatedCell`.

    The penalty is of the expected MACs, and its gradient reaches all architecture weights in every step.

    Examples:
        >>> Proxyless.supernet(Proxyless.Settings(), batch_size=None, seed=0, device="cpu").epochs
        20
    """

    name = "proxyless"
    summary = "trains one supernet with one operation of each edge at a time, and derives candidates from it"
    Settings = OneShotSettings

    @classmethod
    def supernet(cls, settings: Any, *, batch_size: int | None, seed: int, device: str) -> SupernetSettings:
        changes = {"architecture_learning_rate": _RATE}
        return supernet_of(settings, batch_size=batch_size, seed=seed, device=device, **changes)

    @classmethod
    def nni_strategy(cls, settings: SupernetSettings, **common: Any) -> Any:
        from strategies.supernet.learning.carrier import SupernetStrategy
        from strategies.supernet.mixing.paths import Gates

        return SupernetStrategy(settings, Gates(), **common)
