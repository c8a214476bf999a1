from pathlib import Path

import pytest

from analysis.hypervolume import dominated_share
from analysis.pictures.curves import history_curves, hypervolume_curves, render_history, render_hypervolume
from analysis.run import Run
from tests.analysis.samples.runs import FIVE, SETTINGS, measurement

RUN = Run(Path("run"), SETTINGS, tuple(FIVE))


def test_each_history_is_a_curve_and_the_fronts_come_last():
    curves = history_curves(RUN)
    assert [(c.name, c.strong) for c in curves] == [("1", False), ("0", True), ("2", True), ("4", True)]
    assert curves[0].values == pytest.approx((22.5, 45.0))


def test_the_hypervolume_never_falls_and_ends_at_the_fronts():
    (curve,) = hypervolume_curves([RUN], ["run"], 9900.0)
    first = 0.5 * 8900 / 9900
    third = (0.5 * 8900 + 0.2 * 7900) / 9900
    expected = [first, first, third, third, third + 0.1 * 900 / 9900]
    assert curve.values == pytest.approx([100 * value for value in expected])
    assert curve.values[-1] == pytest.approx(100 * dominated_share(FIVE, 9900.0))


@pytest.mark.parametrize("measurements", [FIVE, FIVE[:1], [measurement(0, 0.5, 10, history=(0.5,))]])
def test_pictures_are_the_same_each_time(measurements):
    run = Run(Path("run"), SETTINGS, tuple(measurements))
    for draw, curves in (
        (render_history, history_curves(run)),
        (render_hypervolume, hypervolume_curves([run, run], ["a", "b"], 9900.0)),
    ):
        assert draw(curves) == draw(curves)
        assert draw(curves).startswith(b"\x89PNG")


def test_of_many_candidates_some_are_drawn_and_all_of_the_front():
    many = [measurement(n, 0.4 if n % 5 else 0.5, 1000 + n, history=(0.1, 0.4)) for n in range(1300)]
    front = [measurement(2000 + n, 0.6 + n / 100, 5000 + n) for n in range(3)]
    curves = history_curves(Run(Path("run"), SETTINGS, (*front[:1], *many, *front[1:])))
    assert {c.name for c in curves if c.strong} == {"0", "2000", "2001", "2002"}
    assert 400 <= sum(not c.strong for c in curves) <= 500
