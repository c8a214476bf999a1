"""How the application of the pages is started."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from execution.own_python import module_command


def pages_start(module: str | None, run: Path) -> dict[str, Any] | None:
    """What portal_pages.js is told: the ``command`` of the pages of ``run``, to which the server adds the socket's path,
    and the ``folder`` in which it works. ``module`` is the front door's, which runs `execution.pages.process.serve`; without one there are no pages."""
    if module is None:
        return None
    return {"command": module_command(module, str(run.absolute())), "folder": os.getcwd()}
