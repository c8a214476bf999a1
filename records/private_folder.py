"""What is of one user and one machine, and of no run."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from records.errors import UserError


def private_folder() -> Path:
    """A folder of this user's own on this machine; it may not be there yet, and is to be made with mode 0o700. Raises
    `UserError` if somebody else could write there."""
    base = Path(tempfile.gettempdir(), f"pde-nas-{os.getuid()}")
    try:
        found = base.lstat()
    except FileNotFoundError:
        return base
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise UserError(f"{base} is no private folder of this user; remove it, or set TMPDIR to another")
    return base
