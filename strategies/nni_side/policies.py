"""NNI's policy-based searches, whose policies are tianshou's, which the extra ``rl`` brings."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from strategies.nni_side.quiet_import import quiet_import


@functools.cache
def policy_searches() -> Any:
    """NNI's ``nni.nas.strategy._rl_impl``.

    Whenever a policy is made, tianshou has numba compile the loops of its returns, which is most of what a search's first
    proposal takes. The loop of the returns that these policies learn from, a few dozen steps, stays Python's here: it
    gives the same numbers to the bit.
    """
    searches = quiet_import("nni.nas.strategy._rl_impl")
    base: Any = importlib.import_module("tianshou.policy.base")
    returns = base._gae_return.py_func

    def in_python(values: Any, next_values: Any, *rest: Any) -> Any:
        return returns(
            values.astype("float64"), next_values.astype("float64"), *rest
        )  # as numba promotes them

    base._gae_return = in_python
    base.BasePolicy._compile = lambda policy: None
    return searches
