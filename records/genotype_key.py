"""The key of a genotype's JSON, by which equal ones are known without making the genotype."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def genotype_key(record: Mapping[str, Any]) -> str:
    """16 hexadecimal digits, the same in every process. Of what ``Genotype.to_json`` gave it is the genotype's own key.

    Examples:
        >>> genotype_key({"space": "darts-global", "version": 1}) == genotype_key({"version": 1, "space": "darts-global"})
        True
    """
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
