import csv
import json

import pytest

from analysis import chosen_genotype, report, write_outcome
from search_space import Genotype
from search_space.errors import UserError
from tests.analysis.runs import FIVE, make_run, measurement


def test_a_run_leaves_its_front_and_its_best(tmp_path):
    run = make_run(tmp_path / "run", FIVE)
    outcome = write_outcome(run)
    assert [line.split()[:3] for line in outcome.table.splitlines()[2:5]] == [
        ["50.00", "1.00k", "0"], ["70.00", "2.00k", "20"], ["80.00", "9.00k", "40"],
    ]  # fmt: skip
    assert "Best: candidate 4, 80.00% validation accuracy" in outcome.table
    assert str(run) in outcome.table
    with (run / "front.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(r["index"], float(r["accuracy"]), int(r["macs"])) for r in rows] == [
        ("0", 0.5, 1000), ("2", 0.7, 2000), ("4", 0.8, 9000),
    ]  # fmt: skip
    assert Genotype.load(run / "best.json").to_json() == FIVE[4].genotype
    numbers = json.loads((run / "outcome.json").read_text())
    assert (numbers["accuracy"], numbers["macs"], numbers["failed"]) == (0.8, 9000, 1)
    # Columns of the staircase up to 9900 MACs, over full accuracy times 9900.
    expected = (0.5 * 8900 + 0.2 * 7900 + 0.1 * 900) / 9900
    assert numbers["hypervolume"] == pytest.approx(expected)
    for name in ("front.png", "best.png"):
        assert (run / name).read_bytes().startswith(b"\x89PNG")


def test_a_budget_decides_the_best(tmp_path):
    run = make_run(tmp_path / "run", FIVE, max_macs=3000)
    assert "candidate 2" in write_outcome(run, max_macs=3000).table
    assert chosen_genotype(run).to_json() == FIVE[2].genotype
    with pytest.raises(UserError, match="max_macs is 500, but no candidate .* the smallest has 1,000"):
        write_outcome(run, max_macs=500)


def test_written_again_it_is_the_same(tmp_path):
    run = make_run(tmp_path / "run", FIVE)
    write_outcome(run)
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    report([run], run)
    assert {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()} == before


def test_several_runs_are_drawn_over_each_other(tmp_path):
    one = make_run(tmp_path / "a" / "run", FIVE[:2])
    two = make_run(tmp_path / "b" / "run", FIVE[2:])
    outcome = report([one, two], tmp_path / "both")
    assert "a/run" in outcome.table
    assert "b/run" in outcome.table
    page = (tmp_path / "both" / "report.html").read_text()
    assert "a/run" in page
    assert "Hypervolume" in page


def test_a_candidate_is_chosen_by_index_or_file(tmp_path):
    run = make_run(tmp_path / "run", FIVE)
    assert chosen_genotype(run, 1).to_json() == FIVE[1].genotype
    with pytest.raises(UserError, match="has no candidate 7; it has 0, 1, 2, 3, 4"):
        chosen_genotype(run, 7)
    write_outcome(run)
    assert chosen_genotype(run / "best.json").to_json() == FIVE[4].genotype


def test_a_runs_text_is_shown_and_never_run(tmp_path):
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    run = make_run(tmp_path / "run", [*FIVE, measurement(5, None, 10, error=evil)], strategy=evil)
    write_outcome(run)
    page = (run / "report.html").read_text()
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "default-src 'none'" in page


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    run = make_run(tmp_path / "run", FIVE)
    with pytest.raises(UserError, match="cannot write /proc/report"):
        report([run], "/proc/report")
