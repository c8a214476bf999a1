"""The walk through a toy of three files, whose way is known."""

from __future__ import annotations

import importlib
import sys
import threading

import pytest

from tools import journeys
from tools.walk import Walk

TOY = {
    "toy_a": """
import toy_b
def go():
    for _ in range(3):
        toy_b.middle()
    own()
    import toy_d
def own():
    pass
""",
    "toy_b": """
import toy_c
def middle():
    toy_c.end()
    back()
def back():
    pass
""",
    "toy_c": """
def end():
    pass
def threaded():
    pass
""",
    "toy_d": """
def decorated():
    pass
class Body:
    decorated()
""",
}


@pytest.fixture
def toy(tmp_path, monkeypatch):
    for name, text in TOY.items():
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_each_function_once_and_nothing_of_an_import(toy):
    module = importlib.import_module("toy_a")
    with Walk(toy) as walk:
        module.go()
    # go; middle; end; back, which is a return to b; own, which is one to a. toy_d is imported alone.
    assert walk.steps() == ["toy_a.py", "toy_b.py", "toy_c.py", "toy_b.py", "toy_a.py"]
    assert walk.count() == (3, 2)


def test_threads_that_are_started_are_followed(toy):
    module = importlib.import_module("toy_c")
    with Walk(toy) as walk:
        thread = threading.Thread(target=module.threaded)
        thread.start()
        thread.join()
    module.end()  # after it
    assert [code.co_name for code in walk.codes if code.co_filename.startswith(str(toy))] == ["threaded"]


def test_a_feature_map_goes_through_the_layer(capfd):
    journeys.main(["layer", "--walk"])
    first, *steps = capfd.readouterr().out.splitlines()
    assert steps[0] == "pde_ops/layer.py"
    files = len(set(steps))
    assert first == f"layer: {files} files, {len(steps) - files} returns"


def test_an_unknown_journey_is_one_line():
    with pytest.raises(SystemExit, match="error: NAME is 'moon'; accepted: layer, trial, one-shot"):
        journeys.main(["moon"])
