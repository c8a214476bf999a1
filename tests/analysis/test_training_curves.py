import pytest

from analysis.training_curves import Panel, TrainingCurve, render_curves


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
