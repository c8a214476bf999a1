"""The study of candidates: every network at equal MACs, and the table of what was measured."""

import json

import pytest

from benchmarks.runs import all_runs
from benchmarks.studies.candidates import (
    EXPANSION,
    JUDGED,
    MACS,
    OPERATORS,
    TOLERANCE,
    WITH_BLOCK_COEFFICIENTS,
    at_equal_macs,
    table,
)
from records.errors import UserError


@pytest.mark.parametrize(
    ("operator", "expansion"),
    [(name, EXPANSION) for name in OPERATORS] + [(name, 1) for name in WITH_BLOCK_COEFFICIENTS],
)
def test_networks_have_equal_macs_and_differ_where_they_are_judged(operator: str, expansion: int) -> None:
    genotype = at_equal_macs(operator, expansion)
    assert genotype.cost().macs == pytest.approx(MACS[expansion], rel=TOLERANCE)
    blocks = {name: held["operator"] for name, held in genotype.architecture.items() if "/" in name}
    assert len(blocks) == 8
    assert {blocks[name] for name in JUDGED} == {operator}
    assert {name for name, chosen in blocks.items() if chosen != "depthwise_3x3"} <= set(JUDGED)


def test_an_operation_that_is_too_dear_is_told() -> None:
    with pytest.raises(
        UserError, match=r"operator is .*; accepted: one with which 3,000,000 MACs can be met"
    ):
        at_equal_macs("+".join(["global_5"] * 9))


def test_a_later_call_measures_what_is_missing(tmp_path) -> None:
    path, made = tmp_path / "results" / "runs.jsonl", []

    def run(case: int) -> dict:
        made.append(case)
        return {"case": case}

    all_runs(path, [1, 2], lambda record: record["case"], run)
    records = all_runs(path, [1, 2, 3], lambda record: record["case"], run)
    assert made == [1, 2, 3]
    assert (
        records
        == [{"case": case} for case in (1, 2, 3)]
        == list(map(json.loads, path.read_text().splitlines()))
    )


def test_the_best_stands_first_with_its_deviation() -> None:
    common = {"expansion": 3, "epochs": 8, "params": 1000, "macs": 2000, "widths": [4, 8, 12]}
    records = [
        {"operator": name, "accuracy": accuracy, **common}
        for name, accuracy in (
            ("depthwise_3x3", 0.5),
            ("depthwise_3x3", 0.6),
            ("b", 0.7),
            ("b", 0.8),
            ("c", 0.4),
        )
    ]
    lines = table(records).splitlines()[2:]
    assert lines == [
        "| `b` | 3 | 8 | 75.0 ± 7.1 | 2 | +20.0 ± 30.4 | 1,000 | 2,000 | 4, 8, 12 |",
        "| `depthwise_3x3` | 3 | 8 | 55.0 ± 7.1 | 2 |  | 1,000 | 2,000 | 4, 8, 12 |",
        "| `c` | 3 | 8 | 40.0 | 1 | -15.0 | 1,000 | 2,000 | 4, 8, 12 |",
    ]
