"""Makes a recording smaller without changing what it computes: norms folded, repetitions and dead ends dropped."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx

from training.export.recording.recorder import CONSTANT, Recording

aten = torch.ops.aten


def simplify(recording: Recording) -> None:
    """Folds batch norms into the convolutions that they follow, computes nothing twice, keeps equal constants once,
    and drops what the result does not need, constants too."""
    fold_norms(recording)
    share_constants(recording)
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


def share_constants(recording: Recording) -> None:
    """Lets all that use constants of the same shape, type and values, that are no parameters, use the first of them."""
    first: dict[Any, str] = {}
    for node in recording.graph.nodes:
        if node.op == "get_attr" and plain_name(node.target) == CONSTANT:
            value = recording.constants[node.target]
            same = value.dtype, tuple(value.shape), value.contiguous().view(-1).numpy().tobytes()
            node.target = first.setdefault(same, node.target)


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
        if node.kwargs:
            continue
        if node.target is aten.mul.Tensor:
            folder.fold(node, folder.scaled)
        elif node.target is aten.add.Tensor:
            folder.fold(node, folder.shifted, once=True)


class _Folder:
    """A node is of type ``Any`` here where it was an argument: fx lets that be anything."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._made: dict[Any, fx.Node] = {}  # networks may use a convolution and its norm many times

    def fold(
        self,
        node: fx.Node,
        change: Callable[[fx.Node, fx.Node, slice], tuple[Any, Any]],
        *,
        once: bool = False,
    ) -> None:
        """Lets ``change`` give the convolutions before ``node`` other weights and biases, and drops ``node``.

        Where the convolutions' results are added up, all are changed, or with ``once`` the first term's alone.
        """
        result, vector = node.args[:2]
        if not isinstance(result, fx.Node) or not isinstance(vector, fx.Node) or len(result.users) != 1:
            return
        like = result.meta["like"]
        if vector.op != "get_attr" or like.dim() < 3:
            return
        if tuple(self._value(vector).shape) != (like.shape[1], *(1,) * (like.dim() - 2)):
            return
        terms = self._terms(result)
        if not any(map(self._convolutions, terms)):
            return
        if once:
            terms = [next(term for term in terms if self._convolutions(term))]
        for term in terms:
            start = 0
            for convolution in self._convolutions(term) or [self._through_convolution(term, result)]:
                end = start + self._value(convolution.args[1]).shape[0]
                weight, bias = change(convolution, vector, slice(start, end))
                convolution.args = (convolution.args[0], weight, bias, *convolution.args[3:])
                start = end
        node.replace_all_uses_with(result)
        self.recording.graph.erase_node(node)

    def _terms(self, node: fx.Node) -> list[Any]:
        """What is added up to ``node``, of its shape."""
        if node.target is not aten.add.Tensor or node.kwargs or node.args[0] is node.args[1]:
            return [node]
        shape = node.meta["like"].shape
        alike = [
            isinstance(t, fx.Node) and t.op != "get_attr" and t.meta["like"].shape == shape for t in node.args
        ]
        return list(node.args) if all(alike) else [node]

    def _through_convolution(self, term: fx.Node, result: fx.Node) -> fx.Node:
        """A depthwise convolution of weight one between ``term`` and the sum ``result``."""
        like = term.meta["like"]
        channels, spatial = like.shape[1], like.dim() - 2
        ones = torch.ones(channels, *(1,) * (spatial + 1), dtype=like.dtype)
        weight = self._constant(result, ("ones", ones.shape, ones.dtype), "norm.weight", ones)
        each = [[number] * spatial for number in (1, 0, 1)]
        with self.recording.graph.inserting_before(result):
            convolution = self.recording.graph.call_function(
                aten.convolution.default, (term, weight, None, *each, False, [0] * spatial, channels)
            )
        convolution.meta.update(term.meta)  # of the equation if the term is
        result.replace_input_with(term, convolution)
        return convolution

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
        own, last = plain_name(weight.target), ".weight"
        name = f"{own.removesuffix(last)}.bias" if own.endswith(last) else f"{own}_bias"
        key = ("shifted", weight.target, bias and bias.target, vector.target, rows.start)
        value = summand if bias is None else self._value(bias) + summand
        return weight, self._constant(convolution, key, name, value)

    def _convolutions(self, node: fx.Node) -> list[Any]:
        """Convolutions with constant weights whose results, joined, ``node`` is, and nothing else uses."""
        if len(node.users) != 1:
            return []
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
