"""What is said of a supernet whose weights are shared: rank correlation, and the front against chance."""

import json

import pytest

from analysis import write_outcome
from analysis.run import read_run
from analysis.shared_weights import SharedRanking, read_shared_ranking
from records.errors import UserError
from records.measurement import Measurement
from records.run_files.run_folder import RunFolder
from search_space import sample


def genotype(seed: int) -> dict:
    return sample("tiny-global", seed, image=(1, 8, 8), stages=1).to_json()


def a_run(folder, trained: list[float | None], shared: list[float], roles: list[str], macs: list[int]):
    run = RunFolder.create(folder, {"dataset": "digits", "trials": len(trained)})
    for i, (accuracy, count) in enumerate(zip(trained, macs, strict=True)):
        status = "failed" if accuracy is None else "ok"
        run.append(Measurement(i, genotype(i), status, accuracy, count, count, 10, seconds=3.0, seed=0))
    chosen = [
        {"genotype": genotype(i), "role": role, "accuracy": accuracy}
        for i, (role, accuracy) in enumerate(zip(roles, shared, strict=True))
    ]
    (folder / "chosen.json").write_text(json.dumps(chosen))
    (folder / "supernet.jsonl").write_text('{"epoch": 1, "seconds": 5.0}\n{"epoch": 2, "sec')
    (folder / "judged.jsonl").write_text('{"seconds": 0.5}\n' * 4)
    return folder


def test_tau_and_the_gain_over_chance(tmp_path):
    folder = a_run(
        tmp_path / "run", [0.5, 0.7, None, 0.9, 0.4, 0.6], [0.3, 0.2, 0.9, 0.8, 0.1, 0.5],
        ["front", "front", "front", "front", "random", "random"], [100, 200, 300, 400, 110, 390],
    )  # fmt: skip
    ranking = read_shared_ranking(folder, read_run(folder).measurements)
    # Of the ten pairs of five, one is in the other order: candidates 0 and 1; and 1 and 5.
    assert ranking.tau == pytest.approx((8 - 2) / 10)
    assert ranking.against_random == ((0.4, 0.5), (0.6, 0.9))
    assert ranking.gain == pytest.approx(0.2)
    assert ranking.seconds == 7.0
    assert ranking.sentences() == [
        "Kendall's tau between accuracy on shared weights and trained from scratch: 0.60 (n = 5)",
        "Of two candidates with MACs within a factor of 1.25, among which shared weights choose, they say rightly which is "
        "better in 2 of 2 cases",
        "Random architectures of the same MACs reach 50.00% on average (n = 2), the front's nearest points +20.00 "
        "points on that",
    ]


def test_it_stands_in_the_outcome_and_the_report(tmp_path):
    folder = a_run(
        tmp_path / "run", [0.5, 0.7, 0.4], [0.3, 0.4, 0.1], ["front", "front", "random"], [100, 200, 110]
    )
    outcome = write_outcome(folder)
    assert (
        "Kendall's tau between accuracy on shared weights and trained from scratch: 1.00 (n = 3)"
        in outcome.table
    )
    assert "16.0 s of training: supernet 7.0 s, 3 candidates 9.0 s." in outcome.table
    numbers = json.loads((folder / "outcome.json").read_text())["shared_weights"]
    assert numbers == {
        "kendall_tau": pytest.approx(1.0), "pairs": 3, "like_pairs": 1, "like_pairs_right": 1,
        "gain_over_random": pytest.approx(0.1), "random": 1,
    }  # fmt: skip
    assert (
        "Random architectures of the same MACs reach 40.00% on average"
        in (folder / "report.html").read_text()
    )


def test_candidates_of_unlike_macs_are_not_among_those_that_are_told_apart():
    pairs = ((0.3, 0.5), (0.2, 0.6), (0.4, 0.7), (0.5, 0.7))
    assert SharedRanking(pairs, (100, 125, 126, 126), (), 0.0).like == (2, 3)


@pytest.mark.parametrize("pairs", [(), ((0.5, 0.6),), ((0.5, 0.6), (0.5, 0.7))])
def test_without_two_that_differ_there_is_no_tau(pairs):
    ranking = SharedRanking(pairs, (100,) * len(pairs), (), 0.0)
    assert ranking.like == (0, 0)
    assert ranking.tau is None
    assert "undefined" in ranking.sentences()[0]


def test_a_file_that_is_gone_is_told_and_the_supernet_still_counts(tmp_path):
    folder = a_run(tmp_path / "run", [0.5], [0.3], ["front"], [100])
    (folder / "chosen.json").unlink()
    outcome = write_outcome(folder)
    assert "chosen.json is gone, so what shared weights said of the candidates" in outcome.table
    assert "10.0 s of training: supernet 7.0 s, 1 candidate 3.0 s." in outcome.table
    assert "chosen.json is gone" in (folder / "report.html").read_text()


def test_other_runs_have_none(tmp_path):
    folder = a_run(tmp_path / "run", [0.5], [0.3], ["front"], [100])
    for name in ("chosen.json", "supernet.jsonl", "judged.jsonl"):
        (folder / name).unlink()
    assert read_run(folder).shared is None


def test_a_supernet_without_candidates_yet_is_no_file_that_is_gone(tmp_path):
    folder = a_run(tmp_path / "run", [], [], [], [])
    (folder / "chosen.json").unlink()
    assert read_run(folder).shared is None


@pytest.mark.parametrize("text", ["[", "3", '[{"role": "front"}]', "[[]]"])
def test_a_damaged_file_is_told(tmp_path, text):
    folder = a_run(tmp_path / "run", [0.5], [0.3], ["front"], [100])
    (folder / "chosen.json").write_text(text)
    with pytest.raises(UserError, match="chosen.json is damaged"):
        read_run(folder)
