"""Which candidate is taken from a run, a hub or a sweep."""

from __future__ import annotations

import csv
import json
import shutil

import pytest

from analysis import choose, chosen_genotype, read_run, report
from records.errors import UserError
from records.run_files.run_folder import RunFolder
from records.run_files.search_rows import take_back, write_rows
from search_space import Genotype
from tests.analysis.samples.runs import FIVE, make_run, measurement


@pytest.fixture(params=["hub", "sweep"])
def hub(tmp_path, request):
    """Three searches: two at their end, one stopped after its first candidate, which is the best of all."""
    path = RunFolder.create(tmp_path / "hub", {"kind": request.param, "searches": 1, "shared": {}}).path
    one = make_run(path / "searches" / "one", FIVE[:2])
    two = make_run(path / "searches" / "two", FIVE[2:], max_macs=3000)
    make_run(path / "searches" / "stopped", [measurement(0, 0.9, 500)])
    make_run(path / "searches" / "empty", [])
    for run in (one, two):
        (run / "outcome.json").write_text("{}")
    return path


def test_a_run_says_what_was_measured(tmp_path):
    run = make_run(tmp_path / "run", FIVE)
    choice = choose(run)
    assert (choice.folder, choice.measurement.index) == (run, 4)
    assert choose(run, 3).measurement.status == "failed"
    genotype = choice.genotype.save(tmp_path / "best.json")
    assert choose(genotype).folder == tmp_path
    assert choose(genotype).measurement is None


def test_the_best_of_all_searches_is_taken(hub):
    choice = choose(hub)
    assert choice.folder.name == "stopped"
    assert (choice.measurement.accuracy, choice.measurement.macs) == (0.9, 500)
    assert chosen_genotype(hub) == choice.genotype


def test_each_search_keeps_its_budget(hub):
    (hub / "searches" / "stopped" / "candidates.jsonl").write_text("")
    assert (
        choose(hub).measurement.macs == 2000
    )  # the most accurate of all has 9000, beyond its search's budget


def test_an_index_alone_names_no_candidate_of_several_searches(hub):
    with pytest.raises(UserError, match="holds several searches, each with a candidate 0; name one of them, .*/searches/NAME"):  # fmt: skip
        choose(hub, 0)


def test_a_report_is_of_all_finished_searches(hub):
    outcome = report([hub], out=hub)
    with (hub / "comparison.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["run"] for row in rows} == {"one", "two"}
    assert {path.name for path in outcome.files} == {"comparison.csv", "comparison.png", "comparison.html"}
    assert not (hub / "outcome.json").exists()


def test_a_report_names_the_searches_that_it_lacks(hub, tmp_path):
    said = "this front is without 2 searches of hub, not at an end: empty, stopped"
    outcome = report([hub], out=hub)
    assert outcome.unfinished == ("empty", "stopped")
    assert f"Warning: {said}." in outcome.table
    assert f"Warning: {said}." in (hub / "comparison.html").read_text()
    with pytest.raises(UserError, match=f"not every search of {hub} came to an end.*resume {hub}` goes on"):
        outcome.require_finished()
    other = shutil.copytree(hub, tmp_path / "elsewhere" / hub.name)  # of the same name
    for each in ("empty", "stopped"):
        shutil.rmtree(other / "searches" / each)
    assert report([hub, other], out=tmp_path / "both").unfinished == ("empty", "stopped")
    write_rows(hub, [(name, {}) for name in ("one", "two", "late", "gone", "b", "c", "d", "e", "f")])
    take_back(hub, "gone")
    said = "without 6 searches of hub, not at an end: late, b, c, d, e and 1 more"
    assert said in report([hub], out=hub).table
    for name in ("late", "b", "c", "d", "e", "f"):
        make_run(hub / "searches" / name, FIVE)
        (hub / "searches" / name / "outcome.json").write_text("{}")
    outcome = report([hub, make_run(tmp_path / "run", FIVE)], out=hub)
    assert outcome.unfinished == outcome.warnings == ()
    outcome.require_finished()


def test_a_report_of_a_single_finished_search_is_a_comparison_too(hub):
    (hub / "searches" / "two" / "outcome.json").unlink()
    report([hub], out=hub)
    assert (hub / "comparison.html").is_file()
    assert not (hub / "report.html").exists()


def test_a_hub_beside_a_run(hub, tmp_path):
    run = make_run(tmp_path / "run", [measurement(0, 0.99, 10)])
    table = report([hub, run], out=tmp_path / "both").table
    for name in ("one", "two", "run"):
        assert name in table


def test_a_hub_without_a_measurement_says_so(tmp_path):
    path = RunFolder.create(tmp_path / "hub", {"kind": "hub", "searches": 1, "shared": {}}).path
    with pytest.raises(UserError, match="holds 0 searches, none of which measured a candidate yet"):
        choose(path)
    make_run(path / "searches" / "one", FIVE[:2])
    assert choose(path).measurement.index == 0
    with pytest.raises(UserError, match="holds 1 searches, none of which came to its end yet"):
        report([path], out=path)
    assert json.loads((path / "settings.json").read_text())["settings"]["kind"] == "hub"


def test_what_was_rejected_is_not_taken(tmp_path):
    slow = measurement(
        5, None, 10, status="rejected", latency=9.0, error="latency 9 ms, above max_latency 2 ms"
    )
    run = make_run(tmp_path / "run", [*FIVE, slow])
    assert choose(run).measurement.index == 4
    with pytest.raises(UserError, match="candidate 5, was rejected: latency 9 ms, above max_latency 2 ms"):
        choose(run, 5)
    assert [m.index for m in read_run(run).rejected] == [5]


def test_what_a_training_was_asked_of_its_data_is_known(tmp_path):
    path = Genotype.from_json(FIVE[0].genotype).save(tmp_path / "genotype.json")
    assert choose(path).data() == {}
    settings = tmp_path / "settings.json"
    settings.write_text('{"genotype": "x", "settings": {"dataset": "mnist", "flip": null}}')
    assert choose(path).data() == {"dataset": "mnist"}
    settings.write_text("{")
    with pytest.raises(
        UserError, match=r"settings.json is damaged: it is not JSON; name the data set with --dataset"
    ):
        choose(path).data()
