import sys

import pytest

from benchmarks.kernels import Timer
from benchmarks.studies import candidate_times


def test_rows_hold_costs_and_ratios_to_the_reference():
    rows = candidate_times.measure(("global_heat",), 2, 8, 2, Timer("cpu", 1))
    assert [row.name for row in rows] == ["global_1", "global_heat", "depthwise 3x3", "depthwise 7x7"]
    assert [row.macs_per_element for row in rows] == [50, 17, 9, 49]
    assert (rows[0].forward_ratio, rows[0].both_ratio) == (1, 1)
    assert all(row.both_ratio == pytest.approx(row.both / rows[0].both) for row in rows)


def test_a_row_in_markdown():
    row = candidate_times.Row("global_heat", 16, 32, 65.0, 20.04, 60.0, 1.5, 1.25)
    assert row.line() == "| 16 channels, 32x32 | `global_heat` | 65 | 20.0 (1.50) | 60.0 (1.25) |"
    assert row.line().count("|") == candidate_times.HEADING.splitlines()[0].count("|")


def test_a_name_that_is_no_primitive_is_told(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["candidate_times", "global_2", "--rounds", "1"])
    with pytest.raises(SystemExit) as stopped:
        candidate_times.entry(candidate_times.main)
    assert stopped.value.code == 2
    assert "primitive is 'global_2'" in capsys.readouterr().err
