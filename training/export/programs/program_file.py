"""Writes a recording as model.pt2: an archive that ``torch.export.load`` reads.

torch's own writer imports all of its compiler, more than a second's work. For a recording of operators from
tensors to one tensor, which every space of this project gives, the same texts are written here, by torch's
schema of them; ``tests/training/export/test_program.py`` holds the two against each other. Any other recording
is left to torch.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx
from torch._export.serde import schema
from torch.utils._pytree import tree_flatten, treespec_dumps

from records.files import write_whole
from training.export.programs.layout import BATCH_NAME, EXAMPLE_IMAGES, IMAGES, Layout, layout
from training.export.recording.plain_forms import BATCH
from training.export.recording.recorder import Recording

_ARCHIVE = {"archive_format": "pt2", "archive_version": "0", "byteorder": "little", ".data/version": "6\n"}
_POSITIONAL = schema.ArgumentKind.POSITIONAL
_TYPES = {
    torch.float32: schema.ScalarType.FLOAT,
    torch.float64: schema.ScalarType.DOUBLE,
    torch.int64: schema.ScalarType.LONG,
}
_DATE = (1980, 1, 1, 0, 0, 0)


class _LeftToTorch(Exception):
    """Something of the recording has no form here."""


def save_program(recording: Recording, path: Path) -> None:
    """Writes ``model.pt2``."""
    try:
        files = _files(recording)
    except _LeftToTorch:
        files = files_by_torch(recording)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, value in files.items():  # torch takes a kilobyte for each operator, so texts are compressed
            how = zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(f"archive/{name}", _DATE), value, how)
    write_whole(path, content.getbuffer())


def _files(recording: Recording) -> dict[str, Any]:
    """What the archive holds, by name."""
    parts = layout(recording)
    model = _model(parts)
    config, weights = {}, {}
    for number, (name, value) in enumerate(parts.state.items()):
        place = f"weight_{number}"
        meta = {"path_name": place, "is_param": False, "use_pickle": False, "tensor_meta": _tensor(value)}
        config[name] = meta
        weights[f"data/weights/{place}"] = value.reshape(-1).view(torch.uint8).numpy().tobytes()
    example = io.BytesIO()
    torch.save((parts.example, {}), example)
    return {
        **weights,
        "data/weights/model_weights_config.json": json.dumps({"config": config}),
        "data/constants/model_constants_config.json": json.dumps({"config": {}}),
        "models/model.json": json.dumps(model),
        "data/sample_inputs/model.pt": example.getvalue(),
        **_ARCHIVE,
    }


def _model(parts: Layout) -> dict[str, Any]:
    """The program in torch's schema."""
    nodes, values = [], {}
    for node in parts.graph.nodes:
        if node.op == "output":
            continue
        values[node.name] = _tensor(node.meta["like"])
        if node.op == "call_function":
            nodes.append(_operator(node))
    graph = {
        "inputs": [{"as_tensor": {"name": node.name}} for node in parts.graph.find_nodes(op="placeholder")],
        "outputs": [{"as_tensor": {"name": parts.logits}}],
        "nodes": nodes,
        "tensor_values": values,
        **{f"{kind}_values": {} for kind in ("sym_int", "sym_bool", "custom_obj", "sym_float")},
        "is_single_tensor_return": False,
    }
    inputs = [
        {"buffer": {"arg": {"name": place}, "buffer_name": name, "persistent": True}}
        for name, place in parts.buffers.items()
    ]
    images, logits = ({"as_tensor": {"name": name}} for name in (IMAGES, parts.logits))
    call = {
        "inputs": [images],
        "outputs": [logits],
        "in_spec": treespec_dumps(tree_flatten((parts.example, {}))[1]),
        "out_spec": treespec_dumps(tree_flatten(parts.example[0])[1]),
        "forward_arg_names": [IMAGES],
    }
    return {
        "graph_module": {
            "graph": graph,
            "signature": {
                "input_specs": [*inputs, {"user_input": {"arg": images}}],
                "output_specs": [{"user_output": {"arg": logits}}],
            },
            "module_call_graph": [{"fqn": "", "signature": call}],
            "metadata": {},
            "treespec_namedtuple_fields": {},
        },
        "opset_version": {"aten": torch._C._get_max_operator_version()},
        "range_constraints": {BATCH_NAME: {"min_val": 1, "max_val": None}},
        "schema_version": {"major": schema.SCHEMA_VERSION[0], "minor": schema.SCHEMA_VERSION[1]},
        "verifiers": ["ATEN"],
        "torch_version": torch.__version__,
        "guards_code": [],
    }


def _operator(node: fx.Node) -> dict[str, Any]:
    if not isinstance(node.target, torch._ops.OpOverload) or node.kwargs:
        raise _LeftToTorch
    arguments = zip(node.target._schema.arguments, node.args, strict=False)
    return {
        "target": f"torch.ops.{node.target!s}",
        "inputs": [
            {"name": argument.name, "arg": _argument(value, argument.type), "kind": _POSITIONAL}
            for argument, value in arguments
        ],
        "outputs": [{"as_tensor": {"name": node.name}}],
        "metadata": {},
        "is_hop_single_tensor_return": None,
        "name": node.name,
    }


_PLAIN = {bool: "as_bool", int: "as_int"}


def _argument(value: Any, kind: Any) -> dict[str, Any]:
    if value is None:
        return {"as_none": True}
    if isinstance(value, fx.Node):
        return {"as_tensor": {"name": value.name}}
    if type(value) in _PLAIN:
        return {_PLAIN[type(value)]: value}
    if type(value) is float and math.isfinite(value):
        return {"as_float": value}
    if isinstance(value, (list, tuple)):
        if "List[int]" in str(kind) and all(type(item) is int for item in value):
            return {"as_ints": list(value)}
        if "List[Tensor]" in str(kind) and all(isinstance(item, fx.Node) for item in value):
            return {"as_tensors": [{"name": item.name} for item in value]}
    raise _LeftToTorch


def _tensor(like: Any) -> dict[str, Any]:
    if not isinstance(like, Tensor) or like.dtype not in _TYPES:
        raise _LeftToTorch
    return {
        "dtype": _TYPES[like.dtype],
        "sizes": [_size(number) for number in like.shape],
        "requires_grad": False,
        "device": {"type": "cpu", "index": None},
        "strides": [_size(number) for number in like.stride()],
        "storage_offset": {"as_int": 0},
        "layout": schema.Layout.Strided,
    }


def _size(number: int) -> dict[str, Any]:
    if number == BATCH:
        symbol = f"Symbol('{BATCH_NAME}', positive=True, integer=True)"
        return {"as_expr": {"expr_str": symbol, "hint": {"as_int": EXAMPLE_IMAGES}}}
    if number and number % BATCH == 0:
        raise _LeftToTorch
    return {"as_int": number}


def files_by_torch(recording: Recording) -> dict[str, Any]:
    """What torch's own writer puts into an archive, by name."""
    from training.export.programs.program import program

    content = io.BytesIO()
    with _without_rehearsal():
        torch.export.save(program(recording), content)
    with zipfile.ZipFile(content) as archive:
        return {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}


@contextlib.contextmanager
def _without_rehearsal() -> Iterator[None]:
    """torch also sorts a deep copy of what it writes, to see that this can be done, and throws it away; that
    took two thirds of the time. ``tests/training/export/test_program.py`` notices when it is kept."""
    from torch._export.serde import serialize

    canonicalize = serialize.canonicalize
    serialize.canonicalize = lambda record, *_: record
    try:
        yield
    finally:
        serialize.canonicalize = canonicalize
