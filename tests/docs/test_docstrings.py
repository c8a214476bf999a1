"""Every class of the API has an example in its docstring, and it gives what it says."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("pde_nas", "pde_ops", "search_space", "execution", "analysis")


def _named() -> dict[str, object]:
    """What the API's pages show and what the rooms hand out, by module and name."""
    shown = {}
    for page in sorted((ROOT / "docs" / "api").glob("*.md")):
        for path in re.findall(r"^::: ([\w.]+)\.(\w+)$", page.read_text(), re.MULTILINE):
            shown[".".join(path)] = getattr(importlib.import_module(path[0]), path[1])
    for room in ROOMS:
        module = importlib.import_module(room)
        for name in module.__all__:
            one = getattr(module, name)
            if hasattr(one, "__module__"):
                shown[f"{one.__module__}.{getattr(one, '__name__', name)}"] = one
    return shown


CLASSES = {name: one for name, one in _named().items() if inspect.isclass(one)}


def test_there_are_classes_of_every_room():
    assert {name.split(".")[0] for name in CLASSES} >= {
        "pde_ops",
        "search_space",
        "strategies",
        "training",
        "analysis",
    }


@pytest.mark.parametrize("name", CLASSES)
def test_its_example_gives_what_it_says(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    one = CLASSES[name]
    text = inspect.cleandoc(one.__dict__["__doc__"])
    module = importlib.import_module(one.__module__)
    test = doctest.DocTestParser().get_doctest(text, dict(vars(module)), name, None, 0)
    assert test.examples, f"{name} has no example"
    said: list[str] = []
    failed = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append).failed
    assert not failed, "".join(said)


@pytest.mark.parametrize("name", [name for name, one in _named().items() if callable(one)])
def test_it_has_a_docstring(name):
    assert inspect.getdoc(_named()[name])
