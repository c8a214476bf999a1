"""An empty text would mean the working folder; as a file or folder it is refused everywhere."""

from __future__ import annotations

import pytest

import pde_nas
import run_search
from execution.settings import SearchSettings
from records.errors import UserError
from tests.analysis.samples.runs import FIVE, make_run
from training.data.loading import load_data

EMPTY_PATHS = [
    ("list", ""), ("stop", ""), ("view", ""), ("resume", ""), ("report", ""), ("report", "RUN", "--out", ""),
    ("export", ""), ("export", "RUN", "--out", ""), ("export", "RUN", "--weights", ""), ("export", "RUN", "--dataset", "mnist",
    "--data-dir", ""), ("retrain", ""), ("retrain", "RUN", "--out", ""), ("retrain", "RUN", "--data-dir", ""),
    ("train", "--published", "MNIST-Residual", "--out", ""), ("published", "--csv", ""), ("search", "--run-dir", ""),
    ("search", "--data-dir", ""), ("search", "--start-from", ""), ("search", "--hosts", ""), ("search", "--cluster", ""),
    ("sweep", "--run-dir", ""), ("hub", "--data-dir", ""),
]  # fmt: skip


@pytest.mark.parametrize("words", EMPTY_PATHS, ids=" ".join)
def test_an_empty_text_is_a_path_nowhere(tmp_path, monkeypatch, capsys, words):
    run = make_run(tmp_path / "run", FIVE, trials=5)
    monkeypatch.chdir(run)  # which it would mean
    before = sorted(run.iterdir())
    try:
        code = run_search.main([str(run) if word == "RUN" else word for word in words])
    except SystemExit as end:
        code = end.code
    said = capsys.readouterr().err
    assert (code, said.count("\n")) == (2, 1), said
    assert "accepted: a path" in said
    assert sorted(run.iterdir()) == before


def test_an_empty_text_is_no_path_from_python_either(tmp_path):
    run = make_run(tmp_path / "run", FIVE, trials=5)
    for call in (
        lambda: pde_nas.report(""), lambda: pde_nas.report(run, out=""), lambda: pde_nas.export(run, out=""),
        lambda: pde_nas.export(run, weights=""), lambda: pde_nas.retrain("", dataset="digits"),
        lambda: pde_nas.retrain(run, out=""), lambda: pde_nas.resume(""), lambda: SearchSettings(run_dir=""),
        lambda: pde_nas.train("MNIST-Residual", out="", dataset="digits"), lambda: load_data("digits", ""),
    ):  # fmt: skip
        with pytest.raises(UserError, match="is ''; accepted: a path"):
            call()
