"""An architecture as plain, versioned JSON that builds the same network everywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pde_ops.cost import Cost, require_cost
from records.checks import shown, whole_number
from records.errors import UserError
from records.files import write_whole
from records.genotype_key import genotype_key
from records.plugins import naming_plugins
from search_space.problem import Image, Problem, plain, plain_object
from search_space.space import Space, get_space

if TYPE_CHECKING:
    from torch import nn

VERSION = 1
LARGEST_FILE = 1 << 20  # bytes; a genotype has some kilobytes
_FIELDS = ("version", "space", "image", "classes", "settings", "architecture")


class GenotypeError(UserError):
    """What was given is no genotype that this version reads; the message says why on one line.

    Examples:
        >>> Genotype.from_json({"version": 2})
        Traceback (most recent call last):
        search_space.genotype.GenotypeError: genotype: version is 2, from the future; accepted: up to 1, or update this program
    """


@dataclass(frozen=True, init=False)
class Genotype:
    """One architecture of a problem. What it holds is not to be changed in place: its cost and key are kept.

    Args:
        space: the space's registered name.
        image: (channels, height, width) of one image, in pixels.
        classes: number of classes.
        settings: the space's fixed settings by name; what is left out gets its default, and all are kept.
        architecture: what was decided, in the space's own form (see its docstring); plain JSON. It is brought
            to the space's canonical form, so equal networks of equal form have equal genotypes.
        version: of the format.

    Raises:
        GenotypeError: naming the field, what it is, and what is accepted.

    Examples:
        >>> from search_space import sample
        >>> genotype = sample("resnet-global", seed=0, image=(1, 8, 8), stages=1, widths=[4], blocks=[1], layers=["global_5"])
        >>> genotype.architecture
        {'multiplier': 1, 'stage1': {'width': 4, 'blocks': 1, 'layer': 'global_5'}}
        >>> genotype.cost()
        Cost(params=582, macs=40744, macs_published=34088)
        >>> Genotype.from_json(genotype.to_json()) == genotype
        True
    """

    problem: Problem
    architecture: dict[str, Any]
    version: int

    def __init__(
        self,
        space: str,
        image: Image,
        classes: int,
        settings: Mapping[str, Any],
        architecture: dict[str, Any],
        version: int = VERSION,
    ) -> None:
        with _naming_genotype():
            _check_version(version)
            self._check(Problem(space, settings, image, classes), architecture)

    @classmethod
    def of(cls, problem: Problem, architecture: dict[str, Any]) -> Genotype:
        """The genotype of an architecture of ``problem``. Raises ``GenotypeError``."""
        genotype = cls.__new__(cls)
        with _naming_genotype():
            genotype._check(problem, architecture)
        return genotype

    @classmethod
    def of_choices(cls, problem: Problem, choices: Mapping[str, Any]) -> Genotype:
        """The genotype of one option for each of the problem's decisions, which are not checked again.

        Raises ``GenotypeError`` for settings that cannot be and for an image that is too small.
        """
        genotype = cls.__new__(cls)
        with _naming_genotype():
            space = _space_of(problem)
            genotype._hold(space, problem, space.assemble(problem, choices))
        return genotype

    def _check(self, problem: Problem, architecture: Any) -> None:
        given = plain_object("architecture", architecture)
        space = _space_of(problem)
        self._hold(space, problem, space.canonical(problem, given))

    def _hold(self, space: Space, problem: Problem, architecture: dict[str, Any]) -> None:
        object.__setattr__(self, "problem", space.completed(problem))
        object.__setattr__(self, "architecture", plain("architecture", architecture))
        object.__setattr__(self, "version", VERSION)
        if space.cost_shows_fit:
            self.cost()

    @property
    def space(self) -> str:
        """The space's registered name."""
        return self.problem.space

    @property
    def image(self) -> Image:
        """(channels, height, width) of one image, in pixels."""
        return self.problem.image

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.problem.classes

    @property
    def settings(self) -> Mapping[str, Any]:
        """All settings of the space, by name."""
        return self.problem.settings

    def __hash__(self) -> int:
        return hash(self.key())

    def build(self, seed: int | None = None) -> nn.Module:
        """The network, ``(N, channels, height, width) -> (N, classes)``; weights come from torch's generator, or from
        ``seed``, and the generator is left as it was.

        In training mode a network with an auxiliary head gives ``(logits, auxiliary logits)``.
        """
        space = get_space(self.space)
        if seed is None:
            return space.build(self.problem, self.architecture)
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return space.build(self.problem, self.architecture)

    def cost(self) -> Cost:
        """Parameters and MACs for one image, exact, without the auxiliary head; nothing is run.

        It is computed once.
        """
        return self._cost

    @cached_property
    def _cost(self) -> Cost:
        stated = get_space(self.space).cost(self.problem, self.architecture)
        return require_cost(f"space {self.space}", stated)

    def to_json(self) -> dict[str, Any]:
        """A new dictionary of plain JSON values."""
        return {
            "version": self.version,
            "space": self.space,
            "image": list(self.image),
            "classes": self.classes,
            "settings": plain("settings", self.settings),
            "architecture": plain("architecture", self.architecture),
        }

    @classmethod
    def from_json(cls, record: Any) -> Genotype:
        """Reads what ``to_json`` gave. Raises ``GenotypeError``."""
        if not isinstance(record, dict):
            raise GenotypeError(f"genotype is {shown(record)}; accepted: an object with {', '.join(_FIELDS)}")
        version = record.get("version")
        if not isinstance(version, int) or isinstance(version, bool) or version <= VERSION:
            # Of a later version the fields are not known; the error about the version tells more.
            if missing := [field for field in _FIELDS if field not in record]:
                raise GenotypeError(
                    f"genotype: {', '.join(missing)} is missing; it needs {', '.join(_FIELDS)}"
                )
            if unknown := [field for field in record if field not in _FIELDS]:
                raise GenotypeError(f"genotype: {shown(unknown[0])} is no field; known: {', '.join(_FIELDS)}")
        return cls(**{field: record.get(field, {}) for field in _FIELDS})

    def key(self) -> str:
        """16 hexadecimal digits, the same in every process, of the canonical JSON."""
        return self._key

    @cached_property
    def _key(self) -> str:
        return genotype_key(self.to_json())

    def save(self, path: str | Path) -> Path:
        """Writes the JSON, whole or not at all. Raises ``GenotypeError`` where it cannot."""
        try:
            return write_whole(path, json.dumps(self.to_json(), indent=1) + "\n")
        except UserError as error:
            raise GenotypeError(str(error)) from error

    @classmethod
    def load(cls, path: str | Path) -> Genotype:
        """Reads a file that ``save`` wrote. Raises ``GenotypeError`` for one that is none, naming it."""
        try:
            with naming_plugins(Path(path).absolute().parent):  # a run's best genotype lies in its folder
                return cls.from_json(_read(Path(path)))
        except GenotypeError as error:
            raise GenotypeError(f"{path}: {error}") from error


