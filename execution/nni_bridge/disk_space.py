"""Whether the disk of a run folder takes what NNI's server writes."""

from __future__ import annotations

import os
from pathlib import Path

from records.errors import UserError
from records.files import write_errors
from records.run_files.settings_file import what_is_left

SERVER_BYTES = 2**18  # its database and a trial's folder take some of these


def require_space(folder: Path, least: int = SERVER_BYTES) -> None:
    """Raises `UserError` if fewer than ``least`` bytes can be written below ``folder``."""
    with write_errors(folder):
        found = os.statvfs(folder)
    blocks = found.f_bfree if os.geteuid() == 0 else found.f_bavail
    reason = ("Read-only file system", "make it writable") if found.f_flag & os.ST_RDONLY else None
    if blocks * found.f_frsize < least:
        reason = ("No space left on device", "free space")
    if reason is not None:
        raise UserError(f"cannot write {folder}: {reason[0]}; {reason[1]}; {what_is_left(folder)}")
