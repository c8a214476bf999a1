"""NNI's DARTS strategy, which makes a supernet of a model space and trains it, with this project's cells and steps."""

from __future__ import annotations

from typing import Any

from nni.nas.evaluator.pytorch import LightningModule
from nni.nas.strategy import DARTS
from torch import nn

from strategies.supernet.learning.gradient import SupernetModule
from strategies.supernet.mixing.cell import MixedCell
from strategies.supernet.mixing.mixer import Mixer
from strategies.supernet.settings import SupernetSettings


class SupernetStrategy(DARTS):
    """``mixer``: what the cells run. ``module``: how they learn. ``common`` is what `SupernetModule` takes by name."""

    def __init__(
        self,
        settings: SupernetSettings,
        mixer: Mixer,
        module: type[SupernetModule] = SupernetModule,
        **common: Any,
    ) -> None:
        super().__init__(mutation_hooks=[self._mutate_cell])
        self.settings, self.mixer, self.module, self.common = settings, mixer, module, common

    def _mutate_cell(
        self, module: nn.Module, name: str, memo: dict[str, Any], options: dict[str, Any]
    ) -> Any:
        own = {"mixer": self.mixer, "parts": self.settings.partial_channels}
        return MixedCell.mutate(module, name, memo, options | own)

    def configure_oneshot_module(self, training_module: LightningModule) -> SupernetModule:
        return self.module(training_module, self.settings, self.mixer, **self.common)
