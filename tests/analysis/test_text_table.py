import pytest

from analysis.text_table import count_text, duration_text, percent_text, table_text, tick_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (999, "999"), (999.6, "1.00k"), (1234, "1.23k"), (12_345, "12.3k"), (99_949, "99.9k"),
        (99_951, "100k"), (999_600, "1.00M"), (1_500_000_000, "1.50G"), (2e12, "2.00T"),
    ],
)  # fmt: skip
def test_counts_have_three_digits(value, text):
    assert count_text(value) == text


def test_ticks_are_short():
    assert [tick_text(v) for v in (0, 500, 1e3, 2.5e6, 3e5, 1e9)] == ["0", "500", "1k", "2.5M", "300k", "1G"]


def test_percent_and_time():
    assert (percent_text(0.98765), percent_text(1), percent_text(None)) == ("98.77", "100.00", "–")
    assert [duration_text(s) for s in (1.25, 59.6, 150, 7200)] == ["1.2 s", "60 s", "2 min", "2.0 h"]


def test_columns_are_aligned_to_the_right():
    assert table_text(["a", "bcd"], [["10", "2"], ["3", "4"]]).splitlines() == [
        " a  bcd", "-------", "10    2", " 3    4",
    ]  # fmt: skip
