"""An architecture as plain, versioned JSON that builds the same network everywhere."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pde_ops.cost import Cost
from records.checks import shown, whole_number
from records.errors import UserError
from records.files import write_whole
from records.plugins import naming_plugins

if TYPE_CHECKING:
    from torch import nn

    from search_space.space import Space

VERSION = 1
LARGEST_FILE = 1 << 20  # bytes; a genotype has some kilobytes
LARGEST_SIDE = 16_384  # pixels
LARGEST_CLASSES = 10_000_000
_FIELDS = ("version", "space", "image", "classes", "settings", "architecture")


class GenotypeError(UserError):
    """What was given is no genotype that this version reads; the message says why on one line."""


@dataclass(frozen=True)
class Genotype:
    """One architecture of a space.

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
    """

    space: str
    image: tuple[int, int, int]
    classes: int
    settings: dict[str, Any]
    architecture: dict[str, Any]
    version: int = VERSION

    def __post_init__(self) -> None:
        try:
            self._check()
        except GenotypeError:
            raise
        except UserError as error:
            raise GenotypeError(f"genotype: {error}") from error

    def _check(self) -> None:
        if isinstance(self.version, int) and self.version > VERSION:
            raise GenotypeError(
                f"genotype: version is {shown(self.version)}, from the future; accepted: up to {VERSION}, or "
                "update this program"
            )
        whole_number("version", self.version, 1, VERSION)
        if not isinstance(self.image, (list, tuple)) or len(self.image) != 3:
            raise UserError(f"image is {shown(self.image)}; accepted: [channels, height, width]")
        names = ("channels", "height", "width")
        sides = [
            whole_number(f"image's {n}", v, 1, LARGEST_SIDE) for n, v in zip(names, self.image, strict=True)
        ]
        object.__setattr__(self, "image", tuple(sides))
        object.__setattr__(self, "classes", whole_number("classes", self.classes, 2, LARGEST_CLASSES))
        for field in ("settings", "architecture"):
            value = getattr(self, field)
            if not isinstance(value, dict):
                raise UserError(f"{field} is {shown(value)}; accepted: an object with names and values")
            object.__setattr__(self, field, plain(field, value))
        space = self._space()
        settings = space.make_settings(self.settings)
        object.__setattr__(self, "settings", space.settings_json(settings))
        object.__setattr__(self, "architecture", plain("architecture", space.canonical(self)))

    def __hash__(self) -> int:
        return hash(self.key())

    def _space(self) -> Space:
        from search_space.space import get_space  # it needs this module

        return get_space(self.space)

    def build(self) -> nn.Module:
        """The network, ``(N, channels, height, width) -> (N, classes)``; weights come from torch's generator.

        In training mode a network with an auxiliary head gives ``(logits, auxiliary logits)``.
        """
        return self._space().build(self)

    def cost(self) -> Cost:
        """Parameters and MACs for one image, exact, without the auxiliary head; nothing is run."""
        return self._space().cost(self)

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
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

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


def plain(name: str, value: Any) -> Any:
    """A deep copy of ``value`` in JSON's types alone: tuples become lists; what JSON has not is an error."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise UserError(f"{name} has the name {shown(key)}; accepted: text")
        return {key: plain(name, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(name, item) for item in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float) and value - value == 0:  # neither infinite nor NaN
        return value
    raise UserError(
        f"{name} holds {shown(value)}; accepted: numbers, text, true, false, null, lists, objects"
    )


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
