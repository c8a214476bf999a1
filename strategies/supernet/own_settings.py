"""The settings of the strategies that weigh all operations of an edge, and their supernet's."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from records.options import Options, option
from strategies.supernet.settings import SupernetSettings


@dataclass(frozen=True)
class SupernetLength(Options):
    """What every one-shot strategy has."""

    supernet_epochs: int = option(20, "training of the supernet", unit="epochs", metavar="E", least=1)


@dataclass(frozen=True)
class OneShotSettings(SupernetLength):
    """What every one of this project's own has."""

    mac_penalty: float = option(
        0.0, "added to the architecture's loss, times expected MACs over those at the start", least=0.0
    )
    devices: int | None = option(
        None, "processes that share each batch of the supernet, a GPU each", unit="processes", metavar="N",
        least=1, used=lambda: "all local GPUs; 1 on a CPU",
    )  # fmt: skip


@dataclass(frozen=True)
class GradientSettings(OneShotSettings):
    """Besides, what keeps skips from winning, and memory down."""

    partial_channels: int = option(
        1, "K: one in K channels goes through an edge's operations, the others past them (PC-DARTS); 1 is off",
        metavar="K", least=1,
    )  # fmt: skip
    operation_stop: float = option(
        0.0, "an operation whose gradients on training and validation images have a mean cosine below this stops "
        "learning (OLES, whose authors take 0.4); 0 is off", least=0.0, most=1.0,
    )  # fmt: skip
    auxiliary_skip: float = option(
        0.0, "weight of a skip beside each edge in the first epoch, from which it falls to 0 in the last (DARTS-, "
        "whose authors take 1); 0 is off", least=0.0,
    )  # fmt: skip


def supernet_of(
    settings: SupernetLength, *, batch_size: int | None, seed: int, device: str, **changes: Any
) -> SupernetSettings:
    """How the supernet is trained: the strategy's own ``settings`` by their names, and ``changes``."""
    known = {field.name for field in dataclasses.fields(SupernetSettings)}
    own = {f.name: getattr(settings, f.name) for f in dataclasses.fields(settings) if f.name in known}
    own |= {"epochs": settings.supernet_epochs, "seed": seed, "device": device} | changes
    return SupernetSettings(**own if batch_size is None else own | {"batch_size": batch_size})
