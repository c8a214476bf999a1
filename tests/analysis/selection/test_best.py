import pytest

from analysis.run import Run
from analysis.selection.best import best
from records.errors import UserError
from tests.analysis.samples.runs import FIVE, SETTINGS, measurement


def run(tmp_path, measurements):
    return Run(tmp_path, SETTINGS, tuple(measurements))


@pytest.mark.parametrize(("budget", "index"), [(None, 4), (9000, 4), (8999, 2), (2000, 2), (1999, 0)])
def test_the_most_accurate_one_within_the_budget(tmp_path, budget, index):
    assert best(run(tmp_path, FIVE), budget).index == index


def test_among_equals_the_one_with_fewest_macs_then_the_first(tmp_path):
    equal = [measurement(0, 0.5, 300), measurement(1, 0.5, 200), measurement(2, 0.5, 200)]
    assert best(run(tmp_path, equal)).index == 1


def test_what_none_meets_names_the_smallest(tmp_path):
    with pytest.raises(UserError, match="max_macs is 999, .* the smallest has 1,000"):
        best(run(tmp_path, FIVE), 999)
    with pytest.raises(UserError, match="holds no candidate yet"):
        best(run(tmp_path, []), 999)
