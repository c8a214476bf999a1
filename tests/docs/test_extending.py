"""What docs/extending.md adds works: its code is taken from the page."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import search_space
from pde_ops import backends, integrate, scheme
from search_space import counting
from search_space.problem import Problem
from training.data import datasets
from training.data.arrays import save_arrays
from training.data.loading import load_data

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text()
MODULES = {name: text for name, text in re.findall(r"```python\n# (\w+)\.py\n(.*?)```", PAGE, re.DOTALL)}
REGISTERED = {"conv_1x1", "plain", "climb", "shapes"}  # names under which the page's code is known


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    for name, text in MODULES.items():
        (folder / f"{name}.py").write_text(text)
    return folder


@pytest.fixture
def own(folder, monkeypatch):
    """Imports a module of the page; what it registers is forgotten at the end."""
    from search_space.primitives import registry as primitives
    from search_space.space import _SPACES
    from strategies import registry as strategies

    monkeypatch.syspath_prepend(folder)

    def load(name: str) -> ModuleType:
        monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(name)

    yield load
    for registry in (_SPACES, primitives._PRIMITIVES, strategies._STRATEGIES, datasets.ARRAY_SETS):
        for name in REGISTERED & registry.keys():
            del registry[name]


def test_the_page_shows_one_of_each():
    assert set(MODULES) == {
        "my_primitives", "my_spaces", "my_strategies", "my_backend", "my_dataset",
    }  # fmt: skip
    assert all(len(text.strip().splitlines()) <= 40 for text in MODULES.values())


def test_a_primitive(own):
    own("my_primitives")
    genotype = search_space.sample(
        "darts-global", seed=0, image=(1, 8, 8), width=4, cells=3, primitives=["conv_1x1", "global_1"]
    )
    assert "conv_1x1" in str(genotype.architecture)
    network = genotype.build()
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    assert counting.count(network, (1, 8, 8)) == genotype.cost()


def test_a_space(own):
    own("my_spaces")
    genotype = search_space.sample("plain", seed=1, image=(1, 8, 8), classes=3, depth=3)
    assert list(genotype.architecture) == ["place0", "place1", "place2"]
    network = genotype.build()
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 3)
    assert counting.count(network, (1, 8, 8)) == genotype.cost()


def test_a_strategy(own):
    module = own("my_strategies")
    problem = Problem("darts-global", {"width": 4, "cells": 2}, (1, 8, 8), 10)
    first, again = module.Climb(problem, 0), module.Climb(problem, 0)
    assert [first.propose(i, []) for i in range(3)] == [again.propose(i, []) for i in range(3)]


def test_a_backend(own, monkeypatch):
    monkeypatch.setitem(backends.COMPILED, "mine", own("my_backend"))
    monkeypatch.setattr(scheme, "BACKENDS", (*scheme.BACKENDS, "mine"))
    fields = [field.requires_grad_() for field in torch.rand(6, 1, 2, 5, 6)]
    results = {}
    for name in ("eager", "mine"):
        out = integrate(*fields, steps=3, dt=0.1, backend=name)
        results[name] = (out, *torch.autograd.grad(out.sum(), fields))
    torch.testing.assert_close(results["mine"], results["eager"], rtol=0, atol=0)


def test_a_data_set(own, tmp_path):
    own("my_dataset")
    images = np.random.default_rng(0).integers(0, 256, (40, 12, 12), dtype=np.uint8)
    labels = np.arange(40) % 2
    save_arrays(tmp_path / "shapes.npz", images[:30], labels[:30], images[30:], labels[30:])
    data = load_data("shapes", tmp_path, validation=0.2)
    assert (len(data.train), len(data.test)) == (24, 10)
    assert data.info.class_names == ("round", "square")


def test_plugins_and_a_setting_reach_the_command_line(folder):
    environment = {
        "PYTHONPATH": f"{ROOT}:{folder}", "PATH": "",
        "PDE_NAS_PLUGINS": "my_primitives,my_spaces,my_strategies",
    }  # fmt: skip

    def said(*words: str) -> str:
        command = [sys.executable, str(ROOT / "run_search.py"), *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder)
        return " ".join((done.stdout + done.stderr).split())

    shown = said("search", "--help")
    assert "only with --strategy climb: --restart X share of candidates drawn at random" in shown
    assert "efficientnet-b0-global" in shown
    assert "plain}" in shown
    assert "depth=2 convolutions, one after the other [layers]" in said("spaces", "plain")
    assert said("search", "--strategy", "climb", "--restart", "2") == (
        "error: restart is 2.0; accepted: a number from 0 to 1.0"
    )


def test_every_file_that_is_to_be_changed_exists():
    named = re.findall(
        r"`((?:pde_ops|training|execution|search_space|strategies|tests)/[\w/]+(?:\.py|/))`", PAGE
    )
    named += re.findall(
        r"`((?:pde_ops|training|execution|search_space|strategies|tests)/[\w/]+(?:\.py|/))`",
        (ROOT / "CONTRIBUTING.md").read_text(),
    )
    assert len(named) > 15
    for path in named:
        if "NAME" not in path:
            assert (ROOT / path).exists(), path
