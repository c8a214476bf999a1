"""A run of many candidates: reading it, its front and the picture of it take little."""

from __future__ import annotations

import json

from analysis.front import front
from analysis.pictures.plot import front_plot
from analysis.pictures.plot_render import render_front
from analysis.run import read_run
from tests.analysis.samples.runs import make_run, measurement
from tests.analysis.samples.yardstick import times_of_json

COUNT = 20_000


def long_run(folder):
    path = make_run(folder, [])
    record = measurement(0, 0.5, 1000, history=(0.1, 0.2, 0.3)).to_json()
    with (path / "candidates.jsonl").open("w") as file:
        for index in range(COUNT):
            accuracy, macs = (index * 7919 % COUNT) / COUNT, 1000 + index * 104_729 % COUNT
            file.write(json.dumps(record | {"index": index, "accuracy": accuracy, "macs": macs}) + "\n")
    return path


def test_twenty_thousand_candidates_are_read_reduced_and_drawn_in_a_few_times_what_their_lines_take(tmp_path):
    path, seen = long_run(tmp_path / "run"), {}

    def look():
        seen["run"] = read_run(path)
        seen["front"] = front(seen["run"].ok)
        seen["picture"] = render_front(front_plot([seen["run"]]))

    render_front(front_plot([read_run(make_run(tmp_path / "small", [measurement(0, 0.5, 10)]))]))  # imports
    assert times_of_json(look, path / "candidates.jsonl") < 15
    ok = seen["run"].ok
    assert len(ok) == COUNT
    assert seen["picture"].startswith(b"\x89PNG")
    by_hand = [m for m in ok[:2000] if m in seen["front"]]
    assert all(not any(o.accuracy > m.accuracy and o.macs <= m.macs for o in ok) for m in by_hand[:5])
