"""The command line imports what a command needs, and nothing heavy for its help or a mistake."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import run_search

ROOT = Path(__file__).resolve().parents[1]


def test_the_list_of_commands_waits_for_nothing_heavy():
    program = (
        "import sys, run_search\n"
        "try: run_search.main(['--help'])\n"
        "except SystemExit: print([name for name in ('torch', 'nni', 'numpy') if name in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines()[-1] == "[]"
    for command in run_search.COMMANDS:
        assert command in said.stdout


def test_the_help_of_a_command_and_a_mistake_wait_for_neither_torch_nor_nni():
    heavy = ("torch", "nni", "pandas", "matplotlib.pyplot")
    wrong = (
        ["search", "--typo", "1"],
        ["search", "--dataset", "nothing"],
        ["train", "--published", "nothing"],
    )
    program = (
        "import contextlib, io, sys, run_search\n"
        f"for words in (*([name, '--help'] for name in run_search.COMMANDS), *{wrong!r}):\n"
        "    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):\n"
        "        with contextlib.suppress(SystemExit): run_search.main(words)\n"
        f"    print(*words, [name for name in {heavy!r} if name in sys.modules])"
    )
    words = [sys.executable, "-c", program]
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(said) == len(run_search.COMMANDS) + len(wrong)
    assert [line for line in said if not line.endswith("[]")] == []


def test_a_search_from_python_is_had_here_too_and_costs_the_command_line_nothing():
    program = (
        "import sys, run_search\n"
        "assert 'pde_nas' not in sys.modules\n"
        "from run_search import SearchSettings, resume, search\n"
        "import pde_nas\n"
        "assert (SearchSettings, resume, search) == (pde_nas.SearchSettings, pde_nas.resume, pde_nas.search)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
    with pytest.raises(AttributeError, match="module 'run_search' has no attribute 'nothing'"):
        run_search.nothing  # noqa: B018
