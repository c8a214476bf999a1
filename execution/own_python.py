"""A process of this Python that finds the project as this one does, installed or not."""

from __future__ import annotations

import json
import sys

_START = (
    "import json, runpy, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


def module_command(module: str, *words: str) -> list[str]:
    """What `python -m module words` is, with this process's own search path."""
    return [sys.executable, "-c", _START, json.dumps(sys.path), module, *words]
