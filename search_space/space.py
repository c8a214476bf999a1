"""What a space is: named decisions over fixed settings, and the way from them to architecture and network."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pde_ops.cost import Cost
from records.checks import shown
from records.errors import UserError
from records.options import require_defaults
from records.plugins import HINT, load_plugins
from search_space.problem import Problem, plain

if TYPE_CHECKING:
    from torch import nn

    from search_space.supernet_cells import SupernetCells

Choices = Mapping[str, Any]


@dataclass(frozen=True)
class Decision:
    """One categorical choice: exactly one of ``options`` (plain JSON values) under a unique ``label``.

    Examples:
        >>> Decision("stage1/width", (8, 16)).options
        (8, 16)
    """

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

    Examples:
        >>> problem = Problem("resnet-global", {"stages": 1, "blocks": [1, 2]}, image=(3, 32, 32), classes=10)
        >>> [decision.label for decision in get_space("resnet-global").decisions(problem)]
        ['multiplier', 'stage1/width', 'stage1/blocks', 'stage1/layer']
    """

    name: ClassVar[str]
    Settings: ClassVar[type]
    # Last parts of the labels of the decisions that make a network wider, and of all that set its size.
    widths: ClassVar[tuple[str, ...]] = ()
    sizes: ClassVar[tuple[str, ...]] = ()
    # Whether it is the cost of a network by which is seen that the image is large enough for it.
    cost_shows_fit: ClassVar[bool] = False

    @abstractmethod
    def decisions(self, problem: Problem) -> list[Decision]:
        """All decisions, in a fixed order; together they determine the architecture."""

    @abstractmethod
    def assemble(self, problem: Problem, choices: Choices) -> dict[str, Any]:
        """The architecture of a choice for each decision, in the one form that stands for it."""

    @abstractmethod
    def choices(self, problem: Problem, architecture: dict[str, Any]) -> dict[str, Any]:
        """A choice for each decision that gives ``architecture``; ``assemble`` undoes it exactly.

        Raises ``UserError`` for what is no architecture of the space, naming the place.
        """

    def idle(self, problem: Problem, architecture: dict[str, Any]) -> set[str]:
        """Labels of the decisions that ``architecture`` does not depend on, such as those of blocks that it lacks."""
        return set()

    @abstractmethod
    def build(self, problem: Problem, architecture: dict[str, Any]) -> nn.Module:
        """The network; see ``Genotype.build``."""

    @abstractmethod
    def cost(self, problem: Problem, architecture: dict[str, Any]) -> Cost:
        """See ``Genotype.cost``."""

    @abstractmethod
    def model_space(self, problem: Problem) -> nn.Module:
        """An NNI ``ModelSpace`` whose mutables' labels are those of ``decisions``. Imports NNI only here."""

    def shared_names(self, problem: Problem, architecture: dict[str, Any]) -> dict[str, str]:
        """For each part of the network that ``build`` makes, by its module's name, what stands for that part in every
        network: weights of one name are shared (`strategies.shared_weights`).

        Raises ``UserError`` for a space whose networks share none.
        """
        raise UserError(f"space is {self.name}; its networks share no weights")

    def supernet_cells(self, problem: Problem) -> SupernetCells:
        """How a one-shot search sees the problem.

        Raises ``UserError`` for a space without cells that a supernet can have, and for sizes that it cannot search.
        """
        raise UserError(
            f"space is {self.name!r}; a one-shot search knows {', '.join(spaces_with_supernet_cells())}"
        )

    def to_nni(self, choices: Choices) -> dict[str, Any]:
        """``choices`` in the form that the model space's ``freeze`` takes."""
        return dict(choices)

    def canonical(self, problem: Problem, architecture: dict[str, Any]) -> dict[str, Any]:
        """``architecture``, checked, in the one form that stands for it.

        Raises ``UserError``. The default checks that there is an allowed option for each decision.
        """
        choices = self.choices(problem, architecture)
        for decision in self.decisions(problem):
            if decision.label not in choices:
                raise UserError(f"architecture lacks {decision.label}")
            option = choices[decision.label]
            if not any(type(option) is type(known) and option == known for known in decision.options):
                accepted = shown(", ".join(map(str, decision.options)), 400)[1:-1]
                raise UserError(f"architecture's {decision.label} is {shown(option)}; accepted: {accepted}")
        return self.assemble(problem, choices)

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

    def settings_of(self, problem: Problem) -> Any:
        """The problem's ``Settings``, made when first asked for. Raises ``UserError`` as ``make_settings`` does."""
        return self._keep(problem)[0]

    def completed(self, problem: Problem) -> Problem:
        """The problem with all settings named, made when first asked for. Raises ``UserError``."""
        return self._keep(problem)[1]

    def _keep(self, problem: Problem) -> tuple[Any, Problem]:
        if problem._kept is None:
            settings = self.make_settings(problem.settings)
            whole = dataclasses.replace(problem, settings=self.settings_json(settings))
            for each in (problem, whole):
                object.__setattr__(each, "_kept", (settings, whole))
        return problem._kept


