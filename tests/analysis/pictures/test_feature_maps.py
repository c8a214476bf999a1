import numpy as np

from analysis.pictures.feature_maps import FeatureRow, limits, render_features


def test_rows_share_a_scale_that_holds_zero():
    low, high = np.full((2, 3, 3), 0.5), np.full((2, 3, 3), 4.0)
    assert limits([FeatureRow("a", low), FeatureRow("b", high)]) == (0.0, 4.0)
    assert limits([FeatureRow("a", -low)]) == (-0.5, -0.5)


def test_a_picture_shows_each_map():
    maps = np.arange(18.0).reshape(2, 3, 3)
    rows = [FeatureRow("input", maps), FeatureRow("a", maps), FeatureRow("b", maps)]
    made = render_features(rows, ["3", "5"])
    assert made.startswith(b"\x89PNG")
    assert made == render_features(rows, ["3", "5"])
    assert made != render_features([*rows[:2], FeatureRow("b", maps[::-1])], ["3", "5"])
