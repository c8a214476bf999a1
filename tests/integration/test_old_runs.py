"""Runs of an earlier version (commit 47c8899) are read and gone on with.

They were made by `search --strategy evolution --trials 3 --epochs 1` and `search --strategy darts --trials 2
--epochs 1 --supernet-epochs 1 --portal off --mac-penalty 0.1`, of networks of two narrow cells and 100 images.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from analysis import report
from analysis.run import read_run
from execution import runs
from execution.session import resume, session_of
from execution.settings import SearchSettings
from records.errors import UserError
from records.run_files.run_folder import RunFolder
from search_space import Genotype
from tests.integration.programs import start

OLD = Path(__file__).parent / "old_runs"
KINDS = ("multi-trial", "one-shot")


@pytest.fixture
def copied(tmp_path):
    def copy(kind: str, candidates: int) -> RunFolder:
        """The old run as it was when so many candidates were measured."""
        folder = Path(shutil.copytree(OLD / kind, tmp_path / kind))
        lines = (folder / "candidates.jsonl").read_text().splitlines(keepends=True)
        (folder / "candidates.jsonl").write_text("".join(lines[:candidates]))
        return RunFolder.open(folder)

    return copy


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_listed_and_drawn(copied, kind):
    run = copied(kind, 9)
    status = runs.status(run)
    assert (status.state, status.done) == ("stopped", len(run.measurements()))
    outcome = report(run.path, out=run.path / "report")
    assert outcome.best.accuracy == max(m.accuracy for m in run.measurements())
    assert read_run(run.path).settings["population"] == 8  # of evolution, whatever the strategy


@pytest.mark.parametrize("kind", KINDS)
def test_its_genotypes_cost_what_they_did(kind):
    for measurement in RunFolder.open(OLD / kind).measurements():
        cost = Genotype.from_json(measurement.genotype).cost()
        assert (cost.macs, cost.params) == (measurement.macs, measurement.params)


def test_its_strategy_proposes_again_what_it_did():
    run = RunFolder.open(OLD / "multi-trial")
    measured = {m.index: m for m in run.measurements()}
    strategy = session_of(SearchSettings.from_json(run.settings())).strategy
    for index, seen in sorted(run.proposed().items()):
        assert (
            strategy.propose(index, [measured[i] for i in range(seen)]).to_json() == measured[index].genotype
        )


def test_a_one_shot_search_goes_on_from_its_supernet(copied):
    run = copied("one-shot", 1)
    resume(run.path, {})
    old = RunFolder.open(OLD / "one-shot").measurements()
    assert [m.genotype for m in run.measurements()] == [m.genotype for m in old]
    assert (run.path / "oneshot.jsonl").read_text() == (OLD / "one-shot" / "oneshot.jsonl").read_text()


def test_a_resume_that_is_refused_changes_nothing(copied):
    run = copied("multi-trial", 3)
    (run.path / "outcome.json").write_text("{}")
    settings = json.loads((run.path / "settings.json").read_text())
    settings["settings"]["screen"] = 2
    (run.path / "settings.json").write_text(json.dumps(settings))
    (run.path / "scored.jsonl").write_text("zzz\n")
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    with pytest.raises(
        UserError, match=r"scored\.jsonl, line 1, is damaged: .*; take the line out of the file"
    ):
        resume(run.path, {"trials": 4, "port": 0})
    (run.path / ".lock").unlink()
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before


def test_a_multi_trial_search_goes_on_with_its_next_candidate(copied, tmp_path):
    run = copied("multi-trial", 2)
    log = tmp_path / "log"
    assert start(log, "resume", str(run.path), "--port", "0").wait(200) == 0, log.read_text()
    old = RunFolder.open(OLD / "multi-trial").measurements()
    assert {m.index: m.genotype for m in run.measurements()} == {m.index: m.genotype for m in old}
    assert json.loads((run.path / "outcome.json").read_text())["candidates"] == 3
