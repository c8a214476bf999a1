import pytest

from analysis.pictures.confusion import ConfusionPanel, render_confusions

TABLE = ((8.0, 2.0), (1.5, 4.5))


def test_errors_and_accuracy():
    panel = ConfusionPanel("a", TABLE)
    assert panel.errors.tolist() == [[0, 2], [1.5, 0]]
    assert panel.accuracy == pytest.approx(12.5 / 16)


@pytest.mark.parametrize("table", [TABLE, ((5.0, 0.0), (0.0, 0.0))])
def test_a_picture_of_any_counts(table):
    made = render_confusions([ConfusionPanel("a", table), ConfusionPanel("b", TABLE)], [(0, 1)])
    assert made.startswith(b"\x89PNG")
    assert made != render_confusions([ConfusionPanel("a", table), ConfusionPanel("b", TABLE)])
