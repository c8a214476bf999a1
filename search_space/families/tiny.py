"""The space ``tiny-global``: networks of 0.3M to 30M MACs, in which a cell of many edges would be too dear.

Stages of inverted residual blocks, searched block by block. Sources: Tan et al., "MnasNet", CVPR 2019, for a
search stage by stage; Fedorov et al., "SpArSe", NeurIPS 2019, and Liberis, Dudziak and Lane, "uNAS", EuroMLSys
2021, for budgets of this size.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from records.checks import one_of, shown, some_of, whole_number
from records.errors import UserError
from records.options import option
from search_space.families import tiny_cells
from search_space.families.family import Classifier, Family, Part, one_each
from search_space.families.inverted_residual import ACTIVATIONS, THEN, InvertedResidual, Stem, operations
from search_space.families.resnet import whole_numbers
from search_space.primitives.registry import primitive_names, unknown_primitive
from search_space.problem import Problem
from search_space.space import Choices, Decision, register_space
from search_space.supernet_cells import SupernetCells

if TYPE_CHECKING:
    from torch import nn

# Convolutions, none, global layers in place of one, and behind one: those which results/candidates leaves in question, and
# more steps of the published one. The others are chosen by name.
DEFAULT_OPERATORS = (
    "skip_connect", "depthwise_3x3", "depthwise_5x5", "depthwise_7x7", "depthwise_split",
    "global_1", "global_3", "global_signed_1", "global_heat", "depthwise_3x3+global_1", "depthwise_3x3+global_3",
)  # fmt: skip
SQUEEZES = ("none", "quarter")


@dataclass(frozen=True)
class TinySettings:
    """What is fixed while a tiny network is searched."""

    stages: int = option(3, "stages; each but the first halves the size", unit="stages")
    stem_widths: tuple[int, ...] = option(
        (4, 8, 12, 16), "what the stem's width is chosen from", unit="channels"
    )
    stem_strides: tuple[int, ...] = option((1, 2), "what the stem's stride is chosen from", unit="pixels")
    widths: tuple[int, ...] = option(
        (4, 6, 8, 12, 16, 24, 32),
        "what each stage's width is chosen from, before it is multiplied by the stage's number",
        unit="channels",
    )
    depths: tuple[int, ...] = option(
        (1, 2, 3, 4), "what each stage's number of blocks is chosen from", unit="blocks"
    )
    expansions: tuple[int, ...] = option(
        (1, 2, 3, 4, 6), "what the factor is chosen from by which a block is wider inside"
    )
    operators: tuple[str, ...] = option(
        DEFAULT_OPERATORS,
        "what a block's operation across pixels is chosen from: primitives, also with + between",
    )
    squeezes: tuple[str, ...] = option(SQUEEZES, "what a block's squeeze-and-excitation is chosen from")
    activation: str = option("relu", "what follows each norm inside", choices=lambda: tuple(ACTIVATIONS))

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", whole_number("stages", self.stages, 1, 8))
        limits = {"stem_widths": 4096, "stem_strides": 4, "widths": 4096, "depths": 100, "expansions": 64}
        for name, high in limits.items():
            object.__setattr__(self, name, whole_numbers(name, getattr(self, name), high))
        object.__setattr__(self, "operators", _operators(self.operators))
        object.__setattr__(self, "squeezes", some_of("squeezes", self.squeezes, SQUEEZES))
        one_of("activation", self.activation, tuple(ACTIVATIONS))

    @property
    def places(self) -> range:
        return range(1, self.stages + 1)


def _operators(given: Any) -> tuple[str, ...]:
    known = tuple(primitive_names())
    names = given if isinstance(given, (list, tuple)) else ()
    for name in names:
        for each in operations(name) if isinstance(name, str) else (name,):
            if each not in known:
                raise unknown_primitive(f"operators has {shown(name)}", f"also with {THEN} between: ")
    if not names or len(set(names)) != len(names):
        raise UserError(f"operators is {shown(given)}; accepted: a non-empty list of different names")
    return tuple(names)


@register_space
class TinyGlobalSpace(Family):
    """``tiny-global``: stem, stages of inverted residual blocks, classifier.

    Decisions: ``stem/width`` and ``stem/stride``; for each stage ``stage<i>/width`` and ``stage<i>/depth``; for each
    of its blocks ``stage<i>/block<j>/expansion``, ``.../operator`` and ``.../squeeze``. The architecture holds those
    of the blocks that there are.

    Examples:
        >>> from search_space import sample
        >>> genotype = sample("tiny-global", seed=1, stages=1, depths=[1])
        >>> list(genotype.architecture)
        ['stem', 'stage1', 'stage1/block1']
    """

    name = "tiny-global"
    Settings: ClassVar[type] = TinySettings
    widths = ("width", "expansion")
    sizes = (*widths, "depth", "stride")

    def decisions(self, problem: Problem) -> list[Decision]:
        return list(_decisions(self.settings_of(problem)))

    def assemble(self, problem: Problem, choices: Choices) -> dict[str, Any]:
        whole = super().assemble(problem, choices)
        return {place: inner for place, inner in whole.items() if self._is_there(problem, place, whole)}

    def choices(self, problem: Problem, architecture: dict[str, Any]) -> dict[str, Any]:
        idle = self.idle(problem, architecture)
        first: dict[str, Any] = {}
        for decision in self.decisions(problem):
            place, _, name = decision.label.rpartition("/")
            if decision.label in idle and place not in architecture:
                first.setdefault(place, {})[name] = decision.options[0]
        return super().choices(problem, {**architecture, **first})

    def idle(self, problem: Problem, architecture: dict[str, Any]) -> set[str]:
        labels: dict[str, list[str]] = {}
        for decision in self.decisions(problem):
            labels.setdefault(decision.label.rpartition("/")[0], []).append(decision.label)
        gone = (place for place in labels if not self._is_there(problem, place, architecture))
        return {label for place in gone for label in labels[place]}

    def parts(self, problem: Problem, architecture: dict[str, Any]) -> list[Part]:
        settings: TinySettings = self.settings_of(problem)
        stem, act = architecture["stem"], settings.activation
        width = stem["width"]
        parts = [Part(Stem, (problem.image[0], width, stem["stride"], act))]
        for place in settings.places:
            stage = architecture[f"stage{place}"]
            for number in range(1, stage["depth"] + 1):
                block = architecture[f"stage{place}/block{number}"]
                stride = 2 if place > 1 and number == 1 else 1
                inside = (block["operator"], block["expansion"], block["squeeze"] != "none", stride, act)
                parts.append(Part(InvertedResidual, (width, stage["width"], *inside)))
                width = stage["width"]
        return [*parts, Part(Classifier, (width, problem.classes))]

    def shared_names(self, problem: Problem, architecture: dict[str, Any]) -> dict[str, str]:
        """The convolutions between channels are those of the block's place; what mixes pixels has weights of its own,
        which are few. In "AutoFormer" (Chen et al., ICCV 2021) sharing so much is what lets a supernet learn."""
        blocks = [name for name in architecture if "/" in name]
        names = {f"part{i}": name for i, name in enumerate(("stem", *blocks, "classifier"))}
        for i, block in enumerate(blocks, start=1):
            for place, primitive in enumerate(operations(architecture[block]["operator"])):
                names[f"part{i}.layers.mix{place}"] = f"{block} {place} {primitive}"
        return names

    def supernet_cells(self, problem: Problem) -> SupernetCells:
        """Each block is a cell; see `search_space.families.tiny_cells`."""

        def model(record: dict[str, Any]) -> nn.Module:
            from search_space.families.model_space import TinyCells  # importing NNI takes seconds

            return TinyCells(problem=record)

        return tiny_cells.supernet_cells(self, problem, model)

    def _is_there(self, problem: Problem, place: str, architecture: Mapping[str, Any]) -> bool:
        """Whether the stage is so deep that it has the block ``place``; other places are always there."""
        stage, _, block = place.partition("/block")
        held = architecture.get(stage)
        depth = held.get("depth") if isinstance(held, dict) else None
        if not block:
            return True
        return isinstance(depth, int) and depth in self.settings_of(problem).depths and int(block) <= depth


@functools.lru_cache(maxsize=64)
def _decisions(settings: TinySettings) -> tuple[Decision, ...]:
    found = [
        one_each("stem/width", settings.stem_widths),
        one_each("stem/stride", settings.stem_strides),
    ]
    for place in settings.places:
        stage = f"stage{place}"
        found.append(one_each(f"{stage}/width", [width * place for width in settings.widths]))
        found.append(one_each(f"{stage}/depth", settings.depths))
        for block in range(1, max(settings.depths) + 1):
            found.append(one_each(f"{stage}/block{block}/expansion", settings.expansions))
            found.append(one_each(f"{stage}/block{block}/operator", settings.operators))
            found.append(one_each(f"{stage}/block{block}/squeeze", settings.squeezes))
    return tuple(found)
