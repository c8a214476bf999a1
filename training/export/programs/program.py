"""Makes a recording a program of ``torch.export``.

The program is assembled, not traced by ``torch.export.export``, which takes most of a minute for a network of
cells and keeps source lines of this machine.
"""

from __future__ import annotations

from typing import Any

import sympy
import torch
from torch import Tensor
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

from training.export.programs.layout import BATCH_NAME, EXAMPLE_IMAGES, IMAGES, layout
from training.export.recording.plain_forms import BATCH
from training.export.recording.recorder import Recording


def program(recording: Recording) -> ExportedProgram:
    """The recording as a program whose images (batch, C, H, W) and logits (batch, classes) are of any number."""
    parts, sizes = layout(recording), _Sizes()
    for node in parts.graph.nodes:
        if node.op != "output":
            node.meta = {"val": tree_map(sizes.value, node.meta["like"])}
    inputs = [
        InputSpec(InputKind.BUFFER, TensorArgument(place), name, persistent=True)
        for name, place in parts.buffers.items()
    ]
    images, logits = TensorArgument(IMAGES), TensorArgument(parts.logits)
    takes, gives = tree_flatten((parts.example, {}))[1], tree_flatten(parts.example[0])[1]
    call = ModuleCallSignature([images], [logits], takes, gives, [IMAGES])
    return ExportedProgram(
        root={},
        graph=parts.graph,
        graph_signature=ExportGraphSignature(
            [*inputs, InputSpec(InputKind.USER_INPUT, images, None)],
            [OutputSpec(OutputKind.USER_OUTPUT, logits, None)],
        ),
        state_dict=parts.state,
        range_constraints={sizes.symbol: ValueRanges(1, int_oo)},
        module_call_graph=[ModuleCallEntry("", call)],
        example_inputs=(parts.example, {}),
    )


class _Sizes:
    """Tensors without values whose number of images is the symbol ``batch``."""

    def __init__(self) -> None:
        self._shapes = ShapeEnv()
        self._mode = FakeTensorMode(shape_env=self._shapes, allow_non_fake_inputs=True)
        self.symbol = sympy.Symbol(BATCH_NAME, positive=True, integer=True)
        self._shapes.add_backed_var_to_val(self.symbol, EXAMPLE_IMAGES)
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
        return self._shapes.create_symintnode(self.symbol * factor, hint=factor * EXAMPLE_IMAGES)
