"""Writes a recording as a program of ``torch.export``, model.pt2.

The program is assembled, not traced by ``torch.export.export``, which takes most of a minute for a network of
cells and keeps source lines of this machine.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sympy
import torch
from torch import Tensor, fx
from torch._export.serde import serialize
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.export import ExportedProgram
from torch.export.exported_program import ModuleCallEntry, ModuleCallSignature
from torch.export.graph_signature import (
    ExportGraphSignature,
    InputKind,
    InputSpec,
    OutputKind,
    OutputSpec,
    TensorArgument,
)
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.utils._pytree import tree_flatten, tree_map
from torch.utils._sympy.numbers import int_oo
from torch.utils._sympy.value_ranges import ValueRanges

from search_space.files import write_whole
from training.export.plain_forms import BATCH
from training.export.recorder import Recording

IMAGES, LOGITS, BATCH_NAME = "images", "logits", "batch"
_EXAMPLE_IMAGES = 2


def save_program(recording: Recording, path: Path, extra: dict[str, str]) -> None:
    """Writes ``model.pt2``; ``extra`` are texts by name, which ``torch.export.load(..., extra_files=)`` reads."""
    content = io.BytesIO()
    with _without_rehearsal():
        torch.export.save(program(recording), content, extra_files=extra)
    write_whole(path, _packed(content))


def program(recording: Recording) -> ExportedProgram:
    """The recording as a program whose images (batch, C, H, W) and logits (batch, classes) are of any number."""
    sizes = _Sizes()
    graph, places, state = fx.Graph(), {}, {}
    inputs = []
    for name, value in recording.constants.items():
        node = graph.placeholder("b_" + name.replace(".", "_"))
        node.meta["val"] = sizes.tensor(value)
        inputs.append(InputSpec(InputKind.BUFFER, TensorArgument(node.name), name, persistent=True))
        places[name] = node
        state[name] = value.contiguous()
    copied: dict[fx.Node, fx.Node] = {}
    for node in recording.graph.nodes:
        if node.op == "get_attr":
            copied[node] = places[node.target]
        elif node.op == "placeholder":
            copied[node] = new = graph.placeholder(IMAGES)
            new.meta["val"] = sizes.tensor(node.meta["like"])
            inputs.append(InputSpec(InputKind.USER_INPUT, TensorArgument(new.name), None))
            image = tuple(node.meta["like"].shape[1:])
        elif node.op == "call_function":
            new = graph.call_function(
                node.target,
                fx.map_arg(node.args, copied.__getitem__),  # type: ignore[arg-type]
                fx.map_arg(node.kwargs, copied.__getitem__),  # type: ignore[arg-type]
            )
            new.meta["val"] = tree_map(sizes.value, node.meta["like"])
            copied[node] = new
        else:
            (result,) = node.args[0]
            graph.output((copied[result],))
    outputs = [OutputSpec(OutputKind.USER_OUTPUT, TensorArgument(copied[result].name), None)]
    example = (torch.zeros(_EXAMPLE_IMAGES, *image),)
    return ExportedProgram(
        root={},
        graph=graph,
        graph_signature=ExportGraphSignature(inputs, outputs),
        state_dict=state,
        range_constraints={sizes.symbol: ValueRanges(1, int_oo)},
        module_call_graph=[_call(inputs[-1].arg, outputs[0].arg, example)],
        example_inputs=(example, {}),
    )


def _call(images: Any, logits: Any, example: tuple[Tensor, ...]) -> ModuleCallEntry:
    """How the whole is called: with the images alone, for the logits alone."""
    takes, gives = tree_flatten((example, {}))[1], tree_flatten(example[0])[1]
    return ModuleCallEntry("", ModuleCallSignature([images], [logits], takes, gives, [IMAGES]))


class _Sizes:
    """Tensors without values whose number of images is the symbol ``batch``."""

    def __init__(self) -> None:
        self._shapes = ShapeEnv()
        self._mode = FakeTensorMode(shape_env=self._shapes, allow_non_fake_inputs=True)
        self.symbol = sympy.Symbol(BATCH_NAME, positive=True, integer=True)
        self._shapes.add_backed_var_to_val(self.symbol, _EXAMPLE_IMAGES)
        self._shapes.var_to_range[self.symbol] = ValueRanges(1, int_oo)
        self._tensors: dict[tuple, Tensor] = {}

    def value(self, like: Any) -> Any:
        return self.tensor(like) if isinstance(like, Tensor) else self._size(like)

    def tensor(self, like: Tensor) -> Tensor:
        """One for all of a shape and type; making each anew takes longer than all else."""
        key = tuple(like.shape), like.stride(), like.dtype
        if key not in self._tensors:
            shape, stride = (tuple(map(self._size, numbers)) for numbers in key[:2])
            with self._mode:
                self._tensors[key] = torch.empty_strided(shape, stride, dtype=like.dtype)
        return self._tensors[key]

    def _size(self, number: Any) -> Any:
        if type(number) is not int or number == 0 or number % BATCH:
            return number
        factor = number // BATCH
        return self._shapes.create_symintnode(self.symbol * factor, hint=factor * _EXAMPLE_IMAGES)


@contextlib.contextmanager
def _without_rehearsal() -> Iterator[None]:
    """torch also sorts a deep copy of what it writes, to see that this can be done, and throws it away; that
    took two thirds of the time. ``tests/training/export/test_program.py`` notices when it is kept."""
    canonicalize = serialize.canonicalize
    serialize.canonicalize = lambda record, *_: record
    try:
        yield
    finally:
        serialize.canonicalize = canonicalize


def _packed(content: io.BytesIO) -> memoryview:
    """The archive with its texts compressed: torch writes a kilobyte for each operator."""
    packed = io.BytesIO()
    with zipfile.ZipFile(content) as plain, zipfile.ZipFile(packed, "w") as archive:
        for entry in plain.infolist():
            how = zipfile.ZIP_DEFLATED if entry.filename.endswith(".json") else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(entry.filename, entry.date_time), plain.read(entry), how)
    return packed.getbuffer()
