"""A candidate exported from a page: by the command, in a process of its own, so that it takes no page's time."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from execution.own_python import module_command
from records.errors import UserError
from records.run_files.run_folder import new_folder

_SECONDS = 900.0


def export_candidate(run: Path, index: int, program: str, weights: Path | None) -> dict[str, Any]:
    """``folder`` in which a candidate's network then is, ``files``, their names, and ``said``, what the command says.

    The folder is ``export/candidateN`` of the run, or where that is there ``export/candidateN-2`` and so on. Raises
    `UserError` with the command's own line.
    """
    folder = new_folder(run / "export" / f"candidate{index}")
    words = ["export", str(run), "--pick", f"index={index}", "--out", str(folder)]
    if weights is not None:
        words += ["--weights", str(weights)]
    try:
        done = subprocess.run(
            module_command(program, *words),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(f"the export took longer than {_SECONDS:.0f} s and was ended") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        folder.rmdir() if not any(folder.iterdir()) else None
        raise UserError((lines or ["the export ended without a word"])[-1].removeprefix("error: "))
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {"folder": str(folder), "files": files, "said": done.stdout.strip()}