def recorded_genotype(record: Any, where: str, run: Path) -> Genotype:
    """The genotype that a run folder has as ``record``. Raises ``GenotypeError``, which begins with ``where`` it stands,
    and names the run's plugins where a primitive is not known here."""
    with naming_plugins(run):
        try:
            return Genotype.from_json(record)
        except GenotypeError as error:
            raise GenotypeError(f"{where}: {error}") from error


@contextmanager
def _naming_genotype() -> Iterator[None]:
    """What is wrong with a field is said to be wrong with a genotype."""
    try:
        yield
    except GenotypeError:
        raise
    except UserError as error:
        raise GenotypeError(f"genotype: {error}") from error


def _check_version(version: Any) -> None:
    if isinstance(version, int) and version > VERSION:
        raise GenotypeError(
            f"genotype: version is {shown(version)}, from the future; accepted: up to {VERSION}, or "
            "update this program"
        )
    whole_number("version", version, 1, VERSION)


def _space_of(problem: Problem) -> Space:
    try:
        return get_space(problem.space)
    except UserError as error:
        raise GenotypeError(str(error)) from error


def _read(path: Path) -> Any:
    if path.is_dir():
        raise GenotypeError("is a folder; accepted: a genotype's JSON file")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError as error:
        raise GenotypeError("there is no such file") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise GenotypeError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(content) > LARGEST_FILE:
        raise GenotypeError(f"is larger than {LARGEST_FILE} bytes; it cannot be a genotype")
    try:
        return json.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise GenotypeError("is no text; accepted: a genotype's JSON file") from error
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise GenotypeError(f"is not JSON ({shown(reason)}); accepted: a genotype's JSON file") from error
