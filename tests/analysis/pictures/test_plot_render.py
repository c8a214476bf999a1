import itertools
from pathlib import Path

import pytest

from analysis.pictures.canvas import style
from analysis.pictures.plot import front_plot
from analysis.pictures.plot_render import front_figure
from analysis.references import references
from analysis.run import Run
from analysis.selection.confirmed import Confirmation
from tests.analysis.samples.runs import FIVE, SETTINGS, measurement


def run(measurements, name="run"):
    return Run(Path(name), SETTINGS, tuple(measurements))


def drawn(figure, gid):
    """The points of what is drawn under that id."""
    return [
        tuple(map(tuple, line.get_xydata())) for line in figure.axes[0].get_lines() if line.get_gid() == gid
    ]


def test_the_marks_stand_where_the_record_says():
    with style():
        figure = front_figure(front_plot([run(FIVE)]))
    assert drawn(figure, "candidates") == [((1500, 45),)]
    assert drawn(figure, "front-points") == [((1000, 50), (2000, 70), (9000, 80))]
    assert drawn(figure, "best") == [((9000, 80),)]
    (line,) = drawn(figure, "front")
    assert line[:3] == ((1000, 50), (2000, 70), (9000, 80))
    assert line[3][1] == 80  # level, to the end of the axis
    # A budget between two points buys the one on its left.
    steps = {each.get_drawstyle() for each in figure.axes[0].get_lines() if each.get_gid() == "front"}
    assert steps == {"steps-post"}
    assert [text.get_text() for text in figure.axes[0].texts] == ["", "better", "80.0%, 9.00k MACs"]


def test_the_best_stands_on_its_dot_and_both_its_numbers_are_said():
    again = {4: Confirmation((0.89, 0.9, 0.91), 6), 2: Confirmation((0.7,), 6)}
    plot = front_plot([Run(Path("run"), SETTINGS, tuple(FIVE), confirmed=again)])
    with style():
        figure = front_figure(plot)
    assert drawn(figure, "best") == [((9000, 80),)]
    (stems,) = (each for each in figure.axes[0].collections if each.get_gid() == "stems")
    assert [each.tolist() for each in stems.get_segments()] == [
        [[2000, 70], [2000, 70]],
        [[9000, 80], [9000, 90]],
    ]
    label = figure.axes[0].texts[-1]
    assert label.get_text() == "80.0%, 9.00k MACs\n90.0 ± 1.0% by other seeds, 6 epochs"
    box = label.get_window_extent(figure.canvas.get_renderer())
    whole = figure.axes[0].get_window_extent()
    assert whole.x0 <= box.x0
    assert box.x1 <= whole.x1
    assert whole.y0 <= box.y0
    assert box.y1 <= whole.y1
    (legend,) = figure.legends
    assert "by other seeds, 6 epochs: mean ± standard deviation" in [
        text.get_text() for text in legend.get_texts()
    ]


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100", "imagenet"])
def test_no_name_hides_another_or_leaves_the_picture(dataset):
    found = run([measurement(i, 0.5 + 0.01 * i, 10_000_000 * (i + 1)) for i in range(20)])
    with style():
        figure = front_figure(front_plot([found], references=references(dataset)))
        renderer = figure.canvas.get_renderer()
        boxes = [t.get_window_extent(renderer) for t in figure.axes[0].texts if t.get_text()]
        frame = figure.axes[0].get_window_extent(renderer)
    assert len(boxes) > 5
    # A pixel of tolerance: boxes were placed before they were rounded.
    assert all(frame.x0 - 1 <= b.x0 and b.x1 <= frame.x1 + 1 for b in boxes)
    for a, b in itertools.combinations(boxes, 2):
        width = min(a.x1, b.x1) - max(a.x0, b.x0)
        height = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert width < 1 or height < 1


def test_legend_and_notes_stand_below_each_other():
    runs = [
        run([measurement(i, 0.3 + 0.01 * i, 10**7 * (i + 1)) for i in range(20)], "r" * 90 + str(k))
        for k in range(7)
    ]
    with style():
        figure = front_figure(front_plot(runs, max_macs=50_000_000, references=references("cifar10")))
        figure.canvas.draw()
        renderer = figure.canvas.get_renderer()
        legend = figure.legends[0].get_window_extent(renderer)
        (note,) = (text.get_window_extent(renderer) for text in figure.texts)
        label = figure.axes[0].xaxis.label.get_window_extent(renderer)
    assert 0 <= note.y0 < note.y1 <= legend.y0 < legend.y1 <= label.y0
    assert legend.x0 >= 0
    assert legend.x1 <= figure.bbox.x1
