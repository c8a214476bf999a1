"""All that is known of one candidate."""

from __future__ import annotations

import base64
import json
import shlex

import pytest

from analysis.live.architecture import candidate_record, candidate_view, cost_view
from records.errors import UserError
from search_space import Genotype
from tests.analysis.live.records import GENOTYPES, HTML, candidate, failed, run_folder


@pytest.fixture
def run(tmp_path):
    unknown = GENOTYPES[0] | {"space": HTML}
    records = [
        candidate(0),
        candidate(3),
        failed(4, error=HTML),
        failed(5, "rejected"),
        candidate(6, genotype=unknown),
    ]
    return run_folder(tmp_path / "a run", records)


def test_a_candidate_is_drawn_and_counted(run):
    view = candidate_view(run, 3)
    genotype = Genotype.from_json(GENOTYPES[3])
    assert (view["key"], view["genotype"], view["unreadable"]) == (genotype.key(), GENOTYPES[3], None)
    assert view["history"] == candidate(3)["history"]
    picture = base64.b64decode(view["drawing"].removeprefix("data:image/svg+xml;base64,"))
    assert b"<svg" in picture[:500]
    edges = [name for cell in genotype.architecture.values() for node in cell for name, _ in node]
    assert sum(each["count"] for each in view["holds"]) == len(edges)
    assert {each["name"]: each["global"] for each in view["holds"]} == {
        e: e.startswith("global_") for e in edges
    }
    json.dumps(view, allow_nan=False)


def test_the_command_names_run_and_candidate_for_a_shell(run):
    words = shlex.split(candidate_view(run, 3)["commands"]["export"])
    assert words == ["python", "run_search.py", "export", str(run), "--pick", "index=3"]


def test_what_its_parts_cost_is_what_it_costs(run):
    parts = cost_view(run, 3)
    cost = Genotype.from_json(GENOTYPES[3]).cost()
    for name in ("macs", "macs_published", "params"):
        assert sum(part[name] for part in parts) == getattr(cost, name)


def test_one_that_cannot_be_read_here_is_shown_without_its_drawing(run):
    view = candidate_view(run, 6)
    assert (view["key"], view["drawing"], view["facts"]["accuracy"]) == (None, None, candidate(6)["accuracy"])
    assert "candidate 6" in view["unreadable"]
    with pytest.raises(UserError, match="candidate 6"):
        cost_view(run, 6)


def test_failed_ones_say_why_and_rejected_ones_are_not_exported(run):
    assert candidate_view(run, 4)["facts"]["error"] == HTML
    assert candidate_view(run, 5)["commands"] == {}


def test_one_that_is_not_there_is_a_line(run):
    with pytest.raises(
        UserError, match="candidate is 7, which 'a run' does not have \\(yet\\); it has 5 candidates"
    ):
        candidate_record(run, 7)
