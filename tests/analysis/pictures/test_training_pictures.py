import pytest
from matplotlib.figure import Figure

from analysis.pictures.panels import limits, look, render_panels
from analysis.pictures.training_curves import CurvePanel, TrainingCurve
from analysis.pictures.training_lengths import LengthPanel, TrainingEnd


def test_limits_leave_room_and_follow_the_floor():
    assert limits([50.0, 91.0, 40.0]) == pytest.approx((40 - 0.04 * 51, 91 + 0.04 * 51))
    assert limits([50.0, 91.0, 40.0], floor=80.0) == pytest.approx((80.0, 91 + 0.04 * 11))


def test_limits_of_one_value_and_of_all_right():
    low, high = limits([100.0])
    assert low < 100 < high <= 100.5


def test_looks_repeat_together_only_after_many_names():
    assert len({look(number)[::2] for number in range(42)}) == 42


def test_pictures_depend_on_what_is_drawn_alone():
    def panel(end):
        return CurvePanel(
            "M", "%", (TrainingCurve("a", (50.0, 60.0), end), TrainingCurve("b", (40.0,), 41.0))
        )

    made = render_panels([panel(61.0), panel(61.0)])
    assert made.startswith(b"\x89PNG")
    assert made == render_panels([panel(61.0), panel(61.0)])
    assert made != render_panels([panel(62.0), panel(61.0)])


def test_panels_fill_rows_from_the_top():
    def place(count, columns):
        class Probe(LengthPanel):
            def draw(self, axes):
                super().draw(axes)
                places.append(axes.get_position().p0)

        places = []
        render_panels([Probe("t", "y", (TrainingEnd("a", 3, 5.0),)) for _ in range(count)], columns)
        return places

    (first, second), (third, fourth) = place(2, None), place(2, 1)
    assert first[0] < second[0]
    assert first[1] == second[1]
    assert third[0] == fourth[0]
    assert third[1] > fourth[1]
    assert len(place(3, 2)) == 3


def test_a_curve_ends_in_a_marker():
    axes = Figure().subplots()
    panel = CurvePanel(
        "t", "y", (TrainingCurve("a", (50.0, 60.0), 61.0), TrainingCurve("b", (40.0,))), floor=45.0
    )
    panel.draw(axes)
    assert [list(line.get_ydata()) for line in axes.get_lines()] == [[50, 60], [61], [40]]
    assert axes.get_ylim()[0] == 45
    assert panel.names == ("a", "b")
    assert panel.key_title


def test_lengths_show_each_seed_and_their_mean():
    axes = Figure().subplots()
    ends = (("a", 30, 60.0), ("b", 300, 70.0), ("a", 10, 50.0), ("a", 30, 64.0))
    panel = LengthPanel("t", "y", tuple(TrainingEnd(*end) for end in ends))
    panel.draw(axes)
    drawn = {kind: [line.get_xydata().tolist() for line in axes.get_lines() if line.get_gid() == kind]
             for kind in ("means", "seeds")}  # fmt: skip
    assert drawn["means"] == [[[10, 50], [30, 62]], [[300, 70]]]
    assert drawn["seeds"] == [[[10, 50], [30, 60], [30, 64]], [[300, 70]]]
    assert axes.get_xticks().tolist() == [10, 30, 300]
