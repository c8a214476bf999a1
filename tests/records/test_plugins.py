"""What is said of primitives that are not known here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from records.errors import UserError
from records.plugins import HINT, naming_plugins, plugin_names
from search_space import Genotype, get_primitive, sample
from search_space.genotype import GenotypeError

ROOT = Path(__file__).resolve().parents[2]
UNKNOWN = UserError(f"primitive is 'x' ({HINT}); accepted: y")


def test_modules_are_named_with_commas(monkeypatch):
    monkeypatch.delenv("PDE_NAS_PLUGINS", raising=False)
    assert plugin_names() == []
    monkeypatch.setenv("PDE_NAS_PLUGINS", " a, b.c,,")
    assert plugin_names() == ["a", "b.c"]


def test_an_unknown_primitive_names_the_variable():
    with pytest.raises(
        UserError, match=r"'free' \(.*PDE_NAS_PLUGINS names its module\); accepted: skip_connect, "
    ):
        get_primitive("free")
    with pytest.raises(
        UserError, match=r"primitives is 'free' \(.*PDE_NAS_PLUGINS.*\); accepted: skip_connect, "
    ):
        sample("darts-global", 0, primitives=["skip_connect", "free"])
    record = sample("darts-global", 0).to_json()
    record["settings"]["primitives"] = ["free"]
    with pytest.raises(GenotypeError, match=r"'free' \(.*PDE_NAS_PLUGINS.*\); accepted: skip_connect, "):
        Genotype.from_json(record)
    with pytest.raises(
        UserError, match=r"PDE_NAS_PLUGINS .*\); accepted: .* primitive one of skip_connect, "
    ):
        sample("darts-network-global", 0, normal=[[["free", 0]]])


def obeyed(folder: Path, content: str, *words: str) -> str:
    """What a command says to such a plug-in: one line, and nothing but that."""
    (folder / "a folder").mkdir()
    (folder / "a folder" / "own_plugin.py").write_text(content)
    program = "import sys, run_search; sys.exit(run_search.main(sys.argv[1:]))"
    places = os.pathsep.join([str(folder / "a folder"), str(ROOT)])
    ended = subprocess.run(
        [sys.executable, "-c", program, *words],
        capture_output=True, text=True, cwd=folder,
        env=os.environ | {"PYTHONPATH": places, "PDE_NAS_PLUGINS": "own_plugin"},
    )  # fmt: skip
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert ended.stderr.startswith("error: ")
    return ended.stderr


PRIMITIVE = """
from search_space import Primitive, register_primitive
@register_primitive("{name}")
class Mine(Primitive):
    def __init__(self, channels, stride):
        super().__init__(channels, stride)
    def forward(self, x):
        return x
    @classmethod
    def cost(cls, channels, stride, size):
        return {cost}
"""
SPACE = """
from dataclasses import dataclass
from search_space import register_space
from search_space.families.family import Family, Part, one_each
from torch import nn
@dataclass(frozen=True)
class Settings:
    depth: int{default}
class Layer(nn.Flatten):
    cost = lambda self, size: 3
@register_space
class Mine(Family):
    name, Settings = "{name}", Settings
    def decisions(self, problem):
        return [one_each("a", (1, 2))]
    def parts(self, problem, architecture):
        return [Part(Layer, ())]
"""
STRATEGY = """
from dataclasses import dataclass
from records.options import Options
from strategies.contract import MultiTrialStrategy
from strategies.registry import register_strategy
@dataclass(frozen=True)
class Settings(Options):
    depth: int = 3
@register_strategy
class Mine(MultiTrialStrategy):
    name, summary = "{name}", "mine"
    {settings}
    def draw(self, rng, results):
        return None
"""
SEARCH = ("search", "--strategy", "random")


@pytest.mark.parametrize(
    ("content", "words", "said"),
    [
        (
            PRIMITIVE.format(name="skip_connect", cost="None"), ("spaces",),
            "primitive skip_connect is registered already, by search_space.primitives.convolutions",
        ),
        (
            PRIMITIVE.format(name="own", cost="3"), (*SEARCH, "--primitives", "own"),
            "primitive own: cost gave 3; accepted: a Cost",
        ),
        (
            SPACE.format(name="mnist-global", default="=1"), ("spaces",),
            "space mnist-global is registered already, by search_space.families.mnist",
        ),
        (SPACE.format(name="own", default=""), ("spaces",), "space own has a setting depth without a default"),
        (
            SPACE.format(name="own", default="=1"), (*SEARCH, "--space", "own"),
            "Layer: cost gave 3; accepted: a Cost",
        ),
        (
            STRATEGY.format(name="random", settings=""), ("spaces",),
            "strategy random is registered already, by strategies.multi_trial.random_search",
        ),
        (
            STRATEGY.format(name="own", settings="Settings = Settings"), ("strategies",),
            "strategy own has a setting depth that says too little; accepted: depth: <type> = option(",
        ),
    ],
)  # fmt: skip
def test_what_a_plugin_registers_wrongly_is_one_line(tmp_path, content, words, said):
    assert said in obeyed(tmp_path, content, *words)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("raise ValueError('two\\nlines')", "ValueError: two lines"),
        ("import sys; sys.exit('no')", "SystemExit: no"),
        ("def f(:", "SyntaxError: invalid syntax"),
        ("import nothing_there", "No module named 'nothing_there'"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_one_line(tmp_path, content, said):
    told = obeyed(tmp_path, content, "search", "--primitives", "skip_connect")
    assert f"PDE_NAS_PLUGINS names own_plugin, which cannot be imported: {said}" in told


def test_an_unhashable_primitive_is_named_too():
    with pytest.raises(UserError, match=r"primitives is \[1\] \(.*; accepted: skip_connect"):
        sample("darts-global", 0, primitives=[[1]])


@pytest.mark.parametrize(
    "content",
    [
        None,
        "{",
        "[]",
        "{}",
        '{"plugins": 3}',
        '{"plugins": []}',
        '{"plugins": [1]}',
        '{"plugins": ["loaded"]}',
    ],
)
def test_what_recorded_no_other_plugins_adds_nothing(tmp_path, monkeypatch, content):
    monkeypatch.setenv("PDE_NAS_PLUGINS", "loaded")
    if content is not None:
        (tmp_path / "settings.json").write_text(content)
    with pytest.raises(UserError) as error, naming_plugins(tmp_path):
        raise UNKNOWN
    assert error.value is UNKNOWN


def test_recorded_plugins_are_named_for_unknown_primitives_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("PDE_NAS_PLUGINS", "loaded")
    (tmp_path / "settings.json").write_text(json.dumps({"plugins": ["loaded", "mine"]}))
    with (
        pytest.raises(
            UserError, match=rf"; {tmp_path.name} was made with PDE_NAS_PLUGINS=loaded,mine\); accepted: y$"
        ),
        naming_plugins(tmp_path),
    ):
        raise UNKNOWN
    other = UserError("width is -3")
    with pytest.raises(UserError) as error, naming_plugins(tmp_path):
        raise other
    assert error.value is other
