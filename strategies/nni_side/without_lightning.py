"""NNI's searches, imported without PyTorch Lightning, which only its supernets need.

NNI imports Lightning, and with it torchmetrics, torchvision and torch's compiler, whatever of `nni.nas` is asked
for: two fifths of what a search of trials needs to begin. Here its packages import it when a name is asked of them that
comes from there. `test_nni_itself_imports_lightning` notices when this is no longer needed.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from types import ModuleType
from typing import Any

_ONE_SHOT = ("DARTS", "ENAS", "GumbelDARTS", "Proxyless", "RandomOneShot")
_SUPERNETS = "nni.nas.oneshot.pytorch"


def import_nas() -> None:
    """Imports `nni.nas`, unless it is imported already."""
    if "nni.nas" in sys.modules:
        return
    framework: Any = importlib.import_module("nni.common.framework")
    before, framework.DEFAULT_FRAMEWORK = framework.DEFAULT_FRAMEWORK, "none"  # of which it takes no names
    sys.modules[_SUPERNETS] = None  # type: ignore[assignment]  # so that it cannot be imported: NNI has placeholders
    try:
        strategy = importlib.import_module("nni.nas.strategy")
    finally:
        framework.DEFAULT_FRAMEWORK = before
        del sys.modules[_SUPERNETS]
    for package in (strategy, sys.modules["nni.nas.strategy.oneshot"]):
        for name in _ONE_SHOT:
            delattr(package, name)
        _hand_out(package, f"{_SUPERNETS}.strategy")
    _hand_out(sys.modules["nni.nas.evaluator"], "nni.nas.evaluator.pytorch")


def _hand_out(package: ModuleType, source: str) -> None:
    """Has ``package`` look up names that it lacks in the module ``source``, which is imported then."""

    def load(name: str) -> Any:
        if not name.startswith("_"):
            with contextlib.suppress(AttributeError):
                return getattr(importlib.import_module(source), name)
        raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}")

    package.__getattr__ = load  # type: ignore[method-assign]
