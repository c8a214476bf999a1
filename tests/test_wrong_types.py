"""What is given to the functions of Python and cannot be meant is told in one line, as the command line tells it."""

from __future__ import annotations

import numpy as np
import pytest

import pde_nas
from execution.settings import SearchSettings
from records.errors import UserError
from tests.analysis.samples.runs import FIVE, make_run

RAGGED = ([[1], [1, 2]], [0, 1], [[1]], [0])
IMAGES = np.zeros((3, 3), np.uint8)
CALLS = [
    (lambda run: pde_nas.report(None), "run is None; accepted: a path"),
    (lambda run: pde_nas.report([3]), "run is 3; accepted: a path"),
    (lambda run: pde_nas.report([]), "no run folder is named; accepted: one or more"),
    (lambda run: pde_nas.export(run, np.zeros(2)), "pick is array"),
    (lambda run: pde_nas.export(run, dataset=np.zeros(2)), "dataset is array"),
    (lambda run: pde_nas.export(run, formats=3), "format is 3; accepted: a non-empty list of onnx, "),
    (
        lambda run: pde_nas.export(run, formats="onnx"),
        "format is 'onnx'; accepted: a non-empty list of onnx, ",
    ),
    (lambda run: pde_nas.resume(run, foo=3), "a search has no setting foo; accepted: space, "),
    (lambda run: pde_nas.train(None, recipe="published"), "None has no published recipe; accepted: one of "),
    (lambda run: pde_nas.train(None), "published network is None; accepted: "),
    (lambda run: pde_nas.search(SearchSettings(), arrays=RAGGED), "arrays: x_train is no array ("),
    (lambda run: pde_nas.search(SearchSettings(), arrays={"x_train": IMAGES}), "arrays is of type dict; acc"),
    (lambda run: pde_nas.search(SearchSettings(), arrays=IMAGES), "arrays is of type ndarray; accepted: x_t"),
    (lambda run: SearchSettings(run_dir=IMAGES), "run_dir is array([[0, 0, 0], [0, 0, 0], [0, 0, 0]], "),
    (lambda run: pde_nas.export(run, IMAGES), "pick is array([[0, "),
    (lambda run: SearchSettings(max_latency=0), "max_latency is 0.0; accepted: a number, 0.001 or more"),
]


@pytest.mark.parametrize(("call", "said"), CALLS, ids=[said for _, said in CALLS])
def test_it_is_told_in_a_line(tmp_path, monkeypatch, call, said):
    run = make_run(tmp_path / "run", FIVE, trials=5)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as error:
        call(run)
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)
