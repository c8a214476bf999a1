"""Residual networks for small images, plain and wide, with a global layer after each stage or none.

Sources: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2;
Zagoruyko and Komodakis, "Wide Residual Networks", BMVC 2016 (here with the blocks of the former, as Kag and
Saligrama, CVPR 2022, have it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from records.checks import flag, one_of, shown, whole_number
from records.errors import UserError
from records.options import option
from search_space.families.blocks import ConvNormAct, Residual
from search_space.families.family import Classifier, Family, Part, one_each
from search_space.families.layers import INITS, STARTS, layer_names, make_layer, parse
from search_space.primitives.whole_map import WHOLE_MAP
from search_space.problem import Problem
from search_space.space import Decision, register_space

LAYERS = layer_names(("", "basic_block"))


@dataclass(frozen=True)
class ResNetSettings:
    """What is fixed while a residual network is searched."""

    stages: int = option(4, "stages; each but the first halves the size", unit="stages")
    widths: tuple[int, ...] = option(
        (6, 8, 9, 10, 16, 24, 32, 48, 64, 96, 128), "what each stage's width is chosen from", unit="channels"
    )
    blocks: tuple[int, ...] = option(
        (1, 2, 3, 4, 5, 6, 9), "what each stage's number of residual blocks is chosen from", unit="blocks"
    )
    multipliers: tuple[int, ...] = option((1,), "what the factor on all widths is chosen from")
    layers: tuple[str, ...] = option(LAYERS, "what may stand after a stage: none, or <kind>_<steps>[+<init>]")
    start: str = option("small", "how the PDE's coefficients are normalised", choices=lambda: STARTS)
    bias: bool = option(False, "whether the coefficients' convolutions have a bias")

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", whole_number("stages", self.stages, 1, 6))
        for name, high in (("widths", 4096), ("blocks", 200), ("multipliers", 64)):
            object.__setattr__(self, name, whole_numbers(name, getattr(self, name), high))
        check_layers(self)

    @property
    def places(self) -> range:
        return range(1, self.stages + 1)


def whole_numbers(name: str, value: Any, high: int) -> tuple[int, ...]:
    """A tuple of whole numbers from 1 to ``high``, at least one, each once. Raises ``UserError``."""
    numbers = (
        tuple(whole_number(name, item, 1, high) for item in value) if isinstance(value, (list, tuple)) else ()
    )
    if not numbers or len(set(numbers)) != len(numbers):
        raise UserError(f"{name} is {shown(value)}; accepted: a non-empty list of different whole numbers")
    return numbers


def check_layers(
    settings: Any, inits: tuple[str, ...] = tuple(INITS), whole_map: tuple[str, ...] = tuple(WHOLE_MAP)
) -> None:
    """Checks the settings ``layers``, ``start`` and ``bias``; see `parse` for the other two."""
    names = settings.layers
    if not isinstance(names, (list, tuple)) or not names or not all(isinstance(n, str) for n in names):
        raise UserError(f"layers is {names!r}; accepted: a non-empty list of names")
    for name in names:
        parse(name, inits, whole_map)
    if len(set(names)) != len(names):
        raise UserError("layers names one layer twice; accepted: each at most once")
    object.__setattr__(settings, "layers", tuple(names))
    one_of("start", settings.start, STARTS)
    flag("bias", settings.bias)


@register_space
class ResNetGlobalSpace(Family):
    """``resnet-global``: stem, stages of residual blocks, after each a global layer or none, classifier.

    Decisions: ``stage<i>/width``, ``stage<i>/blocks``, ``stage<i>/layer`` and ``multiplier``, the factor on
    all widths. The stem is as wide as the first stage.
    """

    name = "resnet-global"
    Settings: ClassVar[type] = ResNetSettings

    def decisions(self, problem: Problem) -> list[Decision]:
        settings: ResNetSettings = self.settings_of(problem)
        decisions = [one_each("multiplier", settings.multipliers)]
        for place in settings.places:
            decisions.append(one_each(f"stage{place}/width", settings.widths))
            decisions.append(one_each(f"stage{place}/blocks", settings.blocks))
            decisions.append(one_each(f"stage{place}/layer", settings.layers))
        return decisions

    def parts(self, problem: Problem, architecture: dict[str, Any]) -> list[Part]:
        settings: ResNetSettings = self.settings_of(problem)
        factor = architecture["multiplier"]
        width = architecture["stage1"]["width"] * factor
        parts = [Part(ConvNormAct, (problem.image[0], width))]
        for place in settings.places:
            stage = architecture[f"stage{place}"]
            for block in range(stage["blocks"]):
                stride = 2 if place > 1 and block == 0 else 1
                parts.append(Part(Residual, (width, stage["width"] * factor, stride)))
                width = stage["width"] * factor
            if stage["layer"] != "none":
                parts.append(Part(make_layer, (stage["layer"], width, settings.start, settings.bias)))
        return [*parts, Part(Classifier, (width, problem.classes))]


@dataclass(frozen=True)
class WideResNetSettings(ResNetSettings):
    """The same, with the defaults of wide networks."""

    stages: int = option(3, "stages; each but the first halves the size", unit="stages")
    widths: tuple[int, ...] = option(
        (2, 4, 5, 8, 16, 32, 64), "what each stage's width is chosen from, before the factor", unit="channels"
    )
    multipliers: tuple[int, ...] = option((2, 4, 5, 7, 8), "what the factor on all widths is chosen from")


@register_space
class WideResNetGlobalSpace(ResNetGlobalSpace):
    """``wide-resnet-global``: ``resnet-global`` with a factor on all widths."""

    name = "wide-resnet-global"
    Settings = WideResNetSettings
