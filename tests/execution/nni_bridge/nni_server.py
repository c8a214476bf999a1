"""Where the server that NNI brings along is, in JavaScript."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from execution.nni_bridge.server import FOLDER

_spec = importlib.util.find_spec("nni_node")
assert _spec is not None
assert _spec.submodule_search_locations is not None
SERVER = Path(_spec.submodule_search_locations[0])


def in_node(program: str, preloads: Sequence[str], **environment: str) -> subprocess.CompletedProcess:
    """``program`` as NNI's Node ends it, after these files of the bridge."""
    options = " ".join(f'--require="{FOLDER / name}"' for name in preloads)
    return subprocess.run(
        [str(SERVER / "node"), "-e", program], env=os.environ | {"NODE_OPTIONS": options} | environment, cwd=SERVER,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def told_by_node(program: str, preloads: Sequence[str], code: int = 0, **environment: str) -> Any:
    """The JSON that is the last line it prints; it must end with ``code``."""
    done = in_node(program, preloads, **environment)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
