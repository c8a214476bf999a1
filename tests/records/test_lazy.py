"""Names that are loaded when they are used."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import analysis
import execution
import pde_nas
import pde_ops
import run_search
import search_space
import training.export

REPOSITORY = Path(__file__).parents[2]
LAZY = (analysis, execution, pde_nas, pde_ops, run_search, search_space, training.export)


@pytest.mark.parametrize("package", [search_space, execution, pde_ops, training.export])
def test_every_name_is_there_and_no_other(package):
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # noqa: B018


def test_whatever_is_imported_from_such_a_package_is_there():
    """To the type checker a package with ``__getattr__`` has every name."""
    packages = {package.__name__: package for package in LAZY}
    files = [path for path in REPOSITORY.rglob("*.py") if not set(path.parts) & {".venv", "build", "runs"}]
    taken = {
        (node.module, name.name, str(path))
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module in packages
        for name in node.names
    }
    assert len(taken) > 100
    for module, name, path in taken:
        there = hasattr(packages[module], name) or find_spec(f"{module}.{name}") is not None
        assert there, f"{path} imports {name} from {module}"


def test_a_row_of_the_portal_starts_without_torch():
    program = "import sys, execution.portal.follow_trial, execution.portal.hub_trial; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