_SPACES: dict[str, Space] = {}


def register_space(cls: type[Space]) -> type[Space]:
    """Class decorator: makes an instance known under the class's ``name``. Raises ``UserError`` for a name that is
    taken, for what is no space, and for settings without a default."""
    if not (isinstance(cls, type) and issubclass(cls, Space)) or inspect.isabstract(cls):
        raise UserError(
            f"space {cls.__qualname__} is no whole space; accepted: a subclass of Space that defines its abstract methods"
        )
    name, settings = getattr(cls, "name", None), getattr(cls, "Settings", None)
    if not isinstance(name, str) or not isinstance(settings, type) or not dataclasses.is_dataclass(settings):
        raise UserError(
            f"space {cls.__qualname__} lacks a name or Settings; accepted: a text, and a dataclass"
        )
    require_defaults(f"space {name}", settings)
    known = _SPACES.get(name)
    holder = _BUILTIN.get(name, cls.__module__) if known is None else type(known).__module__
    if holder != cls.__module__ or (known is not None and type(known).__qualname__ != cls.__qualname__):
        raise UserError(f"space {name} is registered already, by {holder}; give another name")
    _SPACES[name] = cls()
    return cls


# Modules by the name of the space that they register; imported when a space is asked for.
_BUILTIN = {
    "darts-global": "search_space.cells.darts_global",
    "resnet-global": "search_space.families.resnet",
    "wide-resnet-global": "search_space.families.resnet",
    "densenet-global": "search_space.families.densenet",
    "darts-network-global": "search_space.families.darts_network",
    "mobilenet-v2-global": "search_space.families.mobile",
    "mobilenet-v3-global": "search_space.families.mobile",
    "efficientnet-b0-global": "search_space.families.mobile",
    "tiny-global": "search_space.families.tiny",
    "mnist-global": "search_space.families.mnist",
    "ode-baseline": "search_space.baselines.space",
    "timm-network": "search_space.baselines.timm_network",
    "mdeq": "search_space.equilibrium.space",
}


def space_names() -> tuple[str, ...]:
    """The names of all spaces, those registered by the user last."""
    load_plugins()
    return tuple(dict.fromkeys((*_BUILTIN, *_SPACES)))


def get_space(name: str) -> Space:
    """The space of that name. Raises ``UserError`` naming those there are."""
    if isinstance(name, str) and name not in _SPACES and name in _BUILTIN:
        importlib.import_module(_BUILTIN[name])
    if isinstance(name, str) and name not in _SPACES:
        load_plugins()  # a trial is a process of its own
    if not isinstance(name, str) or name not in _SPACES:
        raise UserError(f"space is {shown(name)}; accepted: {', '.join(space_names())}; {HINT}")
    return _SPACES[name]


def spaces_with_supernet_cells() -> tuple[str, ...]:
    """The names of the spaces that a one-shot search knows."""
    unknown = Space.supernet_cells
    return tuple(name for name in space_names() if type(get_space(name)).supernet_cells is not unknown)
