"""A problem's decisions as NNI's strategies and algorithms know a space. Importing this module imports NNI."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from strategies.nni_side.quiet_import import quiet_import

quiet_import("nni.nas.space")
from nni.mutable import Categorical, MutableDict, label_scope  # noqa: E402
from nni.nas.space import ExecutableModelSpace  # noqa: E402


class DecisionSpace(ExecutableModelSpace):
    """``decisions``, their options by label, as a model space of NNI: a sample is an option for each label.

    Examples:
        >>> space = DecisionSpace({"stage1/width": (8, 16)})
        >>> list(space.simplify()), space.contains({"stage1/width": 16}), space.contains({"stage1/width": 9})
        (['stage1/width'], True, False)
    """

    def __init__(self, decisions: Mapping[str, Sequence[Any]]) -> None:
        super().__init__()
        self.decisions = dict(decisions)
        self.mutables = MutableDict({label: _mutable(label, opts) for label, opts in decisions.items()})

    def leaf_mutables(self, is_leaf: Callable[[Any], bool]) -> Any:
        yield from self.mutables.leaf_mutables(is_leaf)

    def check_contains(self, sample: dict[str, Any]) -> Any:
        return self.mutables.check_contains(sample)


def _mutable(label: str, options: Sequence[Any]) -> Categorical:
    """NNI builds labels with slashes from scopes, and refuses them written out."""
    *scopes, name = label.split("/")
    with ExitStack() as stack:
        for scope in scopes:
            stack.enter_context(label_scope(scope))
        return Categorical(list(options), label=name)
