"""Student's t against scipy.stats, which is not used where it is needed, for it takes long to import."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.certainty.student import noise_of_difference, student_quantile

values = st.lists(st.floats(0, 1), min_size=2, max_size=6)


@pytest.mark.parametrize("freedom", [0.5, 1, 2.94, 8, 1e6])
def test_the_quantile_is_that_of_scipy(freedom):
    assert student_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom))


@given(values, values)
def test_the_noise_of_a_difference_is_half_of_welchs_interval(one, other):
    found = noise_of_difference(one, other)
    assert found is not None
    if stats.sem(one) + stats.sem(other) < 1e-6:
        assert found < 1e-4
        return
    welch = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    assert found == pytest.approx((welch.high - welch.low) / 2, rel=1e-6)


def test_a_single_value_has_no_noise_that_is_known():
    assert noise_of_difference([0.9], [0.8, 0.9]) is None
    assert noise_of_difference([0.9, 0.9], [0.8, 0.8]) == 0.0


def test_it_does_without_the_heavy_part_of_scipy():
    code = (
        "import sys; from analysis.certainty.student import student_quantile; student_quantile(2); "
        "assert 'scipy.stats' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
