import pytest
from matplotlib.figure import Figure

from analysis.training_curves import Panel, TrainingCurve, _draw, render_curves


def test_limits_leave_room_and_follow_the_floor():
    curves = (TrainingCurve("a", (50.0, 90.0), 91.0), TrainingCurve("a", (40.0, 88.0)))
    assert Panel("t", "y", curves).limits == pytest.approx((40 - 0.04 * 51, 91 + 0.04 * 51))
    assert Panel("t", "y", curves, floor=80.0).limits == pytest.approx((80.0, 91 + 0.04 * 11))
    assert Panel("t", "y", curves).names == ("a",)


def test_limits_of_one_value_and_of_all_right():
    low, high = Panel("t", "y", (TrainingCurve("a", (100.0,)),)).limits
    assert low < 100 < high <= 100.5


def test_pictures_depend_on_what_is_drawn_alone():
    panel = Panel("MNIST", "%", (TrainingCurve("a", (50.0, 60.0), 61.0), TrainingCurve("b", (40.0,), 41.0)))
    made = render_curves([panel, panel])
    assert made.startswith(b"\x89PNG")
    assert made == render_curves([panel, panel])
    other = Panel("MNIST", "%", (TrainingCurve("a", (50.0, 60.0), 62.0), TrainingCurve("b", (40.0,), 41.0)))
    assert made != render_curves([other, panel])


@pytest.mark.parametrize(
    ("band", "lines"), [(False, [[50, 60, 70], [54, 66], [40]]), (True, [[52, 63], [40]])]
)  # fmt: skip
def test_a_band_draws_the_mean_of_a_names_seeds(band, lines):
    curves = tuple(
        TrainingCurve(n, v) for n, v in (("a", (50.0, 60.0, 70.0)), ("a", (54.0, 66.0)), ("b", (40.0,)))
    )
    axes = Figure().subplots()
    _draw(axes, Panel("t", "y", curves, band=band))
    assert [list(line.get_ydata()) for line in axes.get_lines() if line.get_gid() == "curve"] == lines
    bands = [collection.get_datalim(axes.transData) for collection in axes.collections]
    assert [(b.ymin, b.ymax) for b in bands] == ([(50, 66), (40, 40)] if band else [])
