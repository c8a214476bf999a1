"""Random one-shot (Guo et al., "Single Path One-Shot Neural Architecture Search with Uniform Sampling", ECCV 2020)."""

from __future__ import annotations

from typing import Any

from strategies.contract import OneShotStrategy
from strategies.registry import register_strategy
from strategies.supernet.own_settings import OneShotSettings, supernet_of
from strategies.supernet.settings import SupernetSettings

_RATE = 0.01  # of the architecture weights, as FBNet's


@register_strategy
class RandomOneShot(OneShotStrategy):
    """NNI's RandomOneShot on cells, which exports an arbitrary architecture; here the choice is learned.

    The weights are trained along uniformly random paths within the budget. The architecture weights are trained beside
    them by the accuracies of paths on validation images, less the penalty (REINFORCE, Williams 1992).

    Examples:
        >>> RandomOneShot.supernet(RandomOneShot.Settings(), batch_size=None, seed=0, device="cpu").epochs
        20
    """

    name = "random-one-shot"
    summary = "trains one supernet along random paths, and derives candidates from how paths fare"
    Settings = OneShotSettings

    @classmethod
    def supernet(cls, settings: Any, *, batch_size: int | None, seed: int, device: str) -> SupernetSettings:
        changes = {"architecture_learning_rate": _RATE}
        return supernet_of(settings, batch_size=batch_size, seed=seed, device=device, **changes)

    @classmethod
    def nni_strategy(cls, settings: SupernetSettings, **common: Any) -> Any:
        from strategies.supernet.learning.carrier import SupernetStrategy
        from strategies.supernet.learning.reinforce import RandomPathsModule
        from strategies.supernet.mixing.paths import Paths

        return SupernetStrategy(settings, Paths(), RandomPathsModule, **common)
