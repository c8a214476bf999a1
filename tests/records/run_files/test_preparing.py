"""What a search does before its first candidate, read by another process."""

import json

import pytest

from records.run_files.confirming import Confirming
from records.run_files.preparing import preparing_line, work_line

BEFORE = "Before the first candidate: "


def begun(folder, **settings):
    (folder / "settings.json").write_text(json.dumps({"settings": settings, "resolved": {}}))
    return folder


def epoch(number, **total):
    return json.dumps({"epoch": number, "loss": 2.0, "seconds": 0.1} | total) + "\n"


def test_a_supernet_is_followed_from_its_first_epoch_to_the_first_candidate(tmp_path):
    run = begun(tmp_path, strategy="supernet-pareto", judged=40, objectives="accuracy,macs")
    assert preparing_line(run) == f"{BEFORE}the supernet is trained, its first epoch runs"
    (run / "supernet.jsonl").write_text(epoch(1, epochs=7) + epoch(2, epochs=7) + '{"epoch"')
    assert preparing_line(run) == f"{BEFORE}the supernet is trained, epoch 2 of 7 is done"
    (run / "judged.jsonl").write_text("{}\n" * 5 + "{")
    assert preparing_line(run) == f"{BEFORE}5 of 40 networks are judged on the supernet's weights"
    (run / "chosen.json").write_text("[]")
    assert preparing_line(run).startswith(f"{BEFORE}candidates are chosen, of 5 networks")
    (run / "proposed.jsonl").write_text('{"index": 0, "seen": 0}\n')
    assert preparing_line(run) is None


def test_latencies_come_before_the_supernet(tmp_path):
    run = begun(tmp_path, strategy="supernet-pareto", objectives="accuracy,latency")
    assert preparing_line(run) == f"{BEFORE}latencies of operations are measured"
    (tmp_path / "limited").mkdir()
    limited = begun(tmp_path / "limited", strategy="supernet-pareto", max_latency=2.0)
    assert preparing_line(limited) == f"{BEFORE}latencies of operations are measured"
    (run / "latency_table.json").write_text("{}")
    assert preparing_line(run).endswith("its first epoch runs")


def test_scores_without_training_are_counted(tmp_path):
    run = begun(tmp_path, strategy="evolution", screen=50, screen_bins=4)
    assert preparing_line(run) == f"{BEFORE}0 of at most 200 architectures are scored without training"
    (run / "scored.jsonl").write_text("{}\n" * 12)
    assert preparing_line(run) == f"{BEFORE}12 of at most 200 architectures are scored without training"


@pytest.mark.parametrize("settings", [{"strategy": "evolution", "screen": 0}, {"strategy": "darts"}, {}])
def test_others_have_nothing_to_prepare(tmp_path, settings):
    assert preparing_line(begun(tmp_path, **settings)) is None


@pytest.mark.parametrize("line", ["{\n", "3\n", epoch(1), epoch(1, epochs=None)])
def test_a_damaged_line_leaves_the_number_open(tmp_path, line):
    run = begun(tmp_path, strategy="supernet-pareto", judged=40)
    (run / "supernet.jsonl").write_text(line)
    assert preparing_line(run) == f"{BEFORE}the supernet is trained, epoch 1 of ? is done"
    (run / "settings.json").write_text("{")
    assert preparing_line(run) is None


def test_the_work_beside_candidates_is_what_comes_before_or_after_them(tmp_path):
    run = begun(tmp_path, strategy="supernet-pareto", judged=40)
    assert work_line(run) == preparing_line(run)
    (run / "proposed.jsonl").write_text('{"index": 0, "seen": 0}\n')
    assert work_line(run) is None
    Confirming(trainings=4, candidates=(2, 5), epochs=6, others=0).write(run)
    assert work_line(run).startswith("Confirming: 0 of 4 trainings")
