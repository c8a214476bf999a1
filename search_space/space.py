"""What a space is: named decisions over fixed settings, and the way from them to genotype and network."""

from __future__ import annotations

import dataclasses
import importlib
import random
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pde_ops.cost import Cost
from records.checks import shown, whole_number
from records.errors import UserError
from records.plugins import HINT, load_plugins
from search_space.genotype import Genotype, GenotypeError, plain

if TYPE_CHECKING:
    from torch import nn

Image = tuple[int, int, int]
Choices = Mapping[str, Any]


@dataclass(frozen=True)
class Decision:
    """One categorical choice: exactly one of ``options`` (plain JSON values) under a unique ``label``."""

    label: str
    options: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.options:
            raise UserError(f"decision {self.label} has no options; accepted: at least one")


class Space(ABC):
    """A family of architectures. One instance per registered name; it holds no state.

    ``Settings`` is a frozen dataclass of what is fixed while searching; its ``__post_init__`` raises
    ``UserError`` and turns lists into tuples. Each field has a default and metadata ``help`` (and ``unit``,
    ``choices`` where they apply), from which a command line is made.
    """

    name: ClassVar[str]
    Settings: ClassVar[type]

    @abstractmethod
    def decisions(self, settings: Any, image: Image, classes: int) -> list[Decision]:
        """All decisions, in a fixed order; together they determine the architecture."""

    @abstractmethod
    def assemble(self, settings: Any, choices: Choices) -> dict[str, Any]:
        """The architecture of a choice for each decision."""

    @abstractmethod
    def choices(self, settings: Any, architecture: dict[str, Any]) -> dict[str, Any]:
        """A choice for each decision that gives ``architecture``; ``assemble`` undoes it exactly.

        Raises ``UserError`` for what is no architecture of the space, naming the place.
        """

    @abstractmethod
    def build(self, genotype: Genotype) -> nn.Module:
        """The network; see ``Genotype.build``."""

    @abstractmethod
    def cost(self, genotype: Genotype) -> Cost:
        """See ``Genotype.cost``."""

    @abstractmethod
    def model_space(self, settings: Any, image: Image, classes: int) -> nn.Module:
        """An NNI ``ModelSpace`` whose mutables' labels are those of ``decisions``. Imports NNI only here."""

    def to_nni(self, choices: Choices) -> dict[str, Any]:
        """``choices`` in the form that the model space's ``freeze`` takes."""
        return dict(choices)

    def canonical(self, genotype: Genotype) -> dict[str, Any]:
        """The genotype's architecture, checked, in the one form that stands for it.

        Raises ``UserError``. The default checks that there is an allowed option for each decision.
        """
        settings = self.make_settings(genotype.settings)
        choices = self.choices(settings, genotype.architecture)
        for decision in self.decisions(settings, genotype.image, genotype.classes):
            if decision.label not in choices:
                raise UserError(f"architecture lacks {decision.label}")
            option = choices[decision.label]
            if not any(type(option) is type(known) and option == known for known in decision.options):
                accepted = shown(", ".join(map(str, decision.options)), 400)[1:-1]
                raise UserError(f"architecture's {decision.label} is {shown(option)}; accepted: {accepted}")
        return self.assemble(settings, choices)

    def check(self, genotype: Genotype) -> None:
        """Raises ``UserError`` if the genotype is none of this space."""
        self.canonical(genotype)

    def make_settings(self, given: Mapping[str, Any]) -> Any:
        """Settings of the values given, defaults for the others. Raises ``UserError`` for unknown names."""
        known = [field.name for field in dataclasses.fields(self.Settings)]
        for name in given:
            if name not in known:
                raise UserError(f"{shown(name)} is no setting of {self.name}; accepted: {', '.join(known)}")
        return self.Settings(**given)

    def settings_json(self, settings: Any) -> dict[str, Any]:
        """All settings by name, in JSON's types."""
        return plain("settings", dataclasses.asdict(settings))

    def genotype(self, settings: Any, image: Image, classes: int, choices: Choices) -> Genotype:
        """The genotype of a choice for each decision."""
        architecture = self.assemble(settings, choices)
        return Genotype(self.name, image, classes, self.settings_json(settings), architecture)

    def random(self, settings: Any, image: Image, classes: int, rng: random.Random) -> Genotype:
        """A genotype of uniform, independent choices."""
        decisions = self.decisions(settings, image, classes)
        return self.genotype(settings, image, classes, {d.label: rng.choice(d.options) for d in decisions})


_SPACES: dict[str, Space] = {}


def register_space(cls: type[Space]) -> type[Space]:
    """Class decorator: makes an instance known under the class's ``name``."""
    known = _SPACES.get(cls.name)
    if known is not None and type(known).__qualname__ != cls.__qualname__:
        raise ValueError(f"a space named {cls.name} is registered already: {type(known).__qualname__}")
    _SPACES[cls.name] = cls()
    return cls


def _builtin() -> dict[str, str]:
    """Modules by the name of the space that they register; imported when a space is asked for."""
    try:
        families = importlib.import_module("search_space.families")
    except ModuleNotFoundError as error:
        if error.name != "search_space.families":
            raise
        found: Mapping[str, str] = {}
    else:
        found = getattr(families, "MODULES", {})
    return {"darts-global": "search_space.cells.darts_global", **found}


def space_names() -> tuple[str, ...]:
    """The names of all spaces, those registered by the user last."""
    load_plugins()
    return tuple(dict.fromkeys((*_builtin(), *_SPACES)))


def get_space(name: str) -> Space:
    """The space of that name. Raises ``GenotypeError`` naming those there are."""
    if isinstance(name, str) and name not in _SPACES and name in (builtin := _builtin()):
        importlib.import_module(builtin[name])
    if isinstance(name, str) and name not in _SPACES:
        load_plugins()  # a trial is a process of its own
    if not isinstance(name, str) or name not in _SPACES:
        raise GenotypeError(f"space is {shown(name)}; accepted: {', '.join(space_names())}; {HINT}")
    return _SPACES[name]


def sample(
    space: str, seed: int, *, image: Image = (3, 32, 32), classes: int = 10, **settings: Any
) -> Genotype:
    """A random genotype: every decision uniform and independent; the same for the same arguments everywhere.

    ``settings`` are the space's by name. Raises ``UserError``.
    """
    found = get_space(space)
    # Seeded by text: Python hashes it with SHA-512, the same in every process.
    rng = random.Random(f"{space} {whole_number('seed', seed, 0, 2**63 - 1)}")
    return found.random(found.make_settings(settings), image, classes, rng)


def mutate(genotype: Genotype, rng: random.Random) -> Genotype:
    """``genotype`` with one decision, drawn among those that have another option, changed."""
    space = get_space(genotype.space)
    settings = space.make_settings(genotype.settings)
    choices = space.choices(settings, genotype.architecture)
    decisions = space.decisions(settings, genotype.image, genotype.classes)
    open_ones = [decision for decision in decisions if len(decision.options) > 1]
    if not open_ones:
        raise UserError(
            f"space {space.name} with these settings has one architecture; nothing can be mutated"
        )
    decision = rng.choice(open_ones)
    others = [option for option in decision.options if option != choices[decision.label]]
    changed = {**choices, decision.label: rng.choice(others)}
    return space.genotype(settings, genotype.image, genotype.classes, changed)
