"""What commands make of the functions behind them."""

from __future__ import annotations

import json

import pytest

import pde_nas
from execution.portal import hub
from records.run_files.run_folder import RunFolder
from records.run_files.search_rows import write_rows
from tests.analysis.samples.runs import FIVE, make_run
from tests.test_run_search import run


def test_a_runs_candidate_is_retrained_on_the_runs_data(monkeypatch, tmp_path, capsys):
    folder = make_run(tmp_path / "run", FIVE, dataset="my.npz", data_dir="there", image_size=9)
    taken = []

    def trained(_, out, asked):
        taken.append((out, asked))
        return pde_nas.Trained(out, {"test_accuracy": 0.5})

    monkeypatch.setattr(pde_nas, "_train", trained)
    for words in (
        [str(folder)],
        [str(folder), "--pick", "index=1", "--seed", "2"],
        [str(folder), "--dataset", "digits"],
    ):
        assert run(capsys, "retrain", *words)[0] == 0
    (first, own), (second, _), (third, other) = taken
    assert (own.dataset, own.data_dir, own.image_size) == ("my.npz", "there", "9")
    assert [path.name for path in (first, second, third)] == [
        "best-my-fast", "candidate1-my-fast-seed2", "best-digits-fast",
    ]  # fmt: skip
    assert (other.data_dir, other.image_size) == (None, None)
    resolved = {"train_images": 72, "recipe": {"batch_size": 16}}
    record = json.loads((folder / "settings.json").read_text())
    (folder / "settings.json").write_text(json.dumps(record | {"resolved": resolved}))
    for words, batch in (([], 16), (["--batch-size", "32"], 32), (["--dataset", "digits"], None)):
        assert run(capsys, "retrain", folder, *words)[0] == 0
        assert taken[-1][1].batch_size == batch  # fewer images than the recipe's batch of 128
    with pytest.raises(pde_nas.UserError, match="a training has no setting epoch; accepted: dataset, "):
        pde_nas.retrain(folder, epoch=3)
    first.mkdir()
    best = pde_nas.picked(folder, "best")[0]
    for key, name in (
        (best.genotype.key(), first.name),
        ("another's", f"candidate{best.measurement.index}-my-fast"),
    ):
        (first / "settings.json").write_text(json.dumps({"settings": {}, "genotype": key}))
        assert run(capsys, "retrain", folder)[0] == 0  # the best one was another when that was trained
        assert taken[-1][0] == folder / name


def test_a_sweep_without_some_of_its_searches_ends_with_2(monkeypatch, tmp_path, capsys):
    folder = RunFolder.create(tmp_path / "sweep", {"kind": "sweep", "searches": 1, "shared": {}}).path
    write_rows(folder, [("one", {}), ("two", {})])
    monkeypatch.setattr(hub, "sweep", lambda *_: folder)
    monkeypatch.setattr(hub, "resume_hub", lambda *_: None)
    for words in (["sweep", "--seeds", "0,1"], ["resume", folder]):
        code, out, err = run(capsys, *words)
        assert (code, out) == (2, "")
        assert err == (
            f"error: no search of {folder} came to an end, why stands above; `run_search.py resume {folder}` goes on\n"
        )
    for name, expected in (("one", 2), ("two", 0)):
        (make_run(folder / "searches" / name, FIVE) / "outcome.json").write_text("{}")
        for words in (["sweep", "--seeds", "0,1"], ["resume", folder]):
            code, out, err = run(capsys, *words)
            assert code == expected
            assert f"In {folder}: comparison.csv" in out
            assert ("not every search of" in err) == (expected == 2)
