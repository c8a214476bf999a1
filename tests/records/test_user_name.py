"""A user whose number has no name, as in a container that is run with ``--user``."""

from __future__ import annotations

import os
import subprocess
import sys

_NAMELESS = """
import os, pwd

def unknown(number):
    raise KeyError(f"getpwuid(): uid not found: {number}")

pwd.getpwuid = unknown
"""


def _said(program: str) -> str:
    unnamed = {
        name: value
        for name, value in os.environ.items()
        if name not in ("LOGNAME", "USER", "LNAME", "USERNAME", "TORCHINDUCTOR_CACHE_DIR")
    }
    done = subprocess.run(
        [sys.executable, "-c", _NAMELESS + program], env=unnamed, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_whoever_trains_can_import_torchs_compiler():
    assert _said("import training, torch._dynamo; print(os.environ['LOGNAME'])") == f"user-{os.getuid()}"


def test_a_name_stays():
    program = "os.environ['USER'] = 'ann'; import training; print(os.environ.get('LOGNAME'))"
    assert _said(program) == "None"
