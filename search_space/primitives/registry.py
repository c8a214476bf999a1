"""The registry of primitives: the operations that an edge of a cell chooses among.

A primitive maps ``(N, C, H, W)`` to the same shape, or with stride 2 to half the size, rounded up. Adding
one is one class decorated with ``register_primitive("name")``: a module made of (channels, stride), with its
cost. It then works in supernets, trials, genotypes and exports. There is no "none" among them: a node has a
fixed number of edges, and in a one-shot search NNI adds the edge that is left out itself.

A trial runs in a process of its own, which must know the primitive too. Modules that are named in the
environment variable PDE_NAS_PLUGINS (separated by commas) are imported when primitives are first looked up.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from torch import nn

from pde_ops.cost import Cost, require_cost
from records.checks import shown, some_of
from records.errors import UserError
from records.plugins import HINT, import_all, load_plugins

Size = tuple[int, int]  # (rows, columns)


class Primitive(nn.Module, ABC):
    """One operation of an edge.

    Args:
        channels: C, of input and output.
        stride: 1, or 2 between the inputs of a reduction cell and its nodes.

    Examples:
        >>> import torch
        >>> primitive = get_primitive("global_3")(channels=8, stride=2)
        >>> primitive(torch.zeros(1, 8, 16, 16)).shape
        torch.Size([1, 8, 8, 8])
        >>> primitive_cost("sep_conv_3x3", channels=8, stride=1, size=(16, 16)).macs
        69632
    """

    # Drop path leaves a primitive with nothing to learn and to drop alone: the identity at stride 1.
    dropped: bool = True

    @abstractmethod
    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()

    @classmethod
    @abstractmethod
    def cost(cls, channels: int, stride: int, size: Size) -> Cost:
        """Cost for one image; ``size`` is the input's. It must be exact."""


_PRIMITIVES: dict[str, type[Primitive]] = {}
_Class = TypeVar("_Class", bound=type[Primitive])


def register_primitive(name: str) -> Callable[[_Class], _Class]:
    """Class decorator: makes a primitive known as ``name``. Raises ``UserError`` for a name that is taken, and for what
    is no primitive."""

    def register(cls: _Class) -> _Class:
        if not cls.__module__.startswith(f"{__package__}."):
            _import_built_in()  # so that whoever takes a name of theirs is told
        known = _PRIMITIVES.get(name)
        # The same class again is a module that was imported twice, as happens in notebooks and tests.
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise UserError(
                f"primitive {name} is registered already, by {known.__module__}; give another name"
            )
        if not (isinstance(cls, type) and issubclass(cls, Primitive)) or cls.__abstractmethods__:
            raise UserError(
                f"primitive {name} is {cls.__qualname__}; accepted: a subclass of Primitive that defines __init__ and "
                "cost"
            )
        _PRIMITIVES[name] = cls
        _cost_of.cache_clear()
        return cls

    return register


def primitive_names() -> tuple[str, ...]:
    """The names of all registered primitives: the built-in ones by their modules, then others as they came."""
    _load()
    modules = {name: primitive.__module__ for name, primitive in _PRIMITIVES.items()}
    built_in = [name for name in modules if modules[name].startswith(f"{__package__}.")]
    return (*sorted(built_in, key=modules.__getitem__), *(name for name in modules if name not in built_in))


def get_primitive(name: str) -> type[Primitive]:
    """The primitive of that name. Raises ``UserError`` naming those there are."""
    if name not in _PRIMITIVES:
        _load()
        if name not in _PRIMITIVES:
            raise unknown_primitive(f"primitive is {shown(name)}")
    return _PRIMITIVES[name]


def unknown_primitive(given: str, accepted: str = "") -> UserError:
    """The error, of one line, that says how to have others and names every primitive there is; ``given`` is what was
    given, and ``accepted`` in what form."""
    return UserError(f"{given} ({HINT}); accepted: {accepted}{', '.join(primitive_names())}")


def some_primitives(name: str, value: Any) -> tuple[str, ...]:
    """A tuple of ``value``, a non-empty list of different primitives, which the setting ``name`` holds. Raises
    ``UserError``."""
    known = primitive_names()
    for item in value if isinstance(value, (list, tuple)) else ():
        if item not in known:
            raise unknown_primitive(f"{name} is {shown(item)}")
    return some_of(name, value, known)


def primitive_cost(name: str, channels: int, stride: int, size: Size) -> Cost:
    """Cost of the primitive of that name for one image whose size at the input is ``size``."""
    return require_cost(f"primitive {name}", _cost_of(get_primitive(name), channels, stride, size))


@functools.lru_cache(maxsize=100_000)
def _cost_of(cls: type[Primitive], channels: int, stride: int, size: Size) -> Cost:
    return cls.cost(channels, stride, size)


def strided(size: Size, stride: int) -> Size:
    """The size after an operation of that stride: divided and rounded up."""
    return -(-size[0] // stride), -(-size[1] // stride)


@functools.cache
def _load() -> None:
    """Imports the built-in primitives and the plugins, once."""
    _import_built_in()
    load_plugins()


@functools.cache
def _import_built_in() -> None:
    assert __package__ is not None  # it is imported as a part of one
    import_all(__package__)
