"""Makes a recording smaller without changing what it computes: norms folded, repetitions and dead ends dropped."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx

from training.export.recorder import Recording

aten = torch.ops.aten


def simplify(recording: Recording) -> None:
    """Folds batch norms into the convolutions that they follow, computes nothing twice, and drops what the
    result does not need, constants too."""
    fold_norms(recording)
    drop_repetitions(recording.graph)
    recording.graph.eliminate_dead_code(is_impure_node=lambda node: node.op in ("placeholder", "output"))
    _rename_constants(recording)


def _rename_constants(recording: Recording) -> None:
    """Gives those in use their plain names, ``NAME`` or else ``NAME_2``, and drops the others."""
    former = dict(recording.constants)
    recording.constants.clear()
    names: dict[Any, str] = {}
    for node in recording.graph.nodes:
        if node.op == "get_attr":
            if node.target not in names:
                name = plain_name(str(node.target))
                others = (f"{name}_{n}" for n in itertools.count(2))
                names[node.target] = next(
                    free for free in itertools.chain([name], others) if free not in recording.constants
                )
                recording.constants[names[node.target]] = former[node.target]
            node.target = names[node.target]


def plain_name(target: str) -> str:
    """A constant's name without the number that told it from others while recording."""
    return target.split("#")[0]


def drop_repetitions(graph: fx.Graph) -> None:
    """Keeps the first of nodes that do the same to the same; random operators are left alone."""
    seen: dict[Any, fx.Node] = {}
    for node in list(graph.nodes):
        if node.op not in ("call_function", "get_attr"):
            continue
        if torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ()):
            continue
        key = (node.target, _hashable(node.args), _hashable(node.kwargs))
        first = seen.setdefault(key, node)
        if first is not node:
            node.replace_all_uses_with(first)
            graph.erase_node(node)


def _hashable(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(map(_hashable, value))
    if isinstance(value, dict):
        return tuple((name, _hashable(item)) for name, item in value.items())
    return type(value), value  # 1, 1.0 and True are different arguments


def fold_norms(recording: Recording) -> None:
    """A factor or summand a channel, which is what a batch norm is, goes into the convolution before it, or
    into each of those that are joined along the channels before it."""
    folder = _Folder(recording)
    for node in list(recording.graph.nodes):
        if node.target is aten.mul.Tensor:
            folder.fold(node, folder.scaled)
        elif node.target is aten.add.Tensor and not node.kwargs:
            folder.fold(node, folder.shifted)


class _Folder:
    """A node is of type ``Any`` here where it was an argument: fx lets that be anything."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._made: dict[Any, fx.Node] = {}  # networks may use a convolution and its norm many times

    def fold(self, node: fx.Node, change: Callable[[fx.Node, fx.Node, slice], tuple[Any, Any]]) -> None:
        """Lets ``change`` give the convolutions before ``node`` other weights and biases, and drops ``node``."""
        result, vector = node.args[:2]
        if not isinstance(result, fx.Node) or not isinstance(vector, fx.Node) or len(result.users) != 1:
            return
        convolutions = self._convolutions(result)
        channels = sum(self._value(c.args[1]).shape[0] for c in convolutions)
        if not convolutions or vector.op != "get_attr":
            return
        if tuple(self._value(vector).shape) != (channels, *(1,) * (result.meta["like"].dim() - 2)):
            return
        start = 0
        for convolution in convolutions:
            end = start + self._value(convolution.args[1]).shape[0]
            weight, bias = change(convolution, vector, slice(start, end))
            convolution.args = (convolution.args[0], weight, bias, *convolution.args[3:])
            start = end
        node.replace_all_uses_with(result)
        self.recording.graph.erase_node(node)

    def scaled(self, convolution: fx.Node, vector: fx.Node, rows: slice) -> tuple[Any, Any]:
        factor = self._value(vector).flatten()[rows]
        weight, bias = self._parameters(convolution)
        by_rows = factor.view(-1, *(1,) * (self._value(weight).dim() - 1))
        parameters = []
        for node, by in ((weight, by_rows), (bias, factor)):
            if node is not None:
                key = ("scaled", node.target, vector.target, rows.start)
                node = self._constant(convolution, key, plain_name(node.target), self._value(node) * by)
            parameters.append(node)
        return parameters[0], parameters[1]

    def shifted(self, convolution: fx.Node, vector: fx.Node, rows: slice) -> tuple[Any, Any]:
        summand = self._value(vector).flatten()[rows].clone()
        weight, bias = self._parameters(convolution)
        name = f"{plain_name(weight.target).removesuffix('.weight')}.bias"
        key = ("shifted", weight.target, bias and bias.target, vector.target, rows.start)
        value = summand if bias is None else self._value(bias) + summand
        return weight, self._constant(convolution, key, name, value)

    def _convolutions(self, node: fx.Node) -> list[Any]:
        """Convolutions with constant weights whose results, joined, ``node`` is, and nothing else uses."""
        parts: list[Any] = [node]
        if node.target is aten.cat.default and node.args[1:] == (1,):
            parts = list(node.args[0])  # type: ignore[arg-type]
        for part in parts:
            if part.target is not aten.convolution.default or part.args[6] or len(part.users) != 1:
                return []
            if any(each is not None and each.op != "get_attr" for each in self._parameters(part)):
                return []
        return parts if len(set(parts)) == len(parts) else []

    def _parameters(self, convolution: Any) -> tuple[Any, Any]:
        """The nodes of its weight and its bias, the latter perhaps None."""
        return convolution.args[1], convolution.args[2]

    def _value(self, node: Any) -> Tensor:
        return self.recording.constants[node.target]

    def _constant(self, before: fx.Node, key: Any, name: str, value: Tensor) -> fx.Node:
        """A node for ``value`` ahead of ``before``; the constant is the same where ``key`` is."""
        with self.recording.graph.inserting_before(before):
            if key not in self._made:
                self._made[key] = self.recording.add_constant(name, value)
                return self._made[key]
            node = self.recording.graph.create_node("get_attr", self._made[key].target)
            node.meta["like"] = value
            return node
