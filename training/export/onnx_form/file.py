"""Writes a recording as model.onnx, for opset 18."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import fx

from records.files import write_whole
from training.export.model_facts import project_version, properties
from training.export.onnx_form.operators import TRANSLATIONS, NoTranslation
from training.export.programs.layout import BATCH_NAME, IMAGES, LOGITS
from training.export.recording.recorder import OF_EQUATION, Recording

OPSET, IR_VERSION = 18, 8  # of ONNX 1.13, January 2023
PRODUCER = "pde-nas"
EQUATION = "equation"  # begins the names of nodes that are the equation's


def save_onnx(recording: Recording, path: Path, *, all_own: bool = False) -> None:
    """Writes the model. An operator that is not in `TRANSLATIONS`, of a plugin say, is left to PyTorch's own exporter,
    for the whole model; with ``all_own`` there is `NoTranslation` then."""
    try:
        model = _translated(recording)
    except NoTranslation:
        if all_own:
            raise
        model = _by_torch(recording)
    model.producer_name, model.producer_version = PRODUCER, project_version()
    write_whole(path, model.SerializeToString())


def describe(path: Path, content: dict[str, Any]) -> None:
    """Makes ``content`` the metadata of the model in ``path``."""
    model = onnx.load(path)
    helper.set_model_props(model, properties(content))
    write_whole(path, model.SerializeToString())


def _translated(recording: Recording) -> onnx.ModelProto:
    sheet = _Sheet()
    for name, value in recording.constants.items():
        sheet.constant(name, value.detach().contiguous().numpy())
    for node in recording.graph.nodes:
        if node.op == "placeholder":
            sheet.names[node] = IMAGES
            inputs = [_value(IMAGES, node)]
        elif node.op == "get_attr":
            sheet.names[node] = node.target
        elif node.op == "call_function":
            sheet.translate(node)
        else:
            (result,) = node.args[0]
            sheet.add("Identity", [sheet.names[result]], LOGITS)
            outputs = [_value(LOGITS, result)]
    graph = helper.make_graph(sheet.nodes, "network", inputs, outputs, sheet.constants())
    own = {node.domain for node in sheet.nodes if node.domain}
    opsets = [helper.make_opsetid("", OPSET), *(helper.make_opsetid(domain, 1) for domain in own)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def _value(name: str, node: fx.Node) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [BATCH_NAME, *node.meta["like"].shape[1:]])


class _Sheet:
    """The nodes and constants of a model that is being written."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.names: dict[fx.Node, str] = {}
        self._prefix = "network"
        self._constants: dict[str, onnx.TensorProto] = {}

    def translate(self, node: fx.Node) -> None:
        like = node.meta.get("like")
        translation = TRANSLATIONS.get(node.target)
        if translation is None or node.kwargs or getattr(like, "dtype", None) is not torch.float32:
            raise NoTranslation
        self.names[node] = node.name
        self._prefix = EQUATION if node.meta.get(OF_EQUATION) else "network"
        translation(self, node.name, fx.map_arg(node.args, self.names.__getitem__), like)  # type: ignore[arg-type]

    def add(self, kind: str, inputs: Sequence[Any], out: str | None = None, **attributes: Any) -> str:
        out = f"t{len(self.nodes)}" if out is None else out
        names = [self._input(value) for value in inputs]
        name = f"{self._prefix}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [out], name=name, **attributes))
        return out

    def _input(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, (float, int)):
            return self.constant(
                f"{float(value):g}" if value == float(f"{value:g}") else repr(float(value)), np.float32(value)
            )
        if isinstance(value, list) and all(type(item) is int for item in value):
            return self.constant(str(value).replace(" ", ""), np.array(value, np.int64))
        if isinstance(value, list) and all(type(item) is float for item in value):
            return self.constant(str(value).replace(" ", ""), np.array(value, np.float64))
        raise NoTranslation

    def constant(self, name: str, value: Any) -> str:
        """The same name always has the same value."""
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.asarray(value), name)
        return name

    def constants(self) -> list[onnx.TensorProto]:
        return list(self._constants.values())


def _by_torch(recording: Recording) -> onnx.ModelProto:
    """By PyTorch's exporter, without what it writes of this machine."""
    from onnx_ir.passes.common import CommonSubexpressionEliminationPass
    from onnxscript import optimizer

    from training.export.programs.program import program

    with _quiet(), torch.no_grad():
        # The exporter's own optimisation takes minutes for a network of cells; these passes take a second.
        exported = torch.onnx.export(
            program(recording),
            dynamo=True,
            optimize=False,
            opset_version=OPSET,
            input_names=[IMAGES],
            output_names=[LOGITS],
        )
        assert exported is not None  # it is for dynamo=True
        optimizer.fold_constants(exported.model)
        optimizer.remove_unused_nodes(exported.model)
        CommonSubexpressionEliminationPass()(exported.model)
        model = exported.model_proto
    for part in (model, model.graph, *model.functions):
        del part.metadata_props[:]
        part.doc_string = ""
        del getattr(part, "value_info", [])[:]
    for part in (model.graph, *model.functions):
        for node in part.node:
            del node.metadata_props[:]
            node.doc_string = ""
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
        value.doc_string = ""
    return model


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter prints its progress and warns of its own internals; errors still come through."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logger = logging.getLogger("torch.onnx")
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)
