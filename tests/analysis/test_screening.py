"""Whether scores rank as training does: Kendall's tau over pairs within bins of MACs alone."""

import dataclasses
import json

import pytest

from analysis.outcome import write_outcome
from analysis.screening import ScoreRanking, read_score_ranking
from records.errors import UserError
from records.measurement import Measurement
from records.run_files.json_lines import append_line
from records.run_files.run_folder import RunFolder
from records.run_files.scored import SCORED, Scored
from search_space import sample


def measurement(index: int, accuracy: float = 0.5, macs: int = 100) -> Measurement:
    genotype = sample("tiny-global", index, image=(1, 8, 8), stages=1)
    params = genotype.cost().params
    return Measurement(index, genotype.to_json(), "ok", accuracy, macs, macs, params, seconds=3.0, seed=0)


def ranking(*rows) -> ScoreRanking:
    return ScoreRanking(tuple((b, accuracy, {"s": score}) for b, accuracy, score in rows), len(rows), 1.0)


def test_pairs_count_within_bins_alone():
    """Within both bins the score ranks well; over all it would rank badly."""
    assert ranking((0, 0.5, 8.0), (0, 0.6, 9.0), (1, 0.8, 1.0), (1, 0.9, 2.0)).taus() == {"s": 1.0}
    assert ranking((0, 0.5, 9.0), (0, 0.6, 8.0), (1, 0.8, 1.0)).taus() == {"s": -1.0}


def test_it_is_kendalls_tau_b():
    """Of one bin, as pandas has it."""
    import pandas

    rows = [(0, a, s) for a, s in [(0.1, 1.0), (0.2, 1.0), (0.3, 3.0), (0.3, 2.0), (0.5, 0.0)]]
    table = pandas.DataFrame(rows, columns=["bin", "accuracy", "score"])
    tau = table["accuracy"].corr(table["score"], method="kendall")
    assert ranking(*rows).taus()["s"] == pytest.approx(tau)


def test_without_pairs_it_is_undefined():
    for rows in [(), ((0, 0.5, 1.0),), ((0, 0.5, 1.0), (1, 0.6, 2.0)), ((0, 0.5, 1.0), (0, 0.5, 2.0))]:
        assert all(tau is None for tau in ranking(*rows).taus().values())
    assert "undefined" in ranking().sentences()[0]


def test_a_run_tells_it_with_what_a_score_should_beat(tmp_path):
    run = RunFolder.create(tmp_path / "run", {"dataset": "digits"})
    for index in range(4):
        one = measurement(index, accuracy=0.5 + index / 10, macs=100 + index)
        run.append(one)
        value = None if index == 3 else float(index)
        append_line(run.path / SCORED, Scored(one.genotype, one.macs, 0, {"synflow": value}, 0.5).to_json())
    run.append(dataclasses.replace(measurement(4), status="failed", accuracy=None))
    found = read_score_ranking(run.path, run.measurements())
    assert found.to_json() == {
        "kendall_tau": {"MACs": 1.0, "params": found.taus()["params"], "synflow": 1.0}, "candidates": 4, "scored": 4,
    }  # fmt: skip
    said = "Scored without training: 4 architectures in 2.0 s. Kendall's tau with the accuracies, within bins of MACs: "
    outcome = write_outcome(run.path)
    assert said in outcome.table
    assert said in (run.path / "report.html").read_text().replace("&#x27;", "'")
    assert json.loads((run.path / "outcome.json").read_text())["screened"]["scored"] == 4


def test_a_damaged_file_is_told(tmp_path):
    (tmp_path / SCORED).write_text("{}\n")
    with pytest.raises(UserError, match=r"scored\.jsonl, line 1, is damaged"):
        read_score_ranking(tmp_path, [])
    assert read_score_ranking(tmp_path / "none", []) is None


@pytest.mark.parametrize(
    "change",
    [
        {"scores": [1]}, {"seconds": "a"}, {"bin": "a"}, {"genotype": None}, {"scores": {"synflow": float("nan")}},
        {"scores": {"synflow": "x"}}, {"macs": None},
    ],
)  # fmt: skip
def test_a_line_with_other_values_is_told(tmp_path, change):
    line = Scored({"space": "a"}, 9, 0, {"synflow": 1.0}, 0.1).to_json() | change
    (tmp_path / SCORED).write_text(json.dumps(line) + "\n")
    with pytest.raises(UserError, match=r"scored\.jsonl, line 1, is damaged: (genotype|a number)"):
        read_score_ranking(tmp_path, [])
