"""What a training that has ended leaves, and ``result.json``: what it came to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from records.checks import shown
from records.errors import UserError
from records.files import naming_damage, read_json
from records.run_files.measurement_lines import require_share
from records.run_files.settings_file import GENOTYPE, RESULT, WEIGHTS


def is_training(folder: Path) -> bool:
    """Whether it is the folder of a training that has ended."""
    return all((folder / name).is_file() for name in (GENOTYPE, WEIGHTS, RESULT))


def read_result(path: Path) -> dict[str, Any]:
    """What the file says; its test accuracy is one. Raises `UserError` for a damaged one."""
    result = read_json(path)
    with naming_damage(path):
        if not isinstance(result, dict):
            raise UserError(f"it is {shown(result)}; accepted: an object with test_accuracy")
        require_share("test_accuracy", result.get("test_accuracy"))
    return result
