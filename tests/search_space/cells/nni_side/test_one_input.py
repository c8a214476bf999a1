"""The choice of a cell's input, in the form that NNI's tuners know."""

from __future__ import annotations

import pytest
from nni.nas.nn.pytorch import ModelSpace

from search_space import Problem, get_space
from search_space.cells.model_space import DartsGlobal

PROBLEM = Problem("darts-global", {"width": 4, "cells": 2, "nodes": 2}, (1, 8, 8), 10)


def decisions(space: DartsGlobal) -> dict:
    return {label: mutable.as_legacy_dict()["_value"] for label, mutable in space.simplify().items()}


def test_a_tuner_is_told_the_options_of_each_decision_as_nni_takes_them():
    space = get_space("darts-global")
    options = {decision.label: decision.options for decision in space.decisions(PROBLEM)}
    known = decisions(space.model_space(PROBLEM))
    assert {label: len(values) for label, values in known.items()} == {k: len(v) for k, v in options.items()}
    assert known["normal/input_3_1"] == [[0], [1], [2]]
    frozen = space.model_space(PROBLEM).freeze({label: values[-1] for label, values in known.items()})
    assert frozen.simplify() == {}


def test_nnis_tpe_still_has_no_inputs(monkeypatch):
    """Where this fails, `search_space.cells.nni_side.one_input` can go."""
    monkeypatch.setattr(DartsGlobal, "leaf_mutables", ModelSpace.leaf_mutables)
    with pytest.raises(NotImplementedError, match="CategoricalMultiple"):
        decisions(get_space("darts-global").model_space(PROBLEM))
