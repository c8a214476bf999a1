"""A question to run folders: the answer, its record and what is written."""

from __future__ import annotations

import json

import pytest

from analysis.questions import answer
from records.errors import UserError
from run_search import main
from tests.analysis.samples.runs import FIVE, make_run
from tests.analysis.studies.synthetic import by_macs, made_up_run


def folder(path, **changes):
    run = made_up_run(60, lambda ops, w, macs: by_macs(macs) + 0.04 * ops[0].startswith("global"), **changes)
    return make_run(path, list(run.measurements))


def test_the_command_says_it_in_a_sentence_and_writes_record_picture_and_page(tmp_path, capsys):
    runs = [folder(tmp_path / f"run{seed}", seed=seed) for seed in range(2)]
    assert main(["report", "--question", "global", *map(str, runs), "--out", str(tmp_path / "out")]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("At equal MACs candidates with global layers pay: +")
    (record,) = json.loads((tmp_path / "out" / "question-global.json").read_text())
    low, high = record["interval"]
    assert 0.03 < low < 0.04 < high < 0.05
    assert record["answer"] + "." == first
    assert record["mean"] == pytest.approx(
        sum(p["difference"] for p in record["pairs"]) / len(record["pairs"])
    )
    assert (tmp_path / "out" / "question-global.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "out" / "question-global.html").read_text()
    assert first in page
    assert page.count("<img") == 2


def test_of_few_candidates_it_says_that_it_cannot_be_told(tmp_path):
    found = answer("global", make_run(tmp_path / "run", FIVE))
    assert "cannot be told from these runs" in found.text
    assert json.loads(found.files[0].read_text())[0]["interval"] is None


def test_what_cannot_be_asked_is_one_line(tmp_path, capsys):
    run = folder(tmp_path / "run")
    with pytest.raises(UserError, match="question is 'size'; accepted: global"):
        answer("size", run)
    with pytest.raises(UserError, match="is named twice"):
        answer("global", [run, run])
    with pytest.raises(UserError, match="holds no candidate yet"):
        answer("global", make_run(tmp_path / "empty", []))
    with pytest.raises(UserError, match="is the folder of another run"):
        answer("global", run, out=make_run(tmp_path / "other", FIVE))
    assert main(["report", str(run), "--question", "size"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
