"""The list of workarounds names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import execution.nni_bridge as bridge

ROOT = Path(__file__).resolve().parents[3]


def test_each_file_that_the_list_names_is_there():
    files = set(re.findall(r"[\w/]+\.(?:py|js)\b", bridge.__doc__))
    paths = [path.as_posix() for room in ("execution", "tests") for path in (ROOT / room).rglob("*.*")]
    assert len(files) > 20
    assert [name for name in files if not any(path.endswith(f"/{name}") for path in paths)] == []


def test_each_test_that_the_list_names_is_there():
    tests = set(re.findall(r"\((test_\w+)\)", bridge.__doc__))
    sources = "\n".join(path.read_text() for path in (ROOT / "tests" / "execution").rglob("test_*.py"))
    assert len(tests) > 10
    assert [name for name in tests if f"def {name}(" not in sources] == []
