from pathlib import Path

import pytest

from analysis.plot import front_plot
from analysis.plot_render import render_front
from analysis.references import references
from analysis.run import Run
from tests.analysis.runs import FIVE, SETTINGS, measurement


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
