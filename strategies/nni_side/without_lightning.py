"""NNI's searches, imported without what few of them need: PyTorch Lightning, tianshou, scipy's distributions, pandas.

NNI imports Lightning, and with it torchmetrics, torchvision and torch's compiler, whatever of `nni.nas` is asked
for: two fifths of what a search of trials needs to begin. Here its packages import it when a name is asked of them that
comes from there. `test_nni_itself_imports_lightning` notices when this is no longer needed. The same holds of tianshou,
where it is installed: `PolicyBasedRL` alone needs it, and gym, which comes with it, has a word for all who import it. It
holds of scipy's distributions, which take half of the seconds that are left: `nni.mutable.Numerical` alone needs them.
It holds of pandas: json_tricks, by which NNI writes JSON, imports it to recognise its tables.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
from collections.abc import Iterator
from functools import partial
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_ONE_SHOT = ("DARTS", "ENAS", "GumbelDARTS", "Proxyless", "RandomOneShot")
_SUPERNETS = "nni.nas.oneshot.pytorch"
_DISTRIBUTIONS = "scipy.stats"
_RL, _POLICY = "nni.nas.strategy.rl", "PolicyBasedRL"


def import_nas() -> None:
    """Imports `nni.nas`, unless it is imported already."""
    if "nni.nas" in sys.modules:
        return
    _import_json_tricks()
    with _distributions_later():
        framework: Any = importlib.import_module("nni.common.framework")
    before, framework.DEFAULT_FRAMEWORK = framework.DEFAULT_FRAMEWORK, "none"  # of which it takes no names
    hidden = [name for name in (_SUPERNETS, "tianshou") if name not in sys.modules]
    for name in hidden:  # so that they cannot be imported: NNI has placeholders
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        strategy = importlib.import_module("nni.nas.strategy")
    finally:
        framework.DEFAULT_FRAMEWORK = before
        for name in hidden:
            del sys.modules[name]
    for package in (strategy, sys.modules["nni.nas.strategy.oneshot"]):
        for name in _ONE_SHOT:
            delattr(package, name)
        _hand_out(package, f"{_SUPERNETS}.strategy")
    if "tianshou" in hidden:
        delattr(strategy, _POLICY)
    _hand_out(sys.modules["nni.nas.evaluator"], "nni.nas.evaluator.pytorch")


@contextlib.contextmanager
def _distributions_later() -> Iterator[None]:
    """While it lasts, those distributions that NNI imports from `scipy.stats` are functions that import it when they are
    called; unless that or NNI is imported already."""
    if {"nni", _DISTRIBUTIONS} & sys.modules.keys():
        yield
        return

    def distribution(name: str, *given: Any, **named: Any) -> Any:
        return getattr(importlib.import_module(_DISTRIBUTIONS), name)(*given, **named)

    later = ModuleType(_DISTRIBUTIONS)
    later.__spec__ = ModuleSpec(_DISTRIBUTIONS, None)
    for name in ("norm", "lognorm", "uniform", "loguniform"):
        setattr(later, name, partial(distribution, name))
    sys.modules[_DISTRIBUTIONS] = later
    try:
        yield
    finally:
        del sys.modules[_DISTRIBUTIONS]


def _import_json_tricks() -> None:
    """Imports it without pandas, unless either is imported already. It writes tables all the same: where there is one,
    pandas has been imported."""
    if {"json_tricks", "pandas"} & sys.modules.keys():
        return
    sys.modules["pandas"] = ModuleType("pandas")
    try:
        json_tricks: Any = importlib.import_module("json_tricks")
    finally:
        del sys.modules["pandas"]
    encoders = json_tricks.nonp.DEFAULT_ENCODERS  # the default of its functions, which is changed in place
    encode = json_tricks.pandas_encode

    def encode_tables(value: Any, primitives: bool = False) -> Any:
        return encode(value, primitives=primitives) if "pandas" in sys.modules else value

    encoders[encoders.index(encode)] = json_tricks.pandas_encode = encode_tables  # NNI asks for it by name


def _hand_out(package: ModuleType, source: str) -> None:
    """Has ``package`` look up names that it lacks in the module ``source``, which is imported then."""

    def load(name: str) -> Any:
        if name == _POLICY and package.__name__ == "nni.nas.strategy":
            with contextlib.redirect_stderr(io.StringIO()):
                setattr(package, name, getattr(importlib.reload(sys.modules[_RL]), name))
            return vars(package)[name]
        if not name.startswith("_"):
            with contextlib.suppress(AttributeError):
                return getattr(importlib.import_module(source), name)
        raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}")

    package.__getattr__ = load  # type: ignore[method-assign]
