import dataclasses
from pathlib import Path

import pytest

from analysis import read_run, report
from analysis.pictures.plot import front_plot, have_latency
from analysis.pictures.plot_render import render_front
from analysis.references import references
from analysis.run import Run
from tests.analysis.samples.runs import FIVE, SETTINGS, make_run, measurement


def run(measurements, name="run"):
    return Run(Path(name), SETTINGS, tuple(measurements))


def test_the_record_says_what_is_drawn():
    plot = front_plot([run(FIVE)], max_macs=3000)
    (series,) = plot.series
    assert series.candidates == ((1000, 50.0), (1500, 45.0), (2000, 70.0), (9000, 80.0))
    assert series.front == ((1000, 50.0), (2000, 70.0), (9000, 80.0))
    assert series.best == (2000, 70.0)
    assert plot.axes.log  # nine times between the smallest and the largest
    assert (plot.x_label, plot.y_label) == ("multiply-accumulates for one image (MACs)", "accuracy (%)")
    assert plot.title == "digits · darts-global · random"


@pytest.mark.parametrize("count", [1, 2, 30, 400])
def test_any_number_of_candidates_is_drawn_the_same_each_time(count):
    plot = front_plot([run([measurement(i, 0.5 + 0.001 * (i % 90), 1000 + 7 * i) for i in range(count)])])
    assert render_front(plot) == render_front(plot)
    low, high = plot.axes.x
    assert all(low <= x <= high for x, _ in plot.series[0].candidates)


def test_the_papers_points_of_the_data_set_are_overlaid():
    found = {point.name: point for point in references("cifar10")}
    assert found["ResNet-Global"].macs_published == 15_000_000
    assert found["ResNet-Global"].uses_global_layer
    assert not found["ResNet-32"].uses_global_layer
    assert references("digits") == ()
    near = front_plot([run([measurement(0, 0.9, 20_000_000)])], references=tuple(found.values()))
    assert "ResNet-Global" in {point.name for point in near.references}


def test_what_learned_nothing_is_marked_at_the_edge():
    good = [measurement(i, 0.90 + 0.001 * i, 2000 + i) for i in range(20)]
    plot = front_plot([run([*good, measurement(20, 0.1, 3000)])])
    assert plot.below == 1
    assert 80 < plot.axes.y[0] < 90
    # A second run that is worse throughout has no outliers for it.
    low = [measurement(i, 0.30 + 0.001 * i, 2000 + i) for i in range(20)]
    assert front_plot([run(good, "a"), run(low, "b")]).below == 0


def test_far_references_are_named_but_not_drawn():
    plot = front_plot([run([measurement(0, 0.9, 10_000_000)])], references=references("cifar10"))
    assert {(point.name, point.macs_published) for point in plot.far} == {
        ("MDEQ", 1_500_000_000), ("NeuPDE", 4_100_000_000), ("MDEQ", 8_300_000_000),
    }  # fmt: skip
    assert plot.axes.x[1] < 1_000_000_000


def test_a_budget_that_none_meets_leaves_no_best():
    assert front_plot([run(FIVE)], max_macs=10).series[0].best is None


def test_runs_of_one_name_are_told_apart():
    plot = front_plot([run(FIVE, "a/run"), run(FIVE, "b/run"), run(FIVE, "c/other")])
    assert [series.name for series in plot.series] == ["a/run", "b/run", "other"]


@pytest.mark.parametrize("low", [1.0, 3.0, 950.0, 2.5e6])
@pytest.mark.parametrize("ratio", [1.0, 1.01, 3.0, 7.0, 100.0, 1e5])
def test_an_axis_has_round_ticks_enough(low, ratio):
    pair = [measurement(0, 0.5, int(low)), measurement(1, 0.6, max(int(low), int(low * ratio)))]
    axes = front_plot([run(pair)]).axes
    assert 2 <= len(axes.x_ticks) <= 12
    assert all(axes.x[0] <= tick * (1 + 1e-9) and tick <= axes.x[1] * (1 + 1e-9) for tick in axes.x_ticks)
    assert axes.log == (pair[1].macs / pair[0].macs >= 6)
    assert all(0 <= tick <= 100 for tick in axes.y_ticks)


def test_against_latency(tmp_path):
    timed = [dataclasses.replace(m, latency=10.0 - m.index) for m in FIVE]
    run = read_run(make_run(tmp_path / "timed", timed))
    assert have_latency([run])
    assert not have_latency([run, read_run(make_run(tmp_path / "run", FIVE))])
    plot = front_plot([run], latency=True)
    assert plot.x_label == "latency as each trial measured it (ms)"
    assert (plot.x_text(0.9), front_plot([run]).x_text(1234)) == ("0.9 ms", "1.23k")
    (series,) = plot.series
    # the last candidate is the most accurate and the fastest
    assert series.front == ((6.0, 80.0),)
    assert series.best == (6.0, 80.0)
    assert plot.axes.x[0] > 1
    (folder,) = {file.parent for file in report([run.path]).files}
    assert (folder / "front_latency.png").is_file()
