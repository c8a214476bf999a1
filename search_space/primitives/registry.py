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

from pde_ops.cost import Cost
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
    """Class decorator: makes a primitive known as ``name``. ``ValueError`` for a name that is taken."""

    def register(cls: _Class) -> _Class:
        known = _PRIMITIVES.get(name)
        # The same class again is a module that was imported twice, as happens in notebooks and tests.
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ValueError(f"a primitive named {name} is registered already: {known.__qualname__}")
        if not issubclass(cls, Primitive) or cls.__abstractmethods__:
            raise ValueError(f"primitive {name}: {cls.__qualname__} needs __init__ and cost of a Primitive")
        _PRIMITIVES[name] = cls
        _cost_of.cache_clear()
        return cls

    return register


def primitive_names() -> tuple[str, ...]:
    """The names of all registered primitives."""
    _load()
    return tuple(_PRIMITIVES)


def get_primitive(name: str) -> type[Primitive]:
    """The primitive of that name. Raises ``UserError`` naming those there are."""
    if name not in _PRIMITIVES:
        _load()
        if name not in _PRIMITIVES:
            raise unknown_primitive(f"primitive is {shown(name)}; accepted:")
    return _PRIMITIVES[name]


def unknown_primitive(start: str) -> UserError:
    """The error, of one line, that names every primitive there is and how to have others; ``start`` says what was
    given."""
    return UserError(f"{start} {', '.join(primitive_names())}; {HINT}")


def some_primitives(name: str, value: Any) -> tuple[str, ...]:
    """A tuple of ``value``, a non-empty list of different primitives, which the setting ``name`` holds. Raises
    ``UserError``."""
    known = primitive_names()
    for item in value if isinstance(value, (list, tuple)) else ():
        if item not in known:
            raise unknown_primitive(f"{name} is {shown(item)}; accepted:")
    return some_of(name, value, known)


def primitive_cost(name: str, channels: int, stride: int, size: Size) -> Cost:
    """Cost of the primitive of that name for one image whose size at the input is ``size``."""
    return _cost_of(get_primitive(name), channels, stride, size)


@functools.lru_cache(maxsize=100_000)
def _cost_of(cls: type[Primitive], channels: int, stride: int, size: Size) -> Cost:
    return cls.cost(channels, stride, size)


def strided(size: Size, stride: int) -> Size:
    """The size after an operation of that stride: divided and rounded up."""
    return -(-size[0] // stride), -(-size[1] // stride)


@functools.cache
def _load() -> None:
    """Imports the built-in primitives and the plugins, once."""
    assert __package__ is not None  # it is imported as a part of one
    import_all(__package__)
    load_plugins()
