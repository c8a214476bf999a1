"""MobileNetV2, MobileNetV3-Large and EfficientNet-B0 as spaces: per stage, repeated blocks or a global layer.

Sources: see ``timm_blocks``; the global layers' settings by stage: Kag and Saligrama, CVPR 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from timm.layers import make_divisible
from torch import Tensor, nn

from pde_ops.cost import Cost
from records.checks import number
from records.errors import UserError
from records.options import option
from search_space.families.family import Classifier, Family, Part, one_each
from search_space.families.layers import NONE, STARTS, explicit_layer, layer_names, parse
from search_space.families.mobile_tables import (
    EFFICIENTNET_B0,
    MOBILENET_V2,
    MOBILENET_V3,
    Network,
    Stage,
)
from search_space.families.resnet import check_layers
from search_space.families.timm_blocks import ConvAct, LateWidening, MobileBlock
from search_space.primitives.registry import Size
from search_space.problem import Problem
from search_space.space import Decision, register_space

# The Init of a stage's global layer: a block at stride 1 after the stage's first block, or that first block
# itself, which then stands alone ("f := h").
INITS = ("inverted_residual", "first_block")
BLOCKS = "blocks_"


@dataclass(frozen=True)
class MobileSettings:
    """What is fixed while a mobile network is searched."""

    layers: tuple[str, ...] = option(
        layer_names(("", *INITS))[1:],
        "global layers that may take the place of a stage's blocks but the first",
    )
    widths: tuple[float, ...] = option(
        (0.5, 0.75, 1.0, 1.25), "what the factor on each stage's width is chosen from; rounded to 8 channels"
    )
    longest: int = option(5, "most blocks in a stage; one that has more keeps them", unit="blocks")
    start: str = option("small", "how the PDE's coefficients are normalised", choices=lambda: STARTS)
    bias: bool = option(False, "whether the coefficients' convolutions have a bias")
    dropout: float = option(0.2, "probability before the classifier, while training")

    def __post_init__(self) -> None:
        check_layers(self, INITS, whole_map=())
        if NONE in self.layers:
            raise UserError("layers has none; accepted: global layers, blocks are always among the options")
        if not isinstance(self.widths, (list, tuple)) or not self.widths:
            raise UserError(f"widths is {self.widths!r}; accepted: a non-empty list of numbers")
        object.__setattr__(self, "widths", tuple(number("widths", w, 0.05, 16.0) for w in self.widths))
        if isinstance(self.longest, bool) or not isinstance(self.longest, int) or not 1 <= self.longest <= 50:
            raise UserError(f"longest is {self.longest!r}; accepted: a whole number from 1 to 50")
        object.__setattr__(self, "dropout", number("dropout", self.dropout, 0.0, 0.99))


class StageGlobal(nn.Module):
    """The global layer of a stage: ``(N, in_channels, H, W) -> (N, channels, out H, out W)``."""

    def __init__(
        self, name: str, in_channels: int, channels: int, stage: Stage, activation: str, squeeze: str,
        start: str, bias: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        layer = parse(name, INITS)
        assert layer is not None, "the caller asks for a global layer"
        init: MobileBlock | None = None
        if layer.init == "first_block":
            init = _first(stage, in_channels, channels, activation, squeeze)
        elif layer.init:
            init = MobileBlock(
                channels, channels, stage.kernel, 1, stage.global_expansion, squeeze, activation
            )
        options: dict[str, Any] = {}
        if isinstance(layer.options["diffusivity"], float):
            options["diffusivity"] = stage.diffusivity
        self.layer = explicit_layer(
            name, channels, start, bias, init, init_changes_shape=layer.init == "first_block",
            kernel_size=stage.kernel, dt=stage.dt, dx=stage.step, dy=stage.step, product=stage.product,
            activation=stage.global_activation or activation, **options,
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)

    def out_size(self, size: Size) -> Size:
        init = self.layer.init
        return init.out_size(size) if isinstance(init, MobileBlock) else size

    def cost(self, size: Size) -> Cost:
        return self.layer.cost(size)


def _first(stage: Stage, in_channels: int, channels: int, activation: str, squeeze: str) -> MobileBlock:
    return MobileBlock(
        in_channels, channels, stage.kernel, stage.stride, stage.expansions[0], squeeze, activation
    )


class MobileSpace(Family):
    """Stem, the stages of ``network``, head. Decisions: ``stage<i>/width``, a factor, and ``stage<i>/body``:
    ``blocks_<n>``, or a global layer after the stage's first block (or around it, with ``+first_block``)."""

    Settings: ClassVar[type] = MobileSettings
    network: ClassVar[Network]

    def decisions(self, problem: Problem) -> list[Decision]:
        settings: MobileSettings = self.settings_of(problem)
        decisions = []
        for place, stage in enumerate(self.network.stages, start=1):
            most = max(settings.longest, len(stage.expansions))
            blocks = [f"{BLOCKS}{count}" for count in range(1, most + 1)]
            decisions.append(one_each(f"stage{place}/width", settings.widths))
            decisions.append(one_each(f"stage{place}/body", [*blocks, *settings.layers]))
        return decisions

    def stage_parts(
        self, settings: MobileSettings, stage: Stage, width: int, channels: int, body: str
    ) -> list[Part]:
        """The parts of one stage from ``width`` to ``channels`` channels."""
        activation = stage.activation or self.network.activation
        squeeze = self.network.squeeze if stage.squeeze else ""
        first = Part(_first, (stage, width, channels, activation, squeeze))
        if body.startswith(BLOCKS):
            count = int(body.removeprefix(BLOCKS))
            # A stage longer than the published one goes on with the last block's expansion.
            expansions = (stage.expansions + stage.expansions[-1:] * count)[1:count]
            rest = [
                Part(MobileBlock, (channels, channels, stage.kernel, 1, e, squeeze, activation))
                for e in expansions
            ]
            return [first, *rest]
        common = (stage, activation, squeeze, settings.start, settings.bias)
        if body.endswith("+first_block"):
            return [Part(StageGlobal, (body, width, channels, *common))]
        return [first, Part(StageGlobal, (body, channels, channels, *common))]

    def parts(self, problem: Problem, architecture: dict[str, Any]) -> list[Part]:
        settings: MobileSettings = self.settings_of(problem)
        network = self.network
        width, activation = network.stem, network.activation
        parts = [Part(ConvAct, (problem.image[0], width, 3, 2, activation))]
        for place, stage in enumerate(network.stages, start=1):
            chosen = architecture[f"stage{place}"]
            channels = make_divisible(stage.channels * chosen["width"], 8)
            parts += self.stage_parts(settings, stage, width, channels, chosen["body"])
            width = channels
        parts.append(Part(ConvAct, (width, network.last, 1, 1, activation)))
        if network.late:
            head = (network.last, network.late, problem.classes, settings.dropout, activation)
            return [*parts, Part(LateWidening, head)]
        return [*parts, Part(Classifier, (network.last, problem.classes, settings.dropout))]


@register_space
class MobileNetV2GlobalSpace(MobileSpace):
    name = "mobilenet-v2-global"
    network = MOBILENET_V2


@register_space
class MobileNetV3GlobalSpace(MobileSpace):
    name = "mobilenet-v3-global"
    network = MOBILENET_V3


@register_space
class EfficientNetB0GlobalSpace(MobileSpace):
    name = "efficientnet-b0-global"
    network = EFFICIENTNET_B0
