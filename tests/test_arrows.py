"""Imports go down the list of rooms only, wherever in a file they stand."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAY_IMPORT = {
    "records": set(),
    "pde_ops": {"records"},
    "search_space": {"pde_ops", "records"},
    "training": {"search_space", "pde_ops", "records"},
    "strategies": {"training", "search_space", "pde_ops", "records"},
    "execution": {"strategies", "training", "search_space", "pde_ops", "records"},
    "analysis": {"search_space", "records"},
}
ROOMS = {*MAY_IMPORT, "pde_nas", "run_search", "tests", "benchmarks", "tools"}


def imported(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_an_import_within_a_function_is_seen():
    source = "import a.b\ndef f():\n    from c.d import e\n    if f:\n        import g as h, i\n"
    assert imported(ast.parse(source)) == {"a", "c", "g", "i"}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_go_down(room):
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    for path in files:
        others = imported(ast.parse(path.read_text())) & ROOMS - {room}
        assert others <= MAY_IMPORT[room], path


def test_only_a_search_its_supernets_and_the_model_spaces_know_nni():
    for room in MAY_IMPORT:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "nni" in imported(ast.parse(path.read_text())):
                assert (
                    path.is_relative_to(ROOT / "execution")
                    or path.name == "model_space.py"
                    or (path.is_relative_to(ROOT / "strategies" / "one_shot"))
                ), path


def test_nothing_is_unpickled():
    loaders = {"load", "loads", "Unpickler"}
    for room in MAY_IMPORT:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                    assert not (node.value.id in ("pickle", "cloudpickle") and node.attr in loaders), path
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                    safe = [ast.unparse(k.value) for k in node.keywords if k.arg == "weights_only"]
                    assert safe == ["True"], path
