"""What candidates that were trained again by other seeds change: the best, the table, the picture, the doubt."""

import dataclasses
import json

import pytest

from analysis import write_outcome
from analysis.pictures.plot import front_plot
from analysis.run import read_run
from analysis.selection.best import best
from analysis.selection.confirmed import Confirmation, by_other_seeds, confirmations
from execution.runs import find_runs
from records.errors import UserError
from records.measurement import Measurement
from records.run_files.run_folder import CANDIDATES, CONFIRMED, RunFolder
from search_space import sample


def again(index: int, seed: int, accuracy: float | None, epochs: int = 2, macs: int = 100) -> Measurement:
    genotype = sample("tiny-global", index, image=(1, 8, 8), stages=1).to_json()
    history = () if accuracy is None else (accuracy,) * epochs
    status = "failed" if accuracy is None else "ok"
    return Measurement(
        index, genotype, status, accuracy, macs, macs, 10, seconds=2.0, seed=seed, history=history
    )


def a_run(folder, once: dict[int, tuple[float, int]], more: list[Measurement]) -> RunFolder:
    run = RunFolder.create(folder, {"dataset": "digits", "strategy": "nsga2"})
    for index, (accuracy, macs) in once.items():
        run.append(again(index, 0, accuracy, 1, macs))
    for measurement in more:
        run.append(measurement, CONFIRMED)
    return run


ONCE = {0: (0.5, 100), 1: (0.8, 1000), 2: (0.95, 5000), 3: (0.94, 4000)}
MORE = [
    again(i, seed, accuracy + seed / 100)
    for i, accuracy in ((0, 0.5), (1, 0.88), (2, 0.87))
    for seed in (1, 2, 3)
]


def test_the_best_is_the_best_by_the_mean(tmp_path):
    run = read_run(a_run(tmp_path / "run", ONCE, MORE).path)
    assert run.confirmed[1].mean == pytest.approx(0.9)
    assert run.confirmed[1].deviation == pytest.approx(0.01)
    assert best(run).index == 1
    assert best(run, 999).index == 0
    assert best(read_run(a_run(tmp_path / "plain", ONCE, []).path)).index == 2


def test_a_sentence_names_the_deviation_and_the_epochs():
    assert Confirmation((0.9, 0.92, 0.94), 6).said == (
        "92.00 ± 2.00% by other seeds, 6 epochs (standard deviation over 3 seeds)"
    )
    assert Confirmation((0.9,), 1).said == "90.00% by other seeds, 1 epoch (1 seed)"
    one, other = Confirmation((0.9,), 6), Confirmation((0.9,), 4)
    assert by_other_seeds([one, other]) == "by other seeds, 4 to 6 epochs"
    assert by_other_seeds([]) == "by other seeds"


def test_the_longest_trainings_count_and_failed_ones_do_not():
    found = confirmations([again(0, 1, 0.5, 1), again(0, 2, 0.6, 4), again(0, 3, None), again(1, 1, 0.7, 4)])
    assert {i: (c.accuracies, c.epochs, c.seconds) for i, c in found.items()} == {
        0: ((0.6,), 4, 2.0), 1: ((0.7,), 4, 2.0),
    }  # fmt: skip
    assert str(found[0]) == "60.00% (n = 1)"


def test_outcome_table_and_picture_show_it(tmp_path):
    folder = a_run(tmp_path / "run", ONCE, MORE).path
    outcome = write_outcome(folder)
    assert "by other seeds, 2 epochs" in outcome.table
    assert "90.00 ± 1.00% by other seeds, 2 epochs (standard deviation over 3 seeds)" in outcome.table
    assert "90.00 ± 1.00% (n = 3)" in outcome.table
    assert "26.0 s of training: 4 candidates 8.0 s, 3 of them again 18.0 s." in outcome.table
    numbers = json.loads((folder / "outcome.json").read_text())
    assert numbers["confirmed"]["mean"] == pytest.approx(0.9)
    assert (numbers["confirmed"]["seeds"], numbers["confirmed"]["epochs"]) == (3, 2)
    rows = (folder / "front.csv").read_text().splitlines()
    assert "confirmed_percent,confirmed_deviation,confirmed_seeds" in rows[0]
    assert ",90.0,1.0,3," in next(row for row in rows if row.split(",")[2] == "1")
    (series,) = front_plot([read_run(folder)]).series
    assert series.confirmed == tuple(
        pytest.approx(each) for each in ((100, 52, 1), (1000, 90, 1), (5000, 89, 1))
    )
    assert series.best == (1000, pytest.approx(80))  # on its dot


def test_a_damaged_line_is_left_out_and_named(tmp_path):
    folder = a_run(tmp_path / "run", ONCE, MORE).path
    whole = read_run(folder).confirmed
    with (folder / CONFIRMED).open("a") as file:
        file.write('{"index": 1}\n')
    run = read_run(folder)
    assert run.confirmed == whole
    assert run.warning.startswith("line 10 of confirmed.jsonl is damaged and left out (")


def test_what_was_trained_again_of_a_candidate_that_cannot_be_read_is_left_out(tmp_path):
    folder = a_run(tmp_path / "run", ONCE, MORE).path
    lines = (folder / CANDIDATES).read_text().splitlines(keepends=True)
    (folder / CANDIDATES).write_text("".join(["{}\n" if '"index": 1,' in line else line for line in lines]))
    run = read_run(folder)
    again_of_it = [n for n, m in enumerate(MORE, start=1) if m.index == 1]
    assert [line.number for line in run.damaged[CONFIRMED]] == again_of_it
    assert 1 not in run.confirmed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"genotype": again(2, 9, 0.5).genotype}, "its genotype is another than that of candidate 1"),
        ({"seed": 0}, "seed is 0, by which candidate 1 was judged; accepted: another one"),
        ({"index": 99}, "index is 99; accepted: that of a candidate, 0, 1, 2, 3"),
    ],
)
def test_a_line_that_fits_no_candidate_is_damaged(tmp_path, change, said):
    run = a_run(tmp_path / "run", ONCE, MORE)
    run.append(dataclasses.replace(again(1, 9, 0.5), **change), CONFIRMED)
    with pytest.raises(UserError, match=rf"confirmed\.jsonl, line 10, is damaged: {said}"):
        run.measurements(CONFIRMED)
    (line,) = read_run(run.path).damaged[CONFIRMED]
    assert (line.number, line.reason[: len(said)]) == (10, said)
    assert "line 10 of confirmed.jsonl is damaged" in write_outcome(run.path).table
    run.revise({"strategy": "random", "trials": 4})
    assert [status.state for status in find_runs([run.path])] == ["damaged"]


def test_settings_that_a_later_version_has_are_no_other_genotype(tmp_path):
    run = a_run(tmp_path / "run", ONCE, MORE)
    genotype = again(1, 9, 0.5).genotype
    later = genotype | {"settings": genotype["settings"] | {"new": 1}}
    run.append(dataclasses.replace(again(1, 9, 0.5), genotype=later), CONFIRMED)
    assert len(read_run(run.path).confirmed[1].accuracies) == 4
