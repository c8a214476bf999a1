"""Records a network as a graph of PyTorch's own operators, by watching them while no image is computed.

``torch.export`` does the same in ten times the time: it keeps, for each operator, where it came from and what
its symbolic sizes allow. Here the images are on the ``meta`` device, so that they have a shape alone, and
there is a prime number of them, larger than any other: whatever is a multiple of it counts images. What depends
on no image is computed at once and becomes a constant.
"""

from __future__ import annotations

import contextlib
import itertools
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.func import functionalize
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from pde_ops.cpu.fused import kept_whole
from training.export.recording.plain_forms import BATCH, BEFORE, PLAIN_FORMS, counts_images, place_of
from training.export.recording.shapes import known_result
from training.export.recording.written_out import FORMS, KERNELS, OPERATORS

aten = torch.ops.aten
OF_EQUATION = "of_equation"  # in a node's meta: whether it is of the equation, which is written out
CONSTANT = "constant"  # the name of one that is no parameter
_SAME = (aten.detach.default, aten.alias.default, aten.lift_fresh.default, aten._to_copy.default)
_SPLITS = (aten.split_with_sizes.default, aten.split.Tensor)


class NotRecordable(Exception):
    """The network is no fixed sequence of operators; the message says why on one line."""


@dataclass(frozen=True)
class Recording:
    """``graph`` has one placeholder, the images, and a ``get_attr`` node for each of ``constants``.

    Each other node's ``meta["like"]`` is a tensor on the ``meta`` device of its shape and type, or, of an
    operator with several results, a tuple of them; ``BATCH`` in a shape stands for the number of images.
    """

    graph: fx.Graph
    constants: dict[str, Tensor] = field(default_factory=dict)

    def add_constant(self, name: str, value: Tensor) -> fx.Node:
        """A node for ``value`` at the graph's insertion point, under ``name#1`` or the next number free."""
        free = next(f"{name}#{n}" for n in itertools.count(1) if f"{name}#{n}" not in self.constants)
        self.constants[free] = value
        node = self.graph.create_node("get_attr", free)
        node.meta["like"] = value
        return node

    def module(self) -> fx.GraphModule:
        """The graph as a module."""
        return fx.GraphModule(_Holder(self.constants), self.graph).eval()

    def run(self, images: Tensor) -> Tensor:
        """What the graph computes."""
        return fx.Interpreter(_Holder(self.constants), graph=self.graph).run(images)


class _Holder(nn.Module):
    """Hands the interpreter the constants by their dotted names."""

    def __init__(self, constants: dict[str, Tensor]) -> None:
        super().__init__()
        for name, value in constants.items():
            *path, last = name.split(".")
            owner: nn.Module = self
            for part in path:
                if part not in owner._modules:
                    owner.add_module(part, nn.Module())
                owner = owner._modules[part]  # type: ignore[assignment]
            owner.register_buffer(last, value)


def record(model: nn.Module, image: tuple[int, ...], form: str = OPERATORS) -> Recording:
    """What ``model``, in eval mode and without gradients, does to images ``(N, *image)``.

    The PDE is written out as ``form`` has it: in plain operators, as convolutions, or each layer that has a fused
    kernel as one operator, ``pde_ops::fixed_layer``. Raises ``NotRecordable`` where what is done depends on the
    images' values; whatever else the model raises comes through.
    """
    recorder = _Recorder(model, FORMS[form])
    images = torch.empty(BATCH, *image, device="meta")
    recorder.place(images, recorder.recording.graph.placeholder("images"))
    whole = kept_whole() if form == KERNELS else contextlib.nullcontext()
    with torch.no_grad(), _exporting(), whole, recorder:
        logits = functionalize(model, remove="mutations")(images)
    result = recorder.node(logits) if isinstance(logits, Tensor) else None
    if result is None:
        raise NotRecordable("the network's result is no tensor that depends on the images")
    recorder.recording.graph.output((result,))
    return recorder.recording


@contextlib.contextmanager
def _exporting() -> Iterator[None]:
    """Modules that ask ``torch.compiler.is_exporting()`` are told so."""
    before = torch.compiler._is_exporting_flag
    torch.compiler._is_exporting_flag = True
    try:
        yield
    finally:
        torch.compiler._is_exporting_flag = before


