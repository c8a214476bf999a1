"""A cell's choice of an input as NNI's TPE takes it. Importing this module imports NNI.

NNI's TPE fails on cells: it asks each decision for the form that tuners know, and the choice of an input, which is made
among lists, has none ("as_legacy_dict is not implemented"). `test_nnis_tpe_still_has_no_inputs` notices when this is no
longer needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nni.mutable import CategoricalMultiple


class OneInput(CategoricalMultiple):
    """The choice ``known`` of one value of several, which is a list of one."""

    def __init__(self, known: CategoricalMultiple) -> None:
        self.__dict__.update(known.__dict__)  # NNI makes a label of its scope: a new one would differ

    def as_legacy_dict(self) -> dict[str, Any]:
        return {"_type": "choice", "_value": [[value] for value in self.values]}


def of_one_input(mutables: Iterable[Any]) -> Iterable[Any]:
    """``mutables``, in which what chooses one value of several is a `OneInput`."""
    for each in mutables:
        yield OneInput(each) if isinstance(each, CategoricalMultiple) and each.n_chosen == 1 else each
