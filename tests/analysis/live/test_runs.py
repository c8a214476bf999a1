"""What is known of a run before its candidates are looked at."""

from __future__ import annotations

import json

from analysis.live.runs import paper_points, run_facts, searches_of
from tests.analysis.live.records import HTML, run_folder


def test_a_search_has_itself_and_a_hub_the_searches_that_have_begun(tmp_path):
    search = run_folder(tmp_path / "one", [])
    hub = run_folder(tmp_path / "hub", [], kind="hub", searches=1, shared={})
    assert searches_of(hub) == []
    inner = [run_folder(hub / "searches" / name, []) for name in ("b", "a")]
    (hub / "searches" / "not-begun").mkdir()
    assert searches_of(search) == [search]
    assert searches_of(hub) == sorted(inner)


def test_facts_are_the_settings_as_far_as_they_are_there(tmp_path):
    run = run_folder(tmp_path / "a & b", [], space=HTML, trials="many")
    assert run_facts(run) == {
        "name": "a & b", "strategy": "random", "space": HTML, "dataset": "digits", "trials": None, "damaged": None,
    }  # fmt: skip
    (run / "settings.json").write_text("{")
    assert "settings.json" in run_facts(run)["damaged"]


def test_the_papers_networks_are_those_of_the_data_set():
    points = paper_points("cifar10")
    assert len(points) > 3
    assert all(0 < point["accuracy"] < 1 and point["macs_published"] > 0 for point in points)
    assert {point["global"] for point in points} == {True, False}
    assert paper_points("digits") == paper_points(None) == []
    json.dumps(points)
