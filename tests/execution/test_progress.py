"""What is told while a search runs: a bar on a terminal, elsewhere a line for each step."""

from __future__ import annotations

import sys

from execution.progress import Best, Progress, candidate_line, epoch_line
from records.measurement import Measurement


def measured(index: int, accuracy: float | None) -> Measurement:
    return Measurement(
        index=index, genotype={}, status="failed" if accuracy is None else "ok", accuracy=accuracy,
        macs=1_234_567, macs_published=1, params=28_100, seconds=12.34, seed=0,
        error=None if accuracy is not None else "it\nfell",
    )  # fmt: skip


def test_off_a_terminal_each_candidate_is_a_line(capsys):
    progress = Progress(5, [measured(0, 0.25), measured(1, None)])
    progress.add(measured(2, 0.2), 5)
    progress.add(measured(4, None), 5)
    progress.add(measured(3, 0.91234), 5)
    progress.close()
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "[3/5] candidate 2: ok, accuracy 20.00%, 1.23M MACs, 28.1k params, 12.3 s, best 25.00% (candidate 0)",
        "[4/5] candidate 4: failed, 1.23M MACs, 28.1k params, 12.3 s, best 25.00% (candidate 0) (it fell)",
        "[5/5] candidate 3: ok, accuracy 91.23%, 1.23M MACs, 28.1k params, 12.3 s, best 91.23% (candidate 3)",
    ]
    assert said.err == ""


def test_on_a_terminal_there_is_a_bar_alone(capsys, monkeypatch):
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    progress = Progress(5, [measured(0, 0.25), measured(1, None)])
    progress.add(measured(2, 0.2), 5)
    assert progress.bar.postfix == "best 25.00%, 1 failed"
    progress.add(measured(3, 0.5), 5)
    progress.add(measured(4, None), 5)
    assert progress.bar.postfix == "best 50.00%, 2 failed"
    progress.close()
    said = capsys.readouterr()
    assert said.out == ""
    assert "candidate 4 failed: it\nfell" in said.err
    assert "5/5" in said.err


def test_before_the_first_good_one_there_is_no_best():
    best = Best([measured(0, None)])
    assert candidate_line(measured(0, None), best, 3).startswith("[1/3] candidate 0: failed, ")
    assert "best none yet" in candidate_line(measured(0, None), best, 3)


def test_of_equal_candidates_the_first_stays_the_best():
    best = Best([measured(0, 0.5), measured(1, 0.5)])
    assert best.measurement.index == 0
    assert Best([measured(7, 0.0)]).measurement.index == 7


def test_a_supernets_epoch_says_how_far_its_weights_have_come():
    record = {
        "epoch": 3, "default": 0.4512, "expected_macs": 1_210_000, "derived_macs": 1_100_000, "entropy": 2.6011,
        "seconds": 12.34,
    }  # fmt: skip
    assert epoch_line(record, 20, 14) == (
        "[3/20] supernet: accuracy 45.12%, 1.21M MACs expected, 1.10M MACs derived, "
        "entropy 2.6011 nats (2.6391 with equal weights), 12.3 s"
    )
