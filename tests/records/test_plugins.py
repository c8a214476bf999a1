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
UNKNOWN = UserError(f"primitive is 'x'; accepted: y; {HINT}")


def test_modules_are_named_with_commas(monkeypatch):
    monkeypatch.delenv("PDE_NAS_PLUGINS", raising=False)
    assert plugin_names() == []
    monkeypatch.setenv("PDE_NAS_PLUGINS", " a, b.c,,")
    assert plugin_names() == ["a", "b.c"]


def test_an_unknown_primitive_names_the_variable():
    with pytest.raises(UserError, match="'free'; accepted: skip_connect, .*PDE_NAS_PLUGINS names its module"):
        get_primitive("free")
    with pytest.raises(UserError, match="primitives is 'free'; accepted: skip_connect, .*PDE_NAS_PLUGINS"):
        sample("darts-global", 0, primitives=["skip_connect", "free"])
    record = sample("darts-global", 0).to_json()
    record["settings"]["primitives"] = ["free"]
    with pytest.raises(GenotypeError, match="'free'; accepted: skip_connect, .*PDE_NAS_PLUGINS"):
        Genotype.from_json(record)
    with pytest.raises(UserError, match="primitive one of skip_connect, .*PDE_NAS_PLUGINS"):
        sample("darts-network-global", 0, normal=[[["free", 0]]])


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
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a folder" / "broken_plugin.py").write_text(content)
    program = "import sys, run_search; sys.exit(run_search.main(['search', '--primitives', 'skip_connect']))"
    places = os.pathsep.join([str(tmp_path / "a folder"), str(ROOT)])
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": places, "PDE_NAS_PLUGINS": "broken_plugin"},
    )  # fmt: skip
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert f"PDE_NAS_PLUGINS names broken_plugin, which cannot be imported: {said}" in ended.stderr


def test_an_unhashable_primitive_is_named_too():
    with pytest.raises(UserError, match=r"primitives is \[1\]; accepted: skip_connect"):
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
        pytest.raises(UserError, match=rf"; {tmp_path.name} was made with PDE_NAS_PLUGINS=loaded,mine$"),
        naming_plugins(tmp_path),
    ):
        raise UNKNOWN
    other = UserError("width is -3")
    with pytest.raises(UserError) as error, naming_plugins(tmp_path):
        raise other
    assert error.value is other
