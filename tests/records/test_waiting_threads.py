"""Threads that wait do not take the processor from what they wait for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
# Its library reads the environment once, when it is loaded with torch.
LOOK = """
import importlib, os, sys

class Finder:
    def find_spec(self, name, *_):
        if name == "torch":
            print(os.environ.get("GOMP_SPINCOUNT"))

sys.meta_path.insert(0, Finder())
importlib.import_module(sys.argv[1])
importlib.import_module("torch")
"""


def at_torchs_start(module: str, **own: str) -> list[str]:
    usual = {name: value for name, value in os.environ.items() if not name.startswith(("GOMP_", "OMP_"))}
    command = [sys.executable, "-c", LOOK, module]
    told = subprocess.run(
        command, env=usual | own, cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return told.stdout.split()


@pytest.mark.parametrize("module", ["pde_nas", "training.trial", "search_space.genotype", "analysis.outcome"])
def test_it_is_said_before_torch_is_loaded(module):
    assert at_torchs_start(module) == ["10000"]


def test_what_the_user_says_counts():
    assert at_torchs_start("training.trial", GOMP_SPINCOUNT="7") == ["7"]
    assert at_torchs_start("training.trial", OMP_WAIT_POLICY="active") == ["None"]
