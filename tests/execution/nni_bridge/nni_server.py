"""Where the server that NNI brings along is, in JavaScript."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_spec = importlib.util.find_spec("nni_node")
assert _spec is not None
assert _spec.submodule_search_locations is not None
SERVER = Path(_spec.submodule_search_locations[0])