class _Recorder(TorchDispatchMode):
    def __init__(self, model: nn.Module, written_out: dict[Any, Callable[..., Any]]) -> None:
        super().__init__()
        self._written_out = written_out
        self._of_equation = False
        self.recording = Recording(fx.Graph())
        self._nodes: dict[int, fx.Node] = {}  # by the tensor's id
        self._constants: dict[int, fx.Node] = {}
        self._alive: list[Tensor] = []  # so that no id is given twice
        tensors = [*model.named_parameters(), *model.named_buffers()]
        self.names = {place_of(tensor): name for name, tensor in tensors}
        self.norms: dict[tuple, tuple[Tensor, Tensor]] = {}  # a norm's factor and summand a channel
        self._batch: fx.Node | None = None

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """torch would import all of its compiler, a second's work, to tell it to leave this mode alone."""
        return False

    def node(self, tensor: Tensor) -> fx.Node | None:
        return self._nodes.get(id(tensor))

    def place(self, tensor: Tensor, node: fx.Node) -> None:
        node.meta["like"] = tensor
        self._alive.append(tensor)
        self._nodes[id(tensor)] = node

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        leaves = tree_flatten((args, kwargs or {}))[0]
        recorded = any(isinstance(leaf, Tensor) and id(leaf) in self._nodes for leaf in leaves)
        if not recorded and not any(map(counts_images, leaves)):
            return func(*args, **_with_values(kwargs or {}))
        if func is aten._local_scalar_dense.default:
            raise NotRecordable("what the network does depends on the images' values")
        if func in self._written_out:
            self._of_equation = True
            try:
                with self:
                    return self._written_out[func](*args)
            finally:
                self._of_equation = False
        args, kwargs = _complete(func, args, kwargs or {})
        result = _result(func, tree_map(_on_meta, args), tree_map(_on_meta, kwargs))
        if func in _SAME and result.dtype == args[0].dtype:
            self.place(result, self._nodes[id(args[0])])
            return result
        self._write(func, args, kwargs, result)
        return result

    def _write(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        simpler = PLAIN_FORMS.get(func)
        if simpler is not None and not kwargs:
            calls = simpler(self, args, result)
            if calls is not None:
                node: Any = None
                for target, arguments in calls:
                    node = self._call(target, tuple(node if a is BEFORE else a for a in arguments), {})
                    node.meta["like"] = _first(result)
                self.place(_first(result), node)
                return
        if func in _SPLITS and not kwargs:
            self._write_parts(args[0], args[-1], result)
            return
        node = self._call(func, args, kwargs)
        node.meta["like"] = result
        if isinstance(result, Tensor):
            self.place(result, node)
            return
        for index, part in enumerate(result):
            if isinstance(part, Tensor):
                self.place(part, self.recording.graph.call_function(operator.getitem, (node, index)))

    def _write_parts(self, whole: Tensor, dim: int, parts: Any) -> None:
        """Parts along a dimension as slices: programs know operators of one result best."""
        start = 0
        for part in parts:
            end = start + part.shape[dim]
            node = self._call(aten.slice.Tensor, (whole, dim, start, end, 1), {})
            self.place(part, node)
            start = end

    def _call(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> fx.Node:
        node = self.recording.graph.call_function(
            target, tree_map(self._argument, args), tree_map(self._argument, kwargs)
        )
        node.meta[OF_EQUATION] = self._of_equation
        return node

    def _argument(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            key = id(value)
            return self._nodes.get(key) or self._constants.get(key) or self._constant(value)
        return self._size(value) if counts_images(value) else value

    def _constant(self, value: Tensor) -> fx.Node:
        if value.is_meta:
            raise NotRecordable("an operator's side result is used, which programs do not have")
        node = self.recording.add_constant(self.names.get(place_of(value), CONSTANT), value.detach())
        self._alive.append(value)
        self._constants[id(value)] = node
        return node

    def _size(self, value: int) -> fx.Node:
        """The node of a number that counts images."""
        graph = self.recording.graph
        if self._batch is None:
            (images,) = graph.find_nodes(op="placeholder")
            self._batch = graph.call_function(aten.sym_size.int, (images, 0))
            self._batch.meta["like"] = BATCH
        if value == BATCH:
            return self._batch
        node = graph.call_function(operator.mul, (self._batch, value // BATCH))
        node.meta["like"] = value
        return node


def _result(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    known = None if kwargs else known_result(func, args)
    if known is not None:
        return known
    if any(argument.name == "device" for argument in func._schema.arguments):
        kwargs = {**kwargs, "device": torch.device("meta")}
    return func(*args, **kwargs)


def _with_values(kwargs: dict[str, Any]) -> dict[str, Any]:
    """What is made where the images are but depends on none of them keeps its values."""
    on_meta = kwargs.get("device") == torch.device("meta")
    return {**kwargs, "device": torch.device("cpu")} if on_meta else kwargs


def _first(result: Any) -> Tensor:
    return result if isinstance(result, Tensor) else result[0]


def _on_meta(value: Any) -> Any:
    return value.to("meta") if isinstance(value, Tensor) and not value.is_meta else value


def _complete(
    func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """All that have a position by position, defaults filled in."""
    given = list(args)
    rest = dict(kwargs)
    for argument in func._schema.arguments[len(given) :]:
        if argument.kwarg_only:
            break
        given.append(rest.pop(argument.name, argument.default_value))
    return tuple(given), rest
