"""No module of the room imports itself by way of others, not even within a function; folders stay small."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import pde_ops

ROOM = Path(pde_ops.__file__).parent
FOLDERS = [
    ROOM,
    *(path.parent for path in ROOM.rglob("*/__init__.py")),
    *ROOM.rglob("csrc"),
    ROOM / "cpu" / "csrc" / "training",
]


def test_imports_have_no_circle():
    files = {
        ".".join(path.relative_to(ROOM.parent).with_suffix("").parts).removesuffix(".__init__"): path
        for path in ROOM.rglob("*.py")
    }
    graph = {}
    for name, path in files.items():
        graph[name] = needed = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                needed |= {alias.name for alias in node.names} & set(files)
            elif isinstance(node, ast.ImportFrom):
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                needed |= inner & set(files) or {node.module} & set(files)
        needed.discard(name)
    assert {"pde_ops.cpu.fused", "pde_ops.cpu.prepared"} < graph["pde_ops.layer"]
    assert len(list(TopologicalSorter(graph).static_order())) == len(
        files
    )  # raises CycleError with the circle


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_folder_holds_at_most_fifteen_files(folder):
    files = [path for path in folder.iterdir() if path.is_file() and path.name != "py.typed"]  # an empty mark
    assert 0 < len(files) <= 15
